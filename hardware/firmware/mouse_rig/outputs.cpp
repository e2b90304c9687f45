#pragma GCC optimize("O2") // the interrupts that switch are to be short
#include "outputs.h"
#include "clock.h"
#include "events.h"
#include "pins.h"
#include <stddef.h>
#include <string.h>
#include <util/atomic.h>
#include <util/crc16.h>

struct Output {
  uint32_t edge;   // when it switches next (ticks)
  uint32_t rise;   // when the present pulse was due (ticks)
  uint32_t rose;   // when it rose really (ticks)
  uint32_t pulse, period;
  uint32_t left, done;
  uint32_t on_ticks;
  uint32_t ended_wraps;
  uint16_t seq;
  bool high, has_ended;
};

// What a session has used survives a reset, as it is not cleared at the start: a host that crashes and opens its
// port again, which resets the board, does not get a second session's worth of shocks.
struct Session {
  uint16_t magic;
  uint32_t used[N_CHANNELS];
  uint32_t used_ms[N_CHANNELS];
  uint16_t crc;
};

static const uint16_t MAGIC = 0x4D52;
static Session session __attribute__((section(".noinit")));
static Output outputs[N_CHANNELS];
static volatile uint8_t active = 0; // one bit per output that delivers or waits
static const uint8_t MASKS[N_CHANNELS] = {_BV(4), _BV(5), _BV(6), _BV(7), _BV(1), _BV(2), _BV(3), _BV(4)};

volatile bool armed = false;
volatile uint8_t stops = 0;
volatile uint8_t silence = 0;
uint8_t silence_wraps = SILENCE_MS * 1000 / 32768;
Ceilings ceilings[N_CHANNELS];
volatile uint16_t last_delivery = 0;

static inline void raise(uint8_t channel) {
  if (channel < 4) PORTD |= MASKS[channel];
  else PORTB |= MASKS[channel];
}

static inline void lower(uint8_t channel) {
  if (channel < 4) PORTD &= ~MASKS[channel];
  else PORTB &= ~MASKS[channel];
}

static uint16_t session_crc() {
  const uint8_t *bytes = (const uint8_t *)&session;
  uint16_t crc = 0xFFFF;
  for (uint8_t i = 0; i < offsetof(Session, crc); i++) crc = _crc_xmodem_update(crc, bytes[i]);
  return crc;
}

void forget_session() {
  memset(&session, 0, sizeof session);
  session.magic = MAGIC;
  session.crc = session_crc();
}

void start_outputs() {
  memcpy_P(ceilings, COMPILED, sizeof ceilings);
  if (session.magic != MAGIC || session.crc != session_crc()) forget_session();
  for (uint8_t c = 0; c < N_CHANNELS; c++)
    outputs[c].has_ended = session.used[c] > 0; // as if the last delivery had just ended
}

static void fall(uint8_t channel) {
  Output &output = outputs[channel];
  lower(channel);
  uint32_t on = ticks_now() - output.rose;
  output.on_ticks = output.on_ticks > 0xFFFFFFFF - on ? 0xFFFFFFFF : output.on_ticks + on;
  output.high = false;
  output.done++;
}

static void ended(uint8_t channel) {
  Output &output = outputs[channel];
  active &= ~_BV(channel);
  output.left = 0;
  output.ended_wraps = wraps;
  output.has_ended = true;
  happened(OFF, us_now(), channel, output.seq, output.done, output.on_ticks >> 1);
}

static void rise(uint8_t channel, Output &output) {
  raise(channel);
  output.rose = ticks_now();
  output.high = true;
  output.rise = output.edge;
  output.edge += output.pulse;
  output.left--;
  if (output.done == 0) happened(ON, us_now(), channel, output.seq);
}

// Switch what is due, and return how soon the next edge is. An edge that comes late, because an interrupt was busy,
// does not move those after it.
static uint32_t switch_due() {
  uint32_t soonest = 0x7FFFFFFF;
  uint8_t left = active;
  for (uint8_t c = 0; left; c++, left >>= 1) {
    if (!(left & 1)) continue;
    Output &output = outputs[c];
    int32_t until = output.edge - ticks_now();
    if (until <= 0) {
      if (output.high) {
        fall(c);
        output.edge = output.rise + output.period;
        if (output.left == 0) {
          ended(c);
          continue;
        }
      } else {
        rise(c, output);
      }
      until = output.edge - ticks_now();
    }
    if (until < (int32_t)soonest) soonest = until < 0 ? 0 : until;
  }
  return soonest;
}

void service_outputs() {
  for (;;) {
    uint32_t soonest = switch_due();
    TIMSK1 &= ~_BV(OCIE1A);
    if (!active || soonest > 0xFFF0) return; // nothing, or nothing before the next overflow looks again
    if (soonest < 8) continue;               // too near for the timer: wait here
    uint16_t now = TCNT1;
    OCR1A = now + (uint16_t)soonest;         // late by what passed since, some microseconds
    TIMSK1 |= _BV(OCIE1A);                   // a match of before costs one more look
    return;
  }
}

ISR(TIMER1_COMPA_vect) { service_outputs(); }

void stop_all(StopCause cause) {
  all_low();
  armed = false;
  stops++;
  for (uint8_t c = 0; c < N_CHANNELS; c++) {
    if (!(active & _BV(c))) continue;
    if (outputs[c].high) fall(c);
    ended(c);
  }
  TIMSK1 &= ~_BV(OCIE1A);
  PORTB &= ~ARMED_LED;
  happened(STOP, us_now(), cause);
}

Reason arm(uint8_t stops_seen) {
  Reason reason = DONE;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (estop_pressed()) reason = R_ESTOP;
    else if (stops != stops_seen) reason = R_DISARMED; // stopped while this line was read
    else {
      silence = 0;
      armed = true;
      PORTB |= ARMED_LED;
    }
  }
  return reason;
}

uint32_t used(uint8_t channel) { return session.used[channel]; }
uint32_t used_ms(uint8_t channel) { return session.used_ms[channel]; }

uint32_t wait_ms(uint8_t channel) {
  uint32_t interval = ceilings[channel].interval_ms, ago = 0;
  if (!interval) return 0;
  bool has_ended;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    ago = wraps - outputs[channel].ended_wraps;
    has_ended = outputs[channel].has_ended;
  }
  if (!has_ended || ago > LONGEST_INTERVAL_MS / 32) return 0;
  uint32_t passed = ago ? (ago - 1) * 32768UL / 1000 : 0;
  return passed >= interval ? 0 : interval - passed;
}

static uint32_t on_ms(const Course &course) {
  uint64_t on = ((uint64_t)course.n * course.pulse_us + 999) / 1000;
  return on > 0xFFFFFFFF ? 0xFFFFFFFF : on;
}

static Reason check(const Course &course) {
  const Ceilings &limit = ceilings[course.channel];
  if (active & _BV(course.channel)) return R_BUSY;
  if (course.n < 1 || course.delay_us > LONGEST_WAIT_US || course.period_us > LONGEST_WAIT_US) return R_NUMBER;
  if (course.n > 1 && (course.period_us < LEAST_US || course.period_us - LEAST_US < course.pulse_us))
    return R_NUMBER;
  if (course.pulse_us < LEAST_US || course.pulse_us > limit.pulse_us) return R_PULSE;
  if (limit.on_us && course.n > limit.on_us / course.pulse_us) return R_ON_TIME;
  if (limit.length_us && course.n > 1 && course.n - 1 > (limit.length_us - course.pulse_us) / course.period_us)
    return R_LENGTH;
  if (wait_ms(course.channel)) return R_INTERVAL;
  if (limit.deliveries && session.used[course.channel] >= limit.deliveries) return R_COUNT;
  uint32_t before = session.used_ms[course.channel];
  if (limit.total_ms && (before >= limit.total_ms || on_ms(course) > limit.total_ms - before)) return R_TOTAL;
  return DONE;
}

// What is charged is what was ordered, also where it is cut: the counts can be too high, never too low.
static void charge(const Course &course) {
  uint32_t &sum = session.used_ms[course.channel], more = on_ms(course);
  sum = sum > 0xFFFFFFFF - more ? 0xFFFFFFFF : sum + more;
  if (session.used[course.channel] != 0xFFFFFFFF) session.used[course.channel]++;
}

static void prepare(const Course &course, uint16_t seq, uint32_t start) {
  Output &output = outputs[course.channel];
  output.seq = seq;
  output.left = course.n;
  output.done = 0;
  output.on_ticks = 0;
  output.pulse = 2 * course.pulse_us;
  output.period = 2 * course.period_us;
  output.edge = start + 2 * course.delay_us;
  output.high = false;
  active |= _BV(course.channel);
}

Reason start(const Course *courses, uint8_t n, uint16_t seq, uint8_t stops_seen, uint32_t *start_us) {
  if (!armed) return R_DISARMED;
  for (uint8_t i = 0; i < n; i++) {
    Reason reason = check(courses[i]);
    if (reason != DONE) return reason;
  }
  for (uint8_t i = 0; i < n; i++) charge(courses[i]);
  session.crc = session_crc();
  Reason reason = DONE;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (!armed || stops != stops_seen) reason = R_DISARMED; // stopped while this line was read
    else {
      last_delivery = seq;
      uint16_t low = TCNT1;
      *start_us = us_at(low);
      uint32_t now = (wraps_at(low) << 16) | low;
      for (uint8_t i = 0; i < n; i++) prepare(courses[i], seq, now);
      service_outputs();
    }
  }
  return reason;
}

void end_output(uint8_t channel) {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (active & _BV(channel)) {
      if (outputs[channel].high) fall(channel);
      ended(channel);
      service_outputs();
    }
  }
}

uint8_t active_outputs() { return active; }
