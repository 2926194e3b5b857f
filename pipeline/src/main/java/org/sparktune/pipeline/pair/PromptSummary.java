package org.sparktune.pipeline.pair;

import java.io.Externalizable;
import java.io.IOException;
import java.io.ObjectInput;
import java.io.ObjectOutput;
import java.util.ArrayList;
import java.util.List;

/**
 * What is kept of one prompt's responses: a bounded number of them, and of comparisons. Merging is
 * associative and commutative, so that the result does not depend on partitions or order.
 */
public final class PromptSummary implements Externalizable {
  private static final long serialVersionUID = 1L;

  private PairPolicy policy;
  private long prompt;
  private long responses;
  private BoundedRanking<Candidate> chosen;
  private BoundedRanking<Candidate> rejected;
  private BoundedRanking<Contest> contests;

  /** For deserialization. */
  public PromptSummary() {}

  /** A summary of no responses. */
  public PromptSummary(PairPolicy policy, long prompt) {
    begin(policy, prompt);
  }

  private void begin(PairPolicy newPolicy, long newPrompt) {
    this.policy = newPolicy;
    this.prompt = newPrompt;
    BoundedRanking.Identity<Candidate> sameText = (one, other) -> one.hash() == other.hash();
    this.chosen = new BoundedRanking<>(policy.chosenOrder(prompt), sameText, policy.capacity());
    this.rejected = new BoundedRanking<>(policy.rejectedOrder(prompt), sameText, policy.capacity());
    this.contests =
        new BoundedRanking<>(
            policy.contestOrder(prompt), (one, other) -> false, PairPolicy.MAXIMUM_CONTESTS);
  }

  /** Adds a response with a score. */
  public void add(Candidate candidate) {
    responses++;
    keep(candidate);
  }

  private void keep(Candidate candidate) {
    chosen.add(candidate);
    rejected.add(candidate);
  }

  /** Adds responses of which only comparisons are known. */
  public void add(int compared, List<Contest> outcomes) {
    responses += compared;
    outcomes.forEach(contests::add);
  }

  /** Adds what another summary of the same prompt holds. */
  public PromptSummary merge(PromptSummary other) {
    responses += other.responses;
    other.chosen.items().forEach(chosen::add);
    other.rejected.items().forEach(rejected::add);
    other.contests.items().forEach(contests::add);
    return this;
  }

  /** How many responses there were. */
  long responses() {
    return responses;
  }

  long prompt() {
    return prompt;
  }

  /** Those that may be chosen, the best first. */
  List<Candidate> chosen() {
    return chosen.items();
  }

  /** Those that may be rejected, the worst first. */
  List<Candidate> rejected() {
    return rejected.items();
  }

  /** Where comparisons are known: the same with the scores that they say. */
  PromptSummary rated() {
    if (contests.items().isEmpty()) {
      return this;
    }
    List<Contest> ordered = new ArrayList<>(contests.items());
    ordered.sort(Contest.BY_PLACE);
    PromptSummary rated = new PromptSummary(policy, prompt);
    rated.responses = responses;
    Rating.of(policy.options().rating(), ordered).forEach(rated::keep);
    return rated;
  }

  @Override
  public void writeExternal(ObjectOutput out) throws IOException {
    out.writeObject(policy);
    out.writeLong(prompt);
    out.writeLong(responses);
    write(out, chosen.items());
    write(out, rejected.items());
    out.writeInt(contests.items().size());
    for (Contest contest : contests.items()) {
      contest.write(out);
    }
  }

  private static void write(ObjectOutput out, List<Candidate> candidates) throws IOException {
    out.writeInt(candidates.size());
    for (Candidate candidate : candidates) {
      candidate.write(out);
    }
  }

  @Override
  public void readExternal(ObjectInput in) throws IOException, ClassNotFoundException {
    PairPolicy read = (PairPolicy) in.readObject();
    begin(read, in.readLong());
    responses = in.readLong();
    read(in, chosen);
    read(in, rejected);
    for (int i = in.readInt(); i > 0; i--) {
      contests.add(Contest.read(in));
    }
  }

  private static void read(ObjectInput in, BoundedRanking<Candidate> into) throws IOException {
    for (int i = in.readInt(); i > 0; i--) {
      into.add(Candidate.read(in));
    }
  }
}
