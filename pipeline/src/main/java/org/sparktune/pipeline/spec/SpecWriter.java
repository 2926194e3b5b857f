package org.sparktune.pipeline.spec;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.SpecNode.Sequence;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.DumperOptions.FlowStyle;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.emitter.Emitter;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.resolver.Resolver;
import org.yaml.snakeyaml.serializer.Serializer;

/** Writes a tree as YAML: the specification as it was run, paths absolute, overrides applied. */
final class SpecWriter {
  private SpecWriter() {}

  static String write(SpecNode root) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(FlowStyle.BLOCK);
    options.setWidth(Integer.MAX_VALUE);
    StringWriter text = new StringWriter();
    Serializer serializer =
        new Serializer(new Emitter(text, options), new Resolver(), options, null);
    try {
      serializer.open();
      serializer.serialize(node(root));
      serializer.close();
    } catch (IOException e) {
      throw new UncheckedIOException("A string takes all text", e);
    }
    return text.toString();
  }

  private static Node node(SpecNode source) {
    if (source instanceof Scalar scalar) {
      return scalar(scalar);
    }
    if (source instanceof Sequence sequence) {
      List<Node> items = new ArrayList<>();
      for (SpecNode item : sequence.items()) {
        items.add(node(item));
      }
      return new SequenceNode(Tag.SEQ, items, FlowStyle.BLOCK);
    }
    List<NodeTuple> tuples = new ArrayList<>();
    ((Mapping) source)
        .entries()
        .forEach(
            (key, entry) ->
                tuples.add(
                    new NodeTuple(
                        new ScalarNode(Tag.STR, key, null, null, ScalarStyle.PLAIN),
                        node(entry.value()))));
    return new MappingNode(Tag.MAP, tuples, FlowStyle.BLOCK);
  }

  private static Node scalar(Scalar scalar) {
    if (scalar.quoted()) {
      return new ScalarNode(Tag.STR, scalar.text(), null, null, ScalarStyle.DOUBLE_QUOTED);
    }
    Tag tag = new Resolver().resolve(org.yaml.snakeyaml.nodes.NodeId.scalar, scalar.text(), true);
    return new ScalarNode(tag, scalar.text(), null, null, ScalarStyle.PLAIN);
  }
}
