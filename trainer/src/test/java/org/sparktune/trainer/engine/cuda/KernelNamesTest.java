package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;

/** What the classes ask for is what the resources have, also where no GPU could say so. */
class KernelNamesTest {
  private static final Pattern MACRO =
      Pattern.compile("^#define (\\w+)\\(([^)]*)\\)((?:.*\\\\\n)*.*)", Pattern.MULTILINE);
  private static final Pattern USE = Pattern.compile("^([A-Z_]+)\\((.*)\\)$", Pattern.MULTILINE);
  private static final Pattern FUNCTION =
      Pattern.compile(
          "extern \"C\" __global__ void (?:__launch_bounds__\\([^()]*\\)[ \\\\\n]+)?([\\w#]+)\\(");

  /** Asks for kernels without a GPU. */
  private static final class Requests implements KernelFinder {
    private final Map<String, Set<String>> namesByFile = new TreeMap<>();

    @Override
    public Kernel get(String file, String name, String... definitions) {
      namesByFile.computeIfAbsent(file, key -> new TreeSet<>()).add(name);
      return null;
    }
  }

  @Test
  void shouldAskForEveryFunctionOfEveryResource() throws IOException {
    Requests requests = new Requests();
    try (ColumnSums sums = new ColumnSums(null, requests);
        ChosenRows rows = new ChosenRows(null, requests, null, null);
        DrawnColumns drawn = new DrawnColumns(null, requests, null);
        ParameterVectors vectors = new ParameterVectors(null, requests, null);
        Fp8Products eightBits = new Fp8Products(null, requests, null, null, null);
        Dequantization dequantization = new Dequantization(null, requests, null)) {
      dequantization.normalFloat();
      dequantization.eightBits();
      eightBits.quantizeRows();
      eightBits.transposeBytes();
      Dequantization.TYPES.forEach(dequantization::kernel);
      List<Object> asking =
          List.of(
              sums,
              rows,
              drawn,
              vectors,
              dequantization,
              eightBits,
              new Norms(requests, sums),
              new Gates(requests),
              new Rope(requests, null),
              new LogitRows(null, requests),
              new ElementOperators(requests));
      assertEquals(11, asking.size());
    }
    assertEquals(12, requests.namesByFile.size(), requests.namesByFile.keySet().toString());
    for (Map.Entry<String, Set<String>> entry : requests.namesByFile.entrySet()) {
      assertEquals(functions(entry.getKey()), entry.getValue(), entry.getKey());
    }
  }

  /** The functions with C linkage of a resource, those that macros make included. */
  private static Set<String> functions(String file) throws IOException {
    String text;
    try (InputStream in = Kernel.class.getResourceAsStream("../" + file)) {
      assertTrue(in != null, "there is no resource " + file);
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    Set<String> names = new TreeSet<>();
    Map<String, String[]> parameters = new TreeMap<>();
    Map<String, List<String>> templates = new TreeMap<>();
    Matcher macro = MACRO.matcher(text);
    StringBuilder plain = new StringBuilder();
    while (macro.find()) {
      parameters.put(macro.group(1), macro.group(2).split(", ", -1));
      templates.put(macro.group(1), namesIn(macro.group(3)));
      macro.appendReplacement(plain, "");
    }
    macro.appendTail(plain);
    names.addAll(namesIn(plain.toString()));
    Matcher use = USE.matcher(plain);
    while (use.find()) {
      String[] arguments = use.group(2).split(", ", -1);
      for (String template : templates.get(use.group(1))) {
        names.add(filled(template, parameters.get(use.group(1)), arguments));
      }
    }
    return names;
  }

  private static List<String> namesIn(String text) {
    List<String> names = new ArrayList<>();
    Matcher function = FUNCTION.matcher(text);
    while (function.find()) {
      names.add(function.group(1));
    }
    return names;
  }

  private static String filled(String template, String[] parameters, String[] arguments) {
    StringBuilder name = new StringBuilder();
    for (String part : template.split("##", -1)) {
      int parameter = List.of(parameters).indexOf(part);
      name.append(parameter < 0 ? part : arguments[parameter]);
    }
    return name.toString();
  }
}
