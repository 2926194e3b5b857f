package org.sparktune.jobs.quickstart;

import static org.sparktune.jobs.quickstart.World.article;
import static org.sparktune.jobs.quickstart.World.capital;
import static org.sparktune.jobs.quickstart.World.pick;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Writes questions about the {@link World} with their answers, in the columns of the Alpaca data.
 */
final class InstructionWriter {

  /**
   * A question and its answer.
   *
   * @param instruction the question
   * @param input a text it refers to, or empty
   * @param output the answer
   */
  record Instruction(String instruction, String input, String output) {}

  private static final int KINDS = 12;

  private InstructionWriter() {}

  /** One instruction. */
  static Instruction instruction(RandomGenerator random) {
    World.Animal animal = pick(World.ANIMALS, random);
    World.Thing thing = pick(World.THINGS, random);
    return switch (random.nextInt(KINDS)) {
      case 0 ->
          plain(
              random,
              List.of("What does %s say?", "Which sound does %s make?"),
              article(animal.name()),
              "%s says %s.".formatted(capital(article(animal.name())), animal.says()));
      case 1 ->
          plain(
              random,
              List.of("Where does %s live?", "Where can I find %s?"),
              article(animal.name()),
              "%s lives %s.".formatted(capital(article(animal.name())), animal.lives()));
      case 2 ->
          plain(
              random,
              List.of("What is a young %s called?", "What do you call a young %s?"),
              animal.name(),
              "A young %s is called %s.".formatted(animal.name(), article(animal.young())));
      case 3 ->
          plain(
              random,
              List.of("What does %s eat?", "What should I give to %s?"),
              article(animal.name()),
              "%s eats %s.".formatted(capital(article(animal.name())), animal.eats()));
      case 4 ->
          plain(
              random,
              List.of("What color is %s?", "Which color does %s have?"),
              thing.name(),
              "%s is %s.".formatted(capital(thing.name()), thing.color()));
      case 5 ->
          plain(
              random,
              List.of("What is %s?", "What kind of thing is %s?"),
              thing.name(),
              "%s is %s.".formatted(capital(thing.name()), thing.kind()));
      case 6 -> opposite(random);
      case 7 -> order(random);
      case 8 ->
          plain(
              random,
              List.of("Tell me a story about %s.", "Write a short story with %s in it."),
              article(animal.name()),
              StoryWriter.shortStory(animal, random));
      case 9 -> reading(random);
      default -> sum(random);
    };
  }

  private static Instruction opposite(RandomGenerator random) {
    World.Opposites pair = pick(World.OPPOSITES, random);
    boolean turned = random.nextBoolean();
    String asked = turned ? pair.other() : pair.one();
    return plain(
        random,
        List.of("What is the opposite of %s?", "Which word means the opposite of %s?"),
        asked,
        "The opposite of %s is %s.".formatted(asked, turned ? pair.one() : pair.other()));
  }

  private static Instruction order(RandomGenerator random) {
    boolean days = random.nextBoolean();
    List<String> list = days ? World.DAYS : World.MONTHS;
    String unit = days ? "day" : "month";
    int i = random.nextInt(list.size());
    String earlier = list.get(i);
    String later = list.get((i + 1) % list.size());
    return random.nextBoolean()
        ? plain(
            random,
            List.of("Which " + unit + " comes after %s?", "What comes after %s?"),
            earlier,
            "%s comes after %s.".formatted(later, earlier))
        : plain(
            random,
            List.of("Which " + unit + " comes before %s?", "What comes before %s?"),
            later,
            "%s comes before %s.".formatted(earlier, later));
  }

  private static Instruction sum(RandomGenerator random) {
    int a = random.nextInt(FactWriter.LARGEST_NUMBER);
    boolean plus = random.nextBoolean();
    int b = random.nextInt(plus ? FactWriter.LARGEST_NUMBER - a : a + 1);
    String task = "%d %s %d".formatted(a, plus ? "plus" : "minus", b);
    return plain(
        random,
        List.of("What is %s?", "How much is %s?"),
        task,
        "%s is %d.".formatted(task, plus ? a + b : a - b));
  }

  private static Instruction reading(RandomGenerator random) {
    String name = pick(random.nextBoolean() ? World.GIRLS : World.BOYS, random);
    String color = pick(World.COLORS, random);
    String toy = pick(World.TOYS, random);
    return new Instruction(
        "What color is the %s?".formatted(toy),
        "%s had %s %s.".formatted(name, article(color), toy),
        "The %s is %s.".formatted(toy, color));
  }

  private static Instruction plain(
      RandomGenerator random, List<String> questions, String asked, String answer) {
    return new Instruction(pick(questions, random).formatted(asked), "", answer);
  }
}
