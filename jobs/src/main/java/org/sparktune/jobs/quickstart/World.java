package org.sparktune.jobs.quickstart;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The small world that the quickstart's texts speak of. Everything a question asks is a fact here.
 */
final class World {

  /**
   * An animal.
   *
   * @param name such as {@code cow}
   * @param says the sound it makes
   * @param lives where, with its preposition
   * @param young what its child is called
   * @param eats what it eats
   */
  record Animal(String name, String says, String lives, String young, String eats) {}

  /**
   * A thing that has one colour.
   *
   * @param name with its article where it needs one, such as {@code a banana} or {@code snow}
   * @param color its colour
   * @param kind what it is, with its article
   */
  record Thing(String name, String color, String kind) {}

  /** Two words that mean the opposite of each other. */
  record Opposites(String one, String other) {}

  static final List<Animal> ANIMALS =
      List.of(
          new Animal("cow", "moo", "on a farm", "calf", "grass"),
          new Animal("dog", "woof", "in a house", "puppy", "bones"),
          new Animal("cat", "meow", "in a house", "kitten", "fish"),
          new Animal("duck", "quack", "on a pond", "duckling", "bread"),
          new Animal("sheep", "baa", "on a hill", "lamb", "grass"),
          new Animal("pig", "oink", "in a barn", "piglet", "corn"),
          new Animal("horse", "neigh", "in a stable", "foal", "hay"),
          new Animal("lion", "roar", "on the plain", "cub", "meat"),
          new Animal("frog", "croak", "in a pond", "tadpole", "flies"),
          new Animal("owl", "hoot", "in a tree", "owlet", "mice"),
          new Animal("bee", "buzz", "in a hive", "larva", "honey"),
          new Animal("mouse", "squeak", "in a hole", "pup", "cheese"),
          new Animal("snake", "hiss", "in the grass", "snakelet", "eggs"),
          new Animal("wolf", "howl", "in the forest", "whelp", "rabbits"),
          new Animal("hen", "cluck", "in a coop", "chick", "seeds"),
          new Animal("goat", "bleat", "on a mountain", "kid", "leaves"),
          new Animal("bear", "growl", "in a cave", "bear cub", "berries"),
          new Animal("donkey", "hee-haw", "on a farm", "colt", "carrots"),
          new Animal("crow", "caw", "on a roof", "nestling", "worms"),
          new Animal("fox", "yip", "in a den", "kit", "grapes"));

  static final List<Thing> THINGS =
      List.of(
          new Thing("a banana", "yellow", "a fruit"),
          new Thing("a cherry", "red", "a fruit"),
          new Thing("a lime", "green", "a fruit"),
          new Thing("a plum", "purple", "a fruit"),
          new Thing("a lemon", "yellow", "a fruit"),
          new Thing("a peach", "pink", "a fruit"),
          new Thing("a carrot", "orange", "a vegetable"),
          new Thing("a pea", "green", "a vegetable"),
          new Thing("a tomato", "red", "a vegetable"),
          new Thing("an eggplant", "purple", "a vegetable"),
          new Thing("a rose", "red", "a flower"),
          new Thing("a daisy", "white", "a flower"),
          new Thing("a sunflower", "yellow", "a flower"),
          new Thing("a violet", "blue", "a flower"),
          new Thing("snow", "white", "a kind of weather"),
          new Thing("fog", "gray", "a kind of weather"),
          new Thing("a raven", "black", "a bird"),
          new Thing("a swan", "white", "a bird"),
          new Thing("a robin", "red", "a bird"),
          new Thing("a jay", "blue", "a bird"));

  static final List<Opposites> OPPOSITES =
      List.of(
          new Opposites("hot", "cold"),
          new Opposites("big", "small"),
          new Opposites("happy", "sad"),
          new Opposites("fast", "slow"),
          new Opposites("day", "night"),
          new Opposites("up", "down"),
          new Opposites("wet", "dry"),
          new Opposites("old", "young"),
          new Opposites("open", "closed"),
          new Opposites("light", "dark"),
          new Opposites("loud", "quiet"),
          new Opposites("full", "empty"),
          new Opposites("hard", "soft"),
          new Opposites("high", "low"),
          new Opposites("strong", "weak"),
          new Opposites("early", "late"),
          new Opposites("clean", "dirty"),
          new Opposites("rich", "poor"),
          new Opposites("sweet", "sour"),
          new Opposites("brave", "afraid"));

  static final List<String> DAYS =
      List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

  static final List<String> MONTHS =
      List.of(
          "January",
          "February",
          "March",
          "April",
          "May",
          "June",
          "July",
          "August",
          "September",
          "October",
          "November",
          "December");

  static final List<String> GIRLS =
      List.of("Mia", "Anna", "Lucy", "Emma", "Rosa", "Nina", "Zoe", "Ella", "Ruth", "Ida");
  static final List<String> BOYS =
      List.of("Tom", "Ben", "Max", "Leo", "Sam", "Finn", "Paul", "Omar", "Hugo", "Ivan");
  static final List<String> COLORS =
      List.of("red", "blue", "green", "yellow", "white", "black", "brown", "pink");
  static final List<String> TOYS =
      List.of(
          "ball", "kite", "doll", "boat", "drum", "car", "hat", "book", "cup", "bag", "box",
          "bike");
  static final List<String> PLACES =
      List.of(
          "park", "garden", "forest", "beach", "market", "school", "river", "village", "field",
          "kitchen");
  static final List<String> FOODS =
      List.of("cake", "soup", "bread", "rice", "pie", "cheese", "salad", "jam");
  static final List<String> HAPPY = List.of("happy", "glad", "proud", "cheerful");
  static final List<String> UNHAPPY = List.of("sad", "afraid", "angry", "lonely");

  private World() {}

  /** One of the list, chosen by the generator. */
  static <T> T pick(List<T> list, RandomGenerator random) {
    return list.get(random.nextInt(list.size()));
  }

  /** The word with {@code a} or {@code an} before it. */
  static String article(String word) {
    return ("aeio".indexOf(word.charAt(0)) >= 0 ? "an " : "a ") + word;
  }

  /** The text with its first letter in upper case. */
  static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
