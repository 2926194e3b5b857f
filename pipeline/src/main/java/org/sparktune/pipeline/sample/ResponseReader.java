package org.sparktune.pipeline.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.ResponseSet.Comparison;
import org.sparktune.pipeline.sample.ResponseSet.Response;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.Conversation;

/**
 * Reads responses with what was said about them: one with a score, a list of them with scores,
 * ranks or comparisons, or two of which one won.
 */
public final class ResponseReader {
  private static final List<String> ITEM_TEXTS = List.of("text", "response", "content");

  private final Schema schema;
  private final Map<String, String> columns;
  private final RecordReader records;
  private final PairReader pairs = new PairReader(new ConversationReader());

  /**
   * @param schema the schema; {@code AUTO} looks at each record
   * @param columns standard column name to the name in the records
   */
  public ResponseReader(Schema schema, Map<String, String> columns) {
    this.schema = schema;
    this.columns = columns;
    this.records = new RecordReader(schema, columns, Kind.SFT);
  }

  /**
   * Reads one record.
   *
   * @param record JSON values: Map, List, String, Long, Double, Boolean, null
   * @throws RejectException when it does not fit the schema, or a score is no finite number
   */
  public ResponseSet read(Object record) throws RejectException {
    Fields fields = RecordReader.fields(record, columns);
    Schema found = schema == Schema.AUTO ? records.detect((Map<?, ?>) record) : schema;
    return switch (found) {
      case RESPONSES -> list(fields);
      case COMPARISON -> comparison(fields);
      case TEXT,
          ALPACA,
          SHAREGPT,
          MESSAGES,
          TOKENS,
          RESPONSE,
          PAIRS,
          CHOSEN,
          PAIR_IDS,
          PROMPT,
          AUTO ->
          single(records.read(record), fields);
    };
  }

  private static ResponseSet single(Sample sample, Fields fields) throws RejectException {
    double score = score(fields);
    if (sample instanceof Sample.Completion completion) {
      Sample.Text prompt = new Sample.Text(completion.prompt());
      return set(prompt, fields, response(sample, completion.completion(), score));
    }
    if (sample instanceof Sample.Tokens tokens) {
      int answer = 0;
      while (answer < tokens.ids().length && tokens.lossMask()[answer] == 0) {
        answer++;
      }
      int[] asked = Arrays.copyOf(tokens.ids(), answer);
      int[] said = Arrays.copyOfRange(tokens.ids(), answer, tokens.ids().length);
      long hash = ContentHash.of(new Sample.Tokens(said, new byte[said.length]));
      Response response = new Response(sample, score, hash, said.length);
      return set(answer == 0 ? null : new Sample.Tokens(asked, new byte[answer]), fields, response);
    }
    if (sample instanceof Sample.Chat chat) {
      List<ChatMessage> messages = chat.conversation().messages();
      int last = messages.size() - 1;
      if (last > 0 && messages.get(last).role().equals(ChatMessage.ASSISTANT)) {
        List<ChatMessage> context = PairReader.withoutLoss(messages.subList(0, last));
        return set(
            new Sample.Chat(new Conversation(context, chat.conversation().tools())),
            fields,
            chat(context, List.of(messages.get(last)), chat.conversation().tools(), score));
      }
    }
    long hash = ContentHash.of(sample);
    int length = sample instanceof Sample.Text text ? text.text().length() : 0;
    return set(null, fields, new Response(sample, score, hash, length));
  }

  private ResponseSet list(Fields fields) throws RejectException {
    List<?> items = fields.list("responses");
    List<?> scores = fields.listOrEmpty("scores");
    if (items.isEmpty()) {
      throw new RejectException(RejectReason.EMPTY, "\"responses\" is empty");
    }
    if (!scores.isEmpty() && scores.size() != items.size()) {
      throw new RejectException(
          RejectReason.BAD_SCORE,
          "there are %d responses and %d scores".formatted(items.size(), scores.size()));
    }
    boolean compared = fields.get("comparisons") != null;
    List<Response> responses = new ArrayList<>(items.size());
    List<Double> ranks = new ArrayList<>();
    Sample prompt = prompt(fields, pairs, items.get(0));
    for (int i = 0; i < items.size(); i++) {
      Object item = items.get(i);
      Fields inner = item instanceof Map<?, ?> map ? new Fields(map, columns) : null;
      double score = Double.NaN;
      if (inner != null && inner.get("rank") != null) {
        ranks.add(number("rank", inner.get("rank")));
      } else if (!scores.isEmpty()) {
        score = number("scores[" + i + "]", scores.get(i));
      } else if (!compared) {
        score = number("responses[" + i + "].score", inner == null ? null : inner.get("score"));
      }
      responses.add(answer(prompt, inner == null ? item : text(inner, item), score));
    }
    if (!ranks.isEmpty() && ranks.size() != responses.size()) {
      throw new RejectException(
          RejectReason.BAD_SCORE,
          "%d of %d responses have a rank".formatted(ranks.size(), responses.size()));
    }
    List<Comparison> comparisons =
        compared ? comparisons(fields.list("comparisons"), items.size()) : ofRanks(ranks);
    return new ResponseSet(hash(prompt), true, responses, comparisons, group(fields));
  }

  private static Object text(Fields item, Object whole) {
    for (String name : ITEM_TEXTS) {
      if (item.get(name) instanceof String text && item.get("role") == null) {
        return text;
      }
    }
    return whole;
  }

  private ResponseSet comparison(Fields fields) throws RejectException {
    Object first = fields.required("response_a");
    Object second = fields.required("response_b");
    Sample prompt = prompt(fields, pairs, first);
    String winner = fields.text("winner").strip();
    double outcome =
        switch (winner) {
          case "a", "A", "response_a", "model_a" -> 1;
          case "b", "B", "response_b", "model_b" -> 0;
          default -> {
            if (winner.startsWith("tie")) {
              yield 0.5;
            }
            throw new RejectException(
                RejectReason.BAD_SCORE,
                "\"winner\" is \"%s\", neither a nor b nor tie".formatted(winner));
          }
        };
    return new ResponseSet(
        hash(prompt),
        true,
        List.of(answer(prompt, first, Double.NaN), answer(prompt, second, Double.NaN)),
        List.of(new Comparison(0, 1, outcome)),
        group(fields));
  }

  /** Index pairs, the better one first; a third item {@code tie} where neither is. */
  private static List<Comparison> comparisons(List<?> items, int responses) throws RejectException {
    List<Comparison> comparisons = new ArrayList<>(items.size());
    for (Object item : items) {
      if (!(item instanceof List<?> pair)
          || pair.size() < 2
          || pair.size() > 3
          || !(pair.get(0) instanceof Long first)
          || !(pair.get(1) instanceof Long second)
          || Math.min(first, second) < 0
          || Math.max(first, second) >= responses
          || first.equals(second)
          || (pair.size() == 3 && !"tie".equals(pair.get(2)))) {
        throw new RejectException(
            RejectReason.BAD_SCORE,
            "a comparison is not [better, worse] or [one, other, \"tie\"] of %d responses"
                .formatted(responses));
      }
      double outcome = pair.size() == 3 ? 0.5 : 1;
      comparisons.add(new Comparison(first.intValue(), second.intValue(), outcome));
    }
    return comparisons;
  }

  /** A rank of 1 is the best; every two responses are compared. */
  private static List<Comparison> ofRanks(List<Double> ranks) {
    List<Comparison> comparisons = new ArrayList<>();
    for (int i = 0; i < ranks.size(); i++) {
      for (int j = i + 1; j < ranks.size(); j++) {
        int order = Double.compare(ranks.get(i), ranks.get(j));
        comparisons.add(new Comparison(i, j, order < 0 ? 1 : order > 0 ? 0 : 0.5));
      }
    }
    return comparisons;
  }

  /** The prompt: text where everything is text, else turns. */
  private static Sample prompt(Fields fields, PairReader pairs, Object answer)
      throws RejectException {
    boolean plain = answer instanceof String || (answer instanceof Map<?, ?> map && !isTurn(map));
    if (plain && fields.get("prompt") instanceof String text) {
      if (text.isEmpty()) {
        throw new RejectException(RejectReason.EMPTY, "the prompt is empty");
      }
      return new Sample.Text(text);
    }
    List<ChatMessage> turns = PairReader.withoutLoss(pairs.prompt(fields));
    if (turns.isEmpty()) {
      throw new RejectException(RejectReason.MISSING_FIELD, "the responses have no prompt");
    }
    return new Sample.Chat(new Conversation(turns, ConversationReader.tools(fields.get("tools"))));
  }

  private static boolean isTurn(Map<?, ?> item) {
    return item.get("role") != null || item.get("from") != null;
  }

  /** One response, as {@link Schema#RESPONSE} has it. */
  static Sample response(Fields fields, PairReader pairs) throws RejectException {
    boolean completed = fields.get("response") == null && fields.get("completion") != null;
    Object answer = fields.required(completed ? "completion" : "response");
    return answer(prompt(fields, pairs, answer), answer, Double.NaN).sample();
  }

  private static Response answer(Sample prompt, Object answer, double score)
      throws RejectException {
    if (prompt instanceof Sample.Text asked && answer instanceof String said) {
      requireText(said);
      return response(new Sample.Completion(asked.text(), said), said, score);
    }
    if (!(prompt instanceof Sample.Chat context)) {
      throw Fields.wrongType("responses", "a list of texts", answer);
    }
    List<ChatMessage> turns = PairReader.completion("response", answer);
    Conversation conversation = context.conversation();
    return chat(conversation.messages(), turns, conversation.tools(), score);
  }

  private static Response response(Sample sample, String said, double score) {
    return new Response(sample, score, ContentHash.of(new Sample.Text(said)), said.length());
  }

  private static Response chat(
      List<ChatMessage> context, List<ChatMessage> said, List<Object> tools, double score)
      throws RejectException {
    int length = 0;
    boolean calls = false;
    for (ChatMessage message : said) {
      length += message.content() == null ? 0 : message.content().strip().length();
      calls |= !message.toolCalls().isEmpty();
    }
    if (length == 0 && !calls) {
      throw new RejectException(RejectReason.EMPTY, "the response is empty");
    }
    List<ChatMessage> all = new ArrayList<>(context);
    all.addAll(said);
    long hash = ContentHash.of(new Sample.Chat(new Conversation(said, List.of())));
    return new Response(new Sample.Chat(new Conversation(all, tools)), score, hash, length);
  }

  private static void requireText(String said) throws RejectException {
    if (said.isBlank()) {
      throw new RejectException(RejectReason.EMPTY, "the response is empty");
    }
  }

  private static ResponseSet set(Sample prompt, Fields fields, Response response)
      throws RejectException {
    return new ResponseSet(
        prompt == null ? 0 : hash(prompt),
        prompt != null,
        List.of(response),
        List.of(),
        group(fields));
  }

  private static long hash(Sample prompt) {
    return ContentHash.of(prompt);
  }

  private static String group(Fields fields) {
    Object value = fields.get("group");
    return value == null ? "" : String.valueOf(value);
  }

  private static double score(Fields fields) throws RejectException {
    boolean labelled = fields.get("score") == null && fields.get("label") != null;
    String column = labelled ? "label" : "score";
    return number(column, fields.get(column));
  }

  /** A finite number; yes and no are 1 and 0. */
  private static double number(String what, Object value) throws RejectException {
    if (value instanceof Boolean liked) {
      return liked ? 1 : 0;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    String found = value instanceof Number ? "is " + value : "is no number";
    throw new RejectException(
        RejectReason.BAD_SCORE, "\"%s\" %s".formatted(what, value == null ? "is missing" : found));
  }
}
