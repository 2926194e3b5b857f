package org.sparktune.pipeline.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;

class PersonalDataMaskTest {
  private final PersonalDataMask mask = new PersonalDataMask(List.of(PersonalData.values()));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "write to a.b+c@mail.example.org.|write to [EMAIL].",
        "联系 zhang@example.cn，谢谢|联系 [EMAIL]，谢谢",
        "call +49 (0)30 1234567 or (415) 555-2671!|call [PHONE] or [PHONE]!",
        "call 415-555-2671, 电话13812345678。|call [PHONE], 电话[PHONE]。",
        "card 4111 1111 1111 1111, 378282246310005|card [CARD], [CARD]",
        "2020 4111-1111-1111-1111|2020 [CARD]",
        "pay DE89 3704 0044 0532 0130 00 NOW|pay [IBAN] NOW",
        "GB82WEST12345698765432|[IBAN]",
        "ssn 123-45-6789|ssn [SSN]",
        "from 8.8.8.8:53 to 1.2.3.4.|from [IP]:53 to [IP].",
        "host 2001:4860:4860::8888 up|host [IP] up",
        "2606:4700:0:0:0:0:6810:85e5|[IP]"
      })
  void shouldMask(String text, String masked) {
    assertEquals(masked, mask.mask(text, new Counters()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01",
        "XX12 3456 7890 1234",
        "000-12-3456 and 123-00-4567 and 912-34-5678",
        "192.168.0.1 127.0.0.1 10.1.2.3 1.2.3.4.5 256.1.1.1 1.2.3",
        "std::vector bad::add ::1 12:30:45 fe80::1 a:b",
        "user@localhost, @handle, a@b",
        "in 2024 there were 1234567 of 3.14159 and 1-2-3",
        "ISBN 978-3-16-148410-0",
        "2024-01-31 12:00:00.000"
      })
  void shouldLeaveWhatIsNotPersonal(String text) {
    assertEquals(text, mask.mask(text, new Counters()));
  }

  @Test
  void shouldCountByKind() {
    Counters counters = new Counters();
    mask.mask("a@b.org c@d.org 8.8.8.8 2001:4860:4860::8888", counters);
    assertEquals(
        Map.of("masked.email", 2L, "masked.ipv4", 1L, "masked.ipv6", 1L), counters.counts());
  }

  @Test
  void shouldMaskOnlyWhatWasAskedFor() {
    PersonalDataMask emails = new PersonalDataMask(List.of(PersonalData.EMAIL));
    assertEquals("[EMAIL] 8.8.8.8", emails.mask("a@b.org 8.8.8.8", new Counters()));
  }

  @Test
  void shouldStayFastOnLongRuns() {
    long start = System.nanoTime();
    String hostile = "1".repeat(100_000) + "a".repeat(100_000) + ":".repeat(100_000) + "@";
    assertEquals(hostile, mask.mask(hostile, new Counters()));
    assertTrue(System.nanoTime() - start < 20e9, "a pattern backtracks");
  }
}
