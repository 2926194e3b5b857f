package org.sparktune.pipeline.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class SpecLoaderTest {
  private static final String VALID =
      """
      name: quick
      output: runs/quick
      tasks:
        - name: assistant
          task_type: lora_finetune
          base_model: base.gguf
          dataset: data
          hyperparams:
            learning_rate: 1e-4
            max_steps: 20
            lora: {rank: 4, rank_pattern: {q_proj: 8}}
          layers:
            - {match: model.layers.0, freeze: true}
        - name: data
          task_type: prepare
          base_model: base.gguf
          dataset:
            sources: [raw.jsonl, {path: raw.jsonl, schema: alpaca, columns: {instruction: question}}]
      """;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "model");
    Files.writeString(folder.resolve("raw.jsonl"), "{}");
  }

  @Test
  void shouldReadTypedTasksInDependencyOrder() throws IOException {
    TaskSpec spec = load(VALID).spec();

    assertEquals(List.of("data", "assistant"), spec.tasks().stream().map(Task::name).toList());
    Task.LoraFinetune assistant = assertInstanceOf(Task.LoraFinetune.class, spec.task("assistant"));
    assertEquals(1e-4, assistant.hyperparameters().learningRate());
    assertEquals(20, assistant.hyperparameters().maxSteps());
    assertEquals(4, assistant.lora().rank());
    assertEquals(8.0, assistant.lora().alpha());
    assertEquals(8, assistant.lora().rankPattern().get("q_proj"));
    assertEquals(List.of("data"), assistant.dependencies());
    assertEquals(new LayerPolicy("model.layers.0", true, 0), assistant.layers().get(0));
    Task.Prepare data = assertInstanceOf(Task.Prepare.class, spec.task("data"));
    assertEquals(folder.resolve("raw.jsonl").toString(), data.dataset().sources().get(0).path());
    assertEquals("question", data.dataset().sources().get(1).columns().get("instruction"));
    assertEquals(folder.resolve("work/runs/quick").toString(), spec.output());
  }

  @Test
  void shouldFillInDocumentedDefaults() throws IOException {
    Task.Training task =
        (Task.Training)
            load(VALID.replace("      learning_rate: 1e-4\n", "")).spec().task("assistant");

    assertEquals(
        new Hyperparameters(
            3,
            20,
            2e-4,
            Hyperparameters.Schedule.COSINE,
            0.03,
            -1,
            0,
            8,
            1,
            1,
            0.9,
            0.999,
            1e-8,
            0,
            Hyperparameters.Precision.AUTO,
            Hyperparameters.EngineChoice.AUTO,
            42,
            1,
            50,
            100,
            2,
            0,
            List.of(),
            new UpdaterChoice(UpdaterChoice.Updater.ADAMW, 0.9, 0.95, 0),
            new ScheduleShape(0, 0, 1, Map.of())),
        task.hyperparameters());
  }

  @Test
  void shouldReadUpdatersAndSchedulesWithTheirNumbers() throws IOException {
    Hyperparameters parameters =
        ((Task.Training)
                load(with(
                        "optimizer: {updater: rmsprop, decay: 0.9}",
                        "schedule: step",
                        "schedule_shape: {rate: 0.5, steps: 100}"))
                    .spec()
                    .task("assistant"))
            .hyperparameters();
    assertEquals(
        new UpdaterChoice(UpdaterChoice.Updater.RMSPROP, 0.9, 0.9, 0), parameters.optimizer());
    assertEquals(Hyperparameters.Schedule.STEP, parameters.schedule());
    assertEquals(new ScheduleShape(0.5, 100, 1, Map.of()), parameters.scheduleShape());
  }

  @Test
  void shouldTellNumbersThatAnUpdaterOrAScheduleDoesNotHave() {
    String written =
        with(
            "optimizer: {updater: sgd, momentum: 0.9}",
            "schedule: map",
            "schedule_shape: {rate: 0.5, points: {10: 0.5}}");
    SpecException e = assertThrows(SpecException.class, () -> load(written));
    List<String> messages = e.problems().stream().map(SpecProblem::message).toList();
    assertEquals(
        List.of(
            "The updater sgd has no 'momentum'.",
            "The schedule map has no 'rate'.",
            "'points' says nothing of step 0."),
        messages);
  }

  /** The valid specification with more hyperparameters. */
  private static String with(String... hyperparameters) {
    String first = "      learning_rate: 1e-4\n";
    return VALID.replace(first, first + "      " + String.join("\n      ", hyperparameters) + "\n");
  }

  @Test
  void shouldReportEveryProblemWithItsPlaceAtOnce() throws IOException {
    String text =
        """
        name: quick
        output: runs/quick
        sede: 1
        tasks:
          - name: data
            task_type: prepair
          - name: assistant
            task_type: lora_finetune
            base_model: bose.gguf
            dataset: data
            dependencies: [dato]
            hyperparams:
              learning_rat: 1.0
              batch_size: many
              epochs: -1
              schedule: cosin
              lora: 3
          - name: assistant
            task_type: dpo
        """;

    List<SpecProblem> problems = problems(text);
    List<String> places =
        problems.stream()
            .map(problem -> problem.location().line() + ":" + problem.location().column())
            .toList();
    assertEquals(
        List.of(
            "3:1", "6:16", "9:17", "11:20", "13:7", "14:19", "15:15", "16:17", "17:13", "18:11"),
        places,
        problems.toString());
    String all = problems.toString();
    assertTrue(all.contains("'seed'"), all);
    assertTrue(all.contains("'prepare'"), all);
    assertTrue(all.contains("'learning_rate'"), all);
    assertTrue(all.contains("'cosine'"), all);
    assertTrue(all.contains("Did you mean 'data'"), all);
  }

  @Test
  void shouldNameTheCycle() throws IOException {
    String text =
        VALID.replace(
            "    task_type: prepare\n", "    task_type: prepare\n    dependencies: [assistant]\n");

    SpecProblem problem = onlyProblem(text);
    assertTrue(problem.message().contains("assistant → data → assistant"), problem.message());
  }

  @Test
  void shouldReportADuplicateKeyWithBothLines() throws IOException {
    SpecProblem problem = onlyProblem(VALID + "output: x\n");
    assertTrue(problem.message().contains("'output' is given twice"), problem.message());
    assertTrue(problem.message().contains("line 2"), problem.message());
  }

  @Test
  void shouldSayWhereTheYamlIsBroken() throws IOException {
    SpecProblem problem = onlyProblem("name: a\noutput: [b\ntasks: x\n");
    assertEquals(3, problem.location().line());
  }

  @Test
  void shouldTellAKnownTypeThatIsNotInThisVersion() throws IOException {
    SpecException thrown =
        assertThrows(SpecException.class, () -> load(VALID.replace("lora_finetune", "qat")));
    assertEquals(ErrorCode.UNSUPPORTED, thrown.code());
    assertTrue(thrown.getMessage().contains("'qat'"), thrown.getMessage());
  }

  @Test
  void shouldHoldTheBaseInFewBitsWhereThatIsAskedFor() throws IOException {
    Task.LoraFinetune plain = (Task.LoraFinetune) load(VALID).spec().task("assistant");
    assertEquals(Quantization.NONE, plain.lora().quantization());
    assertEquals(TaskType.LORA_FINETUNE, plain.type());
    String qlora = VALID.replace("lora_finetune", "qlora");
    Task.LoraFinetune inFewBits = (Task.LoraFinetune) load(qlora).spec().task("assistant");
    assertEquals(Quantization.AUTO, inFewBits.lora().quantization());
    assertEquals(TaskType.QLORA, inFewBits.type());
    String none = qlora.replace("hyperparams:", "hyperparams:\n      quantization: none");
    assertTrue(onlyProblem(none).message().contains("'quantization' is none"));
  }

  @Test
  void shouldRefuseAliasesThatMultiply() throws IOException {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      String alias = "*a" + (i - 1);
      bomb.append(
          "a%d: &a%d [%s]\n"
              .formatted(
                  i,
                  i,
                  String.join(
                      ", ", List.of(alias, alias, alias, alias, alias, alias, alias, alias))));
    }
    assertTrue(onlyProblem(bomb.toString()).message().contains("usable"), "must be refused");
    assertTrue(onlyProblem("a: &a [*a]\n").message().contains("usable"), "must be refused");
  }

  @Test
  void shouldShareValuesThroughAliasesAndMergeKeys() throws IOException {
    String text =
        """
        name: quick
        output: out
        tasks:
          - &first
            name: one
            task_type: full_ft
            base_model: base.gguf
            dataset: raw.jsonl
            hyperparams: &shared {learning_rate: 1e-5, seed: 7}
          - <<: *first
            name: two
            hyperparams: {<<: *shared, seed: 8}
        """;

    TaskSpec spec = load(text, "two.hyperparams.learning_rate=2e-5").spec();
    Hyperparameters one = ((Task.Training) spec.task("one")).hyperparameters();
    Hyperparameters two = ((Task.Training) spec.task("two")).hyperparameters();
    assertEquals(1e-5, one.learningRate());
    assertEquals(7, one.seed());
    assertEquals(2e-5, two.learningRate());
    assertEquals(8, two.seed());
  }

  @ParameterizedTest
  @CsvSource({
    "hyperparams.max_steps=5",
    "assistant.hyperparams.max_steps=5",
    "tasks.assistant.hyperparams.max_steps=5",
    "tasks.0.hyperparams.max_steps=5"
  })
  void shouldApplyAnOverrideHoweverTheTaskIsNamed(String override) throws IOException {
    Task.Training task = (Task.Training) load(VALID, override).spec().task("assistant");
    assertEquals(5, task.hyperparameters().maxSteps());
  }

  @Test
  void shouldReachListsAndNewGroupsAndTheTopWithOverrides() throws IOException {
    Files.createDirectory(folder.resolve("work"));
    Files.writeString(folder.resolve("work/other.jsonl"), "{}");
    TaskSpec spec =
        load(
                VALID,
                "data.dataset.sources.0=other.jsonl",
                "hyperparams.lora.target_modules=[q_proj, v_proj]",
                "seed=7",
                "output=elsewhere")
            .spec();

    Task.Prepare data = (Task.Prepare) spec.task("data");
    assertEquals(
        folder.resolve("work/other.jsonl").toString(), data.dataset().sources().get(0).path());
    assertEquals(
        List.of("q_proj", "v_proj"),
        ((Task.LoraFinetune) spec.task("assistant")).lora().targetModules());
    assertEquals(7, spec.seed());
    assertEquals(folder.resolve("work/elsewhere").toString(), spec.output());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "asistant.hyperparams.seed=1 | 'assistant'",
        "hyperparams.max_step=1 | 'max_steps'",
        "assistant=1 | --set assistant=1",
        "data.dataset.sources.9=x | not a place",
        "name.x=1 | has no 'x'",
        "nonsense | key.path=value",
        "hyperparams.batch_size=[1 | not valid YAML"
      })
  void shouldReportAnOverrideThatFitsNothing(String override, String expected) {
    SpecException thrown = assertThrows(SpecException.class, () -> load(VALID, override));
    assertTrue(thrown.getMessage().contains(expected), thrown.getMessage());
  }

  @Test
  void shouldGiveTheFilesBaseModelToTasksThatNameNone() throws IOException {
    Files.writeString(folder.resolve("other.gguf"), "model");
    String shared = VALID.replace("    base_model: base.gguf\n", "") + "base_model: base.gguf\n";
    TaskSpec spec = load(shared).spec();
    TaskSpec changed = load(shared, "base_model=" + folder.resolve("other.gguf")).spec();
    TaskSpec one = load(VALID, "base_model=" + folder.resolve("other.gguf")).spec();

    assertEquals(load(VALID).spec(), spec);
    Reference other = new Reference.Stored(folder.resolve("other.gguf").toString());
    assertEquals(other, changed.task("data").baseModel());
    assertEquals(other, changed.task("assistant").baseModel());
    assertEquals(spec.task("data").baseModel(), one.task("data").baseModel());
    assertEquals(other, one.task("assistant").baseModel());
    assertEquals(1, problems(shared.replace("base.gguf", "absent.gguf")).size());
  }

  @Test
  void shouldWriteTextThatLoadsToTheSameSpecFromAnywhere() throws IOException {
    SpecLoader.Loaded loaded = load(VALID, "hyperparams.seed=9");
    Path copy = Files.createDirectory(folder.resolve("copy")).resolve("spec.yaml");
    Files.writeString(copy, loaded.text());

    SpecLoader.Loaded again =
        SpecLoader.load(copy, new SpecLoader.Request(List.of(), null, true, folder));
    assertEquals(loaded.spec(), again.spec());
    assertEquals(loaded.text(), again.text());
  }

  @Test
  void shouldIgnoreMissingFilesWhenAsked() throws IOException {
    Files.delete(folder.resolve("base.gguf"));
    Files.delete(folder.resolve("raw.jsonl"));
    assertEquals(4, problems(VALID).size());

    Path file = Files.writeString(folder.resolve("spec.yaml"), VALID);
    SpecLoader.load(file, new SpecLoader.Request(List.of(), null, false, folder));
  }

  @Test
  void shouldSayThatTheFileCannotBeRead() throws IOException {
    Path binary = Files.write(folder.resolve("binary.yaml"), new byte[] {(byte) 0xff, 1});
    for (Path file : List.of(folder, folder.resolve("absent.yaml"), binary)) {
      SparktuneException thrown =
          assertThrows(
              SparktuneException.class,
              () -> SpecLoader.load(file, new SpecLoader.Request(List.of(), null, true, folder)));
      assertEquals(ErrorCode.BAD_FILE, thrown.code());
    }
  }

  private SpecLoader.Loaded load(String text, String... overrides) throws IOException {
    Path file = Files.writeString(folder.resolve("spec.yaml"), text);
    Path work = Files.createDirectories(folder.resolve("work"));
    return SpecLoader.load(file, new SpecLoader.Request(List.of(overrides), null, true, work));
  }

  private List<SpecProblem> problems(String text) {
    return assertThrows(SpecException.class, () -> load(text)).problems();
  }

  private SpecProblem onlyProblem(String text) {
    List<SpecProblem> problems = problems(text);
    assertEquals(1, problems.size(), problems.toString());
    return problems.get(0);
  }
}
