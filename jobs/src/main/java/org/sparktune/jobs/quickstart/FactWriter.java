package org.sparktune.jobs.quickstart;

import static org.sparktune.jobs.quickstart.World.article;
import static org.sparktune.jobs.quickstart.World.capital;
import static org.sparktune.jobs.quickstart.World.pick;

import java.util.random.RandomGenerator;

/** Writes sentences that state facts of the {@link World}. */
final class FactWriter {
  /** Sums and differences stay below this. */
  static final int LARGEST_NUMBER = 20;

  private static final int KINDS = 10;

  private FactWriter() {}

  /**
   * One sentence with one fact; sometimes a sentence before it says that somebody asked for the
   * fact.
   */
  static String sentence(RandomGenerator random) {
    World.Animal animal = pick(World.ANIMALS, random);
    World.Thing thing = pick(World.THINGS, random);
    String an = article(animal.name());
    return switch (random.nextInt(KINDS)) {
      case 0 ->
          asked(random, "what sound %s makes".formatted(an))
              + "%s says %s.".formatted(capital(an), animal.says());
      case 1 ->
          asked(random, "where %s lives".formatted(an))
              + "%s lives %s.".formatted(capital(an), animal.lives());
      case 2 ->
          asked(random, "what a young %s is called".formatted(animal.name()))
              + "A young %s is called %s.".formatted(animal.name(), article(animal.young()));
      case 3 ->
          asked(random, "what %s eats".formatted(an))
              + "%s eats %s.".formatted(capital(an), animal.eats());
      case 4 ->
          asked(random, "what color %s has".formatted(thing.name()))
              + "%s is %s.".formatted(capital(thing.name()), thing.color());
      case 5 ->
          asked(random, "what kind of thing %s is".formatted(thing.name()))
              + "%s is %s.".formatted(capital(thing.name()), thing.kind());
      case 6 -> {
        World.Opposites pair = pick(World.OPPOSITES, random);
        boolean turned = random.nextBoolean();
        String word = turned ? pair.other() : pair.one();
        yield asked(random, "for the opposite of " + word)
            + "The opposite of %s is %s.".formatted(word, turned ? pair.one() : pair.other());
      }
      case 7 -> order(random);
      default -> sum(random);
    };
  }

  /** Who wanted to know what the next sentence says, or nothing. */
  private static String asked(RandomGenerator random, String what) {
    return random.nextBoolean()
        ? "%s asked %s. "
            .formatted(pick(random.nextBoolean() ? World.GIRLS : World.BOYS, random), what)
        : "";
  }

  private static String order(RandomGenerator random) {
    var list = random.nextBoolean() ? World.DAYS : World.MONTHS;
    int i = random.nextInt(list.size());
    String earlier = list.get(i);
    String later = list.get((i + 1) % list.size());
    return random.nextBoolean()
        ? asked(random, "what comes after " + earlier)
            + "%s comes after %s.".formatted(later, earlier)
        : asked(random, "what comes before " + later)
            + "%s comes before %s.".formatted(earlier, later);
  }

  private static String sum(RandomGenerator random) {
    int a = random.nextInt(LARGEST_NUMBER);
    if (random.nextBoolean()) {
      int b = random.nextInt(LARGEST_NUMBER - a);
      return asked(random, "for %d plus %d".formatted(a, b))
          + "%d plus %d is %d.".formatted(a, b, a + b);
    }
    int b = random.nextInt(a + 1);
    return asked(random, "for %d minus %d".formatted(a, b))
        + "%d minus %d is %d.".formatted(a, b, a - b);
  }
}
