package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A node of a template's tree, which writes itself. */
sealed interface Statement {

  /** Whether a loop goes on. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow render(Scope scope, Output output);

  /** Text as it stands. */
  record Text(String text) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      output.append(text);
      return Flow.NEXT;
    }
  }

  /** {@code {{ expression }}}. */
  record Print(Expression expression) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      output.append(Values.text(expression.evaluate(scope)));
      return Flow.NEXT;
    }
  }

  /** Statements in a row. */
  record Block(List<Statement> statements) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      for (Statement statement : statements) {
        Flow flow = statement.render(scope, output);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    }

    /** The block's text, written in a scope of its own. */
    String capture(Scope scope) {
      Output inner = new Output();
      render(scope, inner);
      return inner.toString();
    }
  }

  /** {@code if … elif … else}. */
  record If(List<Expression> conditions, List<Block> branches, Block otherwise)
      implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      for (int i = 0; i < conditions.size(); i++) {
        if (Values.truth(conditions.get(i).evaluate(scope))) {
          return branches.get(i).render(scope, output);
        }
      }
      return otherwise.render(scope, output);
    }
  }

  /** What is assigned to. */
  sealed interface Target {
    void assign(Scope scope, Object value);
  }

  /** A variable. */
  record NameTarget(String name) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      scope.set(name, value);
    }
  }

  /** An attribute of a namespace. */
  record NamespaceTarget(String name, String attribute) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      if (!(scope.get(name) instanceof Namespace namespace)) {
        throw new TemplateException("cannot assign attribute on non-namespace object");
      }
      namespace.attributes().put(attribute, value);
    }
  }

  /** Several at once, from a sequence. */
  record TupleTarget(List<Target> targets) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      List<Object> items = Values.iterable(value);
      if (items.size() != targets.size()) {
        throw new TemplateException(
            targets.size() + " values are to be unpacked, but there are " + items.size());
      }
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(scope, items.get(i));
      }
    }
  }

  /** {@code for}. */
  record For(Target target, Expression items, Expression filter, Block body, Block otherwise)
      implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      List<Object> chosen = chosen(scope);
      if (chosen.isEmpty()) {
        return otherwise.render(scope.inner(), output);
      }
      LoopState loop = new LoopState(chosen);
      for (Object item : chosen) {
        scope.budget().step();
        loop.advance();
        Scope inner = scope.inner();
        inner.set("loop", loop);
        target.assign(inner, item);
        if (body.render(inner, output) == Flow.BREAK) {
          break;
        }
      }
      return Flow.NEXT;
    }

    private List<Object> chosen(Scope scope) {
      List<Object> all = Values.iterable(items.evaluate(scope));
      if (filter == null) {
        return all;
      }
      List<Object> chosen = new ArrayList<>(all.size());
      for (Object item : all) {
        scope.budget().step();
        Scope inner = scope.inner();
        target.assign(inner, item);
        if (Values.truth(filter.evaluate(inner))) {
          chosen.add(item);
        }
      }
      return chosen;
    }
  }

  /** {@code break} or {@code continue}. */
  record Jump(Flow flow) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      return flow;
    }
  }

  /** {@code set target = value}. */
  record Set(Target target, Expression value) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      target.assign(scope, value.evaluate(scope));
      return Flow.NEXT;
    }
  }

  /** {@code set target | filters … endset} and {@code filter … endfilter}. */
  record Captured(Target target, Block body, FilterChain filters) implements Statement {

    /** Filters to be applied to a block's text. */
    @FunctionalInterface
    interface FilterChain {
      Expression applyTo(Expression value);
    }

    @Override
    public Flow render(Scope scope, Output output) {
      String text = body.capture(scope.inner());
      Object value = filters.applyTo(new Expression.Literal(text)).evaluate(scope);
      if (target == null) {
        output.append(Values.text(value));
      } else {
        target.assign(scope, value);
      }
      return Flow.NEXT;
    }
  }

  /** {@code with}. */
  record With(List<Target> targets, List<Expression> values, Block body) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      Scope inner = scope.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(inner, values.get(i).evaluate(scope));
      }
      return body.render(inner, output);
    }
  }

  /** {@code generation}: what the assistant says, so that labels can be masked. */
  record Generation(Block body) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      int start = output.length();
      body.render(scope.inner(), output);
      output.addGenerationSpan(start, output.length());
      return Flow.NEXT;
    }
  }

  /** {@code macro}, and the body of {@code call}. */
  record Macro(String name, List<String> parameters, Map<String, Expression> defaults, Block body)
      implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      scope.set(name, callable(scope));
      return Flow.NEXT;
    }

    Callable callable(Scope definedIn) {
      return arguments -> {
        Scope inner = definedIn.inner();
        definedIn.budget().enter();
        bind(inner, arguments);
        String text = body.capture(inner);
        definedIn.budget().leave();
        return text;
      };
    }

    private void bind(Scope inner, Arguments arguments) {
      List<Object> positional = arguments.positional();
      Map<String, Object> rest = new LinkedHashMap<>(arguments.named());
      for (int i = 0; i < parameters.size(); i++) {
        String parameter = parameters.get(i);
        if (i < positional.size()) {
          inner.set(parameter, positional.get(i));
        } else if (rest.containsKey(parameter)) {
          inner.set(parameter, rest.remove(parameter));
        } else if (defaults.containsKey(parameter)) {
          inner.set(parameter, defaults.get(parameter).evaluate(inner));
        } else {
          inner.set(parameter, new Undefined("parameter '" + parameter + "' was not provided"));
        }
      }
      int bound = Math.min(parameters.size(), positional.size());
      inner.set("varargs", positional.subList(bound, positional.size()));
      inner.set(
          "caller",
          rest.containsKey("caller")
              ? rest.remove("caller")
              : new Undefined("'caller' is undefined"));
      inner.set("kwargs", rest);
    }
  }

  /** {@code call(…) macro(…) … endcall}. */
  record CallBlock(Expression.Call call, Macro body) implements Statement {
    @Override
    public Flow render(Scope scope, Output output) {
      Arguments given = call.arguments().evaluate(scope);
      Map<String, Object> named = new LinkedHashMap<>(given.named());
      named.put("caller", body.callable(scope));
      Object callee = call.callee().evaluate(scope);
      output.append(Values.text(Values.call(callee, new Arguments(given.positional(), named))));
      return Flow.NEXT;
    }
  }
}
