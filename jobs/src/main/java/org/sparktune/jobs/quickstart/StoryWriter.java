package org.sparktune.jobs.quickstart;

import static org.sparktune.jobs.quickstart.World.article;
import static org.sparktune.jobs.quickstart.World.capital;
import static org.sparktune.jobs.quickstart.World.pick;

import java.util.random.RandomGenerator;

/** Writes short stories about the people, animals and toys of the {@link World}. */
final class StoryWriter {
  private final RandomGenerator random;
  private final String name;
  private final String pronoun;
  private final String possessive;
  private final String friend;
  private final World.Animal animal;
  private final String color;
  private final String toy;
  private final String place;

  private StoryWriter(RandomGenerator random, World.Animal animal) {
    this.random = random;
    boolean girl = random.nextBoolean();
    name = pick(girl ? World.GIRLS : World.BOYS, random);
    pronoun = girl ? "she" : "he";
    possessive = girl ? "her" : "his";
    friend = pick(girl ? World.BOYS : World.GIRLS, random);
    this.animal = animal;
    color = pick(World.COLORS, random);
    toy = pick(World.TOYS, random);
    place = pick(World.PLACES, random);
  }

  /**
   * A story: of about six sentences, announced by its animal, or one in which a color is asked for.
   */
  static String story(RandomGenerator random) {
    StoryWriter writer = new StoryWriter(random, pick(World.ANIMALS, random));
    return switch (random.nextInt(4)) {
      case 0 ->
          "This is a story about %s. ".formatted(article(writer.animal.name()))
              + shortStory(writer.animal, random);
      case 1 -> writer.askedForColor() + " " + writer.trouble() + " " + writer.ending();
      default ->
          String.join(" ", writer.opening(), writer.middle(), writer.trouble(), writer.ending());
    };
  }

  /** A story of three sentences in which the animal plays a part. */
  static String shortStory(World.Animal animal, RandomGenerator random) {
    StoryWriter writer = new StoryWriter(random, animal);
    return String.join(
        " ", writer.opening(), writer.meeting(), writer.happy("They played together and were %s."));
  }

  private String askedForColor() {
    String otherToy = pick(World.TOYS, random);
    String otherColor = otherToy.equals(toy) ? color : pick(World.COLORS, random);
    return "%s had %s %s. %s had %s %s. A child asked what color the %s is. The %s is %s."
        .formatted(
            name, article(color), toy, friend, article(otherColor), otherToy, toy, toy, color);
  }

  private String opening() {
    return switch (random.nextInt(5)) {
      case 0 -> "%s had %s %s.".formatted(name, article(color), toy);
      case 1 ->
          "One day %s went to the %s with %s %s %s.".formatted(name, place, possessive, color, toy);
      case 2 -> "Once there was a child called %s who lived near the %s.".formatted(name, place);
      case 3 ->
          "On %s %s and %s met in the %s.".formatted(pick(World.DAYS, random), name, friend, place);
      default ->
          "It was a cold day in %s and %s was in the %s."
              .formatted(pick(World.MONTHS, random), name, place);
    };
  }

  private String meeting() {
    return switch (random.nextInt(3)) {
      case 0 ->
          "%s saw %s that lived %s."
              .formatted(capital(pronoun), article(animal.name()), animal.lives());
      case 1 ->
          "There was %s, and the %s said %s."
              .formatted(article(animal.name()), animal.name(), animal.says());
      default ->
          "%s gave %s to a hungry %s.".formatted(capital(pronoun), animal.eats(), animal.name());
    };
  }

  private String middle() {
    int count = 2 + random.nextInt(6);
    return switch (random.nextInt(4)) {
      case 0 -> meeting();
      case 1 ->
          "%s counted %d %ss and then %d more.".formatted(name, count, toy, 1 + random.nextInt(5));
      case 2 -> "\"I like your %s,\" said %s. \"It is %s.\"".formatted(toy, friend, color);
      default ->
          "%s ate some %s and drank a cup of milk."
                  .formatted(capital(pronoun), pick(World.FOODS, random))
              + " "
              + meeting();
    };
  }

  private String trouble() {
    String feeling = pick(World.UNHAPPY, random);
    return switch (random.nextInt(4)) {
      case 0 -> "Then %s lost the %s %s and was %s.".formatted(name, color, toy, feeling);
      case 1 -> "But the %s fell into the water, and %s was %s.".formatted(toy, pronoun, feeling);
      case 2 ->
          "The %s took the %s and ran away, so %s was %s."
              .formatted(animal.name(), toy, name, feeling);
      default -> "It began to rain, and %s felt %s.".formatted(name, feeling);
    };
  }

  private String ending() {
    return switch (random.nextInt(4)) {
      case 0 ->
          happy(
              "%s helped and found the %s behind the tree. %s was ".formatted(friend, toy, name)
                  + "%s.");
      case 1 -> happy("\"Do not worry,\" said %s. Soon they were ".formatted(friend) + "%s again.");
      case 2 -> happy("In the end the sun came out and everyone was %s.");
      default -> happy("%s went home to %s mother and felt ".formatted(name, possessive) + "%s.");
    };
  }

  private String happy(String pattern) {
    return pattern.formatted(pick(World.HAPPY, random));
  }
}
