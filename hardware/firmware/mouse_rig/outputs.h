// The eight outputs: what they deliver, what they may deliver, and everything low at once.
#pragma once

#include "limits.h"
#include <stdint.h>

struct Course {
  uint8_t channel;
  uint32_t delay_us, pulse_us, n, period_us;
};

// Reasons of a refusal, in the order of their names in line.cpp
enum Reason : uint8_t {
  DONE,
  R_CRC,
  R_FORM,
  R_LONG,
  R_OLD,
  R_COMMAND,
  R_CHANNEL,
  R_NUMBER,
  R_HELLO,
  R_DISARMED,
  R_ARMED,
  R_ESTOP,
  R_RELEASED,
  R_BUSY,
  R_PULSE,
  R_ON_TIME,
  R_LENGTH,
  R_INTERVAL,
  R_COUNT,
  R_TOTAL,
  R_LOOSER,
};

enum StopCause : uint8_t { BY_HOST, BY_WATCHDOG, BY_ESTOP, BY_HELLO, BY_DISARM };

extern volatile bool armed;
extern volatile uint8_t stops;       // counts every stop, so that a line from before it is not done after it
extern volatile uint8_t silence;     // overflows since the host was heard
extern uint8_t silence_wraps;        // overflows after which the watchdog bites
extern Ceilings ceilings[N_CHANNELS];
extern volatile uint16_t last_delivery;

void start_outputs();
Reason arm(uint8_t stops_seen);
Reason start(const Course *courses, uint8_t n, uint16_t seq, uint8_t stops_seen, uint32_t *start_us);
void end_output(uint8_t channel);
void stop_all(StopCause cause);      // interrupts must be off
void service_outputs();              // interrupts must be off
uint8_t active_outputs();
uint32_t used(uint8_t channel);
uint32_t used_ms(uint8_t channel);
uint32_t wait_ms(uint8_t channel);
void forget_session();
