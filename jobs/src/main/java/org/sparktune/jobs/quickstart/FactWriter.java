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

  /** One sentence with one fact. */
  static String sentence(RandomGenerator random) {
    World.Animal animal = pick(World.ANIMALS, random);
    World.Thing thing = pick(World.THINGS, random);
    boolean shortForm = random.nextBoolean();
    return switch (random.nextInt(KINDS)) {
      case 0 ->
          shortForm
              ? "%s says %s.".formatted(capital(article(animal.name())), animal.says())
              : "The %s on the road says %s all day.".formatted(animal.name(), animal.says());
      case 1 ->
          shortForm
              ? "%s lives %s.".formatted(capital(article(animal.name())), animal.lives())
              : "You can find %s %s.".formatted(article(animal.name()), animal.lives());
      case 2 ->
          shortForm
              ? "A young %s is called %s.".formatted(animal.name(), article(animal.young()))
              : "Every %s was once %s.".formatted(animal.name(), article(animal.young()));
      case 3 ->
          shortForm
              ? "%s eats %s.".formatted(capital(article(animal.name())), animal.eats())
              : "Give %s to the %s and it will be happy.".formatted(animal.eats(), animal.name());
      case 4 ->
          shortForm
              ? "%s is %s.".formatted(capital(thing.name()), thing.color())
              : "The color of %s is %s.".formatted(thing.name(), thing.color());
      case 5 -> "%s is %s.".formatted(capital(thing.name()), thing.kind());
      case 6 -> {
        World.Opposites pair = pick(World.OPPOSITES, random);
        yield shortForm
            ? "The opposite of %s is %s.".formatted(pair.one(), pair.other())
            : "The opposite of %s is %s.".formatted(pair.other(), pair.one());
      }
      case 7 -> order(random);
      default -> sum(random);
    };
  }

  private static String order(RandomGenerator random) {
    var list = random.nextBoolean() ? World.DAYS : World.MONTHS;
    int i = random.nextInt(list.size());
    String earlier = list.get(i);
    String later = list.get((i + 1) % list.size());
    return random.nextBoolean()
        ? "%s comes after %s.".formatted(later, earlier)
        : "%s comes before %s.".formatted(earlier, later);
  }

  private static String sum(RandomGenerator random) {
    int a = random.nextInt(LARGEST_NUMBER);
    if (random.nextBoolean()) {
      int b = random.nextInt(LARGEST_NUMBER - a);
      return "%d plus %d is %d.".formatted(a, b, a + b);
    }
    int b = random.nextInt(a + 1);
    return "%d minus %d is %d.".formatted(a, b, a - b);
  }
}
