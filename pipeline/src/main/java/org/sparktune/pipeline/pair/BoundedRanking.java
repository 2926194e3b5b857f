package org.sparktune.pipeline.pair;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The first few of any number of items in an order, whatever order they come in. Of items that are
 * the same to {@link Identity} only the first stays.
 *
 * @param <T> the items
 */
final class BoundedRanking<T> {

  /** Tells whether items are the same. */
  interface Identity<T> {
    boolean same(T one, T other);
  }

  private final Comparator<T> order;
  private final Identity<T> identity;
  private final int capacity;
  private final List<T> kept = new ArrayList<>();

  /**
   * @param order total: equal means the same item
   * @param capacity how many are kept
   */
  BoundedRanking(Comparator<T> order, Identity<T> identity, int capacity) {
    this.order = order;
    this.identity = identity;
    this.capacity = capacity;
  }

  void add(T item) {
    if (kept.size() == capacity && order.compare(item, kept.get(capacity - 1)) >= 0) {
      return;
    }
    for (int i = 0; i < kept.size(); i++) {
      if (identity.same(kept.get(i), item)) {
        if (order.compare(kept.get(i), item) <= 0) {
          return;
        }
        kept.remove(i);
        break;
      }
    }
    int place = kept.size();
    while (place > 0 && order.compare(item, kept.get(place - 1)) < 0) {
      place--;
    }
    kept.add(place, item);
    if (kept.size() > capacity) {
      kept.remove(capacity);
    }
  }

  /** What is kept, in order. */
  List<T> items() {
    return kept;
  }
}
