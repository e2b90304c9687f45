#include "commands.h"
#include "clock.h"
#include "line.h"
#include "pins.h"
#include <string.h>
#include <util/atomic.h>

static const uint8_t MOST_WORDS = 20; // four groups of five
static const uint8_t MOST_TOGETHER = 4;
static bool known = false; // a host has said HELLO
static uint16_t last_seq = 0;

static char *words[MOST_WORDS];
static uint8_t n_words;
static uint32_t answer_us; // time that the answer names

// -- words ------------------------------------------------------------------------------------------------

static bool number(const char *text, uint32_t *value) {
  uint32_t sum = 0;
  uint8_t n = 0;
  for (; *text; text++, n++) {
    if (*text < '0' || *text > '9' || n == 10) return false;
    uint8_t digit = *text - '0';
    if (sum > 429496729UL || (sum == 429496729UL && digit > 5)) return false;
    sum = sum * 10 + digit;
  }
  *value = sum;
  return n > 0;
}

// Cut a line into its number, its command and words, all of visible ASCII with one space between them.
static bool cut(char *line, uint16_t *seq, char **command) {
  char *parts[MOST_WORDS + 3];
  uint8_t n = 0;
  bool at_start = true;
  for (char *c = line; *c; c++) {
    if (*c == ' ') {
      if (at_start) return false;
      *c = 0;
      at_start = true;
    } else if (*c < '!' || *c > '~') {
      return false;
    } else if (at_start) {
      if (n == MOST_WORDS + 3) return false;
      parts[n++] = c;
      at_start = false;
    }
  }
  uint32_t value;
  if (at_start || n < 2 || !number(parts[0], &value) || value < 1 || value > 65535) return false;
  *seq = value;
  *command = parts[1];
  n_words = n - 2;
  if (n_words > MOST_WORDS) n_words = MOST_WORDS + 1;
  memcpy(words, parts + 2, (n_words > MOST_WORDS ? MOST_WORDS : n_words) * sizeof *words);
  return true;
}

// -- commands: each says why not, or leaves fields for the answer to `say` -----------------------------------

static Reason hello() {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (armed) stop_all(BY_HELLO);
    frames = 0;
  }
  known = true;
  return DONE;
}

static Reason disarm() {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (armed) stop_all(BY_DISARM);
  }
  return DONE;
}

static Reason new_session() {
  if (armed) return R_ARMED;
  if (!estop_pressed()) return R_RELEASED;
  forget_session();
  return DONE;
}

static uint32_t *limit_named(uint8_t channel, const char *name) {
  Ceilings &limit = ceilings[channel];
  if (!strcmp_P(name, PSTR("pulse_us"))) return &limit.pulse_us;
  if (!strcmp_P(name, PSTR("on_us"))) return &limit.on_us;
  if (!strcmp_P(name, PSTR("length_us"))) return &limit.length_us;
  if (!strcmp_P(name, PSTR("interval_ms"))) return &limit.interval_ms;
  if (!strcmp_P(name, PSTR("deliveries"))) return &limit.deliveries;
  if (!strcmp_P(name, PSTR("total_ms"))) return &limit.total_ms;
  return nullptr;
}

static Reason limit_silence(uint32_t ms) {
  uint8_t in_wraps = ms > SILENCE_MS ? 255 : ms * 1000 / 32768;
  if (in_wraps > silence_wraps) return R_LOOSER;
  if (ms < LEAST_SILENCE_MS) return R_NUMBER;
  silence_wraps = in_wraps;
  return DONE;
}

static Reason tighten() {
  uint32_t value;
  if (!number(words[2], &value)) return R_NUMBER;
  if (!strcmp_P(words[0], PSTR("host")) && !strcmp_P(words[1], PSTR("silence_ms"))) return limit_silence(value);
  uint8_t channel = channel_named(words[0]);
  if (channel == N_CHANNELS) return R_CHANNEL;
  uint32_t *present = limit_named(channel, words[1]);
  if (!present) return R_CHANNEL;
  if (present == &ceilings[channel].interval_ms && value > LONGEST_INTERVAL_MS) return R_NUMBER;
  bool tighter = present == &ceilings[channel].interval_ms ? value >= *present
                 : value == 0                              ? *present == 0
                                                           : *present == 0 || value <= *present;
  if (!tighter) return R_LOOSER;
  *present = value;
  return DONE;
}

static Reason read_course(char **from, bool has_delay, bool has_train, Course *course) {
  *course = {channel_named(*from++), 0, 0, 1, 0};
  if (course->channel == N_CHANNELS) return R_CHANNEL;
  if (has_delay && !number(*from++, &course->delay_us)) return R_NUMBER;
  if (!number(*from++, &course->pulse_us)) return R_NUMBER;
  if (has_train && !(number(from[0], &course->n) && number(from[1], &course->period_us))) return R_NUMBER;
  return DONE;
}

static Reason deliver(uint16_t seq, uint8_t stops_seen, bool has_delay, bool has_train) {
  Course courses[MOST_TOGETHER];
  uint8_t n = has_delay ? n_words / 5 : 1, channels = 0;
  for (uint8_t i = 0; i < n; i++) {
    Reason reason = read_course(words + 5 * i, has_delay, has_train, &courses[i]);
    if (reason != DONE) return reason;
    if (channels & _BV(courses[i].channel)) return R_CHANNEL;
    channels |= _BV(courses[i].channel);
  }
  return start(courses, n, seq, stops_seen, &answer_us);
}

static void say_facts() {
  put(' ');
  put_text(PSTR(NAME));
  put_field(PSTR("protocol="), PROTOCOL);
  put_text(PSTR(" firmware=" FIRMWARE));
}

static void say_hello() {
  say_facts();
  put_text(PSTR(" board=atmega328p"));
  put_field(PSTR("silence_ms="), silence_wraps * 32768UL / 1000);
  put_field(PSTR("estop="), estop_pressed());
}

static void say_status() {
  put_field(PSTR("armed="), armed);
  put_field(PSTR("estop="), estop_pressed());
  put_field(PSTR("active="), active_outputs());
  put_field(PSTR("delivery="), last_delivery);
  put_field(PSTR("bad="), bad_lines);
  uint16_t lost;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) lost = events_lost;
  put_field(PSTR("lost="), lost);
}

static void say_limits() {
  uint8_t channel = channel_named(words[0]);
  const Ceilings &limit = ceilings[channel];
  put(' ');
  put_channel(channel);
  put_field(PSTR("pulse_us="), limit.pulse_us);
  put_field(PSTR("on_us="), limit.on_us);
  put_field(PSTR("length_us="), limit.length_us);
  put_field(PSTR("interval_ms="), limit.interval_ms);
  put_field(PSTR("deliveries="), limit.deliveries);
  put_field(PSTR("total_ms="), limit.total_ms);
  put_field(PSTR("used="), used(channel));
  put_field(PSTR("used_ms="), used_ms(channel));
  put_field(PSTR("wait_ms="), wait_ms(channel));
}

static void say_clock() {
  uint32_t now;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) now = wraps;
  put_field(PSTR("wraps="), now >> 17);
}

// -- lines ------------------------------------------------------------------------------------------------

enum Command : uint8_t { HELLO, PING, CLOCK, STATUS, ARM, DISARM, NEW, LIMIT, LIMITS, SINGLE, TRAIN, TOGETHER, END };
static const char COMMANDS[][9] PROGMEM = {"HELLO", "PING",   "CLOCK", "STATUS", "ARM",      "DISARM", "NEW",
                                           "LIMIT", "LIMITS", "PULSE", "TRAIN",  "TOGETHER", "OFF"};
static const uint8_t N_COMMANDS = END + 1;
static const uint8_t N_WORDS[N_COMMANDS] PROGMEM = {0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 4, 255, 1};

static bool right_number_of_words(uint8_t command) {
  uint8_t right = pgm_read_byte(&N_WORDS[command]);
  return right == 255 ? n_words && n_words % 5 == 0 && n_words <= 5 * MOST_TOGETHER : n_words == right;
}

static Reason perform(uint8_t command, uint16_t seq, uint8_t stops_seen) {
  if (command == N_COMMANDS) return R_COMMAND;
  if (!right_number_of_words(command)) return R_NUMBER;
  switch (command) {
  case HELLO: return hello();
  case ARM: return arm(stops_seen);
  case DISARM: return disarm();
  case NEW: return new_session();
  case LIMIT: return tighten();
  case LIMITS: return channel_named(words[0]) == N_CHANNELS ? R_CHANNEL : DONE;
  case SINGLE: return deliver(seq, stops_seen, false, false);
  case TRAIN: return deliver(seq, stops_seen, false, true);
  case TOGETHER: return deliver(seq, stops_seen, true, true);
  case END: {
    uint8_t channel = channel_named(words[0]);
    if (channel == N_CHANNELS) return R_CHANNEL;
    end_output(channel);
    return DONE;
  }
  default: return DONE;
  }
}

static void acknowledge(uint8_t command, uint16_t seq) {
  begin_line();
  put('A');
  put(' ');
  put_number(seq);
  put(' ');
  put_number(answer_us);
  if (command == HELLO) say_hello();
  else if (command == STATUS) say_status();
  else if (command == LIMITS) say_limits();
  else if (command == CLOCK) say_clock();
  end_line();
}

void obey(char *line, uint8_t stops_seen) {
  uint16_t seq = 0;
  char *name = line;
  if (!cut(line, &seq, &name)) {
    bad_lines++;
    return refuse(0, R_FORM);
  }
  uint8_t command = 0;
  while (command < N_COMMANDS && strcmp_P(name, COMMANDS[command])) command++;
  uint16_t ahead = seq - last_seq;
  if (command != HELLO && !known) return refuse(seq, R_HELLO);
  if (command != HELLO && (ahead == 0 || ahead >= 32768)) return refuse(seq, R_OLD);
  last_seq = seq;
  silence = 0;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) answer_us = us_now();
  Reason reason = perform(command, seq, stops_seen);
  if (reason != DONE) refuse(seq, reason);
  else acknowledge(command, seq);
}

void say_boot(uint8_t reset_flags) {
  put('\n'); // ends a line that the reset has cut
  begin_line();
  put('B');
  put_text(PSTR(" 0"));
  say_facts();
  put_text(reset_flags & _BV(WDRF)    ? PSTR(" cause=watchdog")
           : reset_flags & _BV(BORF)  ? PSTR(" cause=brownout")
           : reset_flags & _BV(EXTRF) ? PSTR(" cause=external")
           : reset_flags & _BV(PORF)  ? PSTR(" cause=power")
                                      : PSTR(" cause=unknown"));
  end_line();
}
