package org.sparktune.jobs;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;

/**
 * Holds the walls between the rooms: jobs → pipeline → tokenizer, jobs → trainer → tokenizer,
 * nothing else.
 */
@AnalyzeClasses(packages = "org.sparktune", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule TOKENIZER_STANDS_ALONE =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAnyPackage("org.sparktune.core..", "org.sparktune.tokenizer..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.sparktune.pipeline..",
              "org.sparktune.trainer..",
              "org.sparktune.jobs..",
              "org.apache.spark..",
              "org.apache.hadoop..",
              "org.nd4j..",
              "org.bytedeco..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule PIPELINE_KNOWS_NO_TRAINER =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAPackage("org.sparktune.pipeline..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.sparktune.trainer..", "org.sparktune.jobs..", "org.nd4j..", "org.bytedeco..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule TRAINER_KNOWS_NO_SPARK =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAPackage("org.sparktune.trainer..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.sparktune.pipeline..", "org.sparktune.jobs..", "org.apache.spark..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule NO_CYCLES =
      slices().matching("org.sparktune.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule TRAINER_HAS_NO_PACKAGE_CYCLES =
      slices().matching("org.sparktune.trainer.(**)").should().beFreeOfCycles();
}
