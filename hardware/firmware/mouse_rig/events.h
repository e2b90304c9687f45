// What happened, from the interrupt routines to the line; a full queue loses events, and their numbers show it.
#pragma once

#include <stdint.h>

enum Kind : uint8_t { ON, OFF, STOP, LICK, FRAME, ESTOP };

struct Happening {
  Kind kind;
  uint8_t channel;  // of ON and OFF; cause of STOP
  uint16_t count;   // goes up by one from event to event
  uint16_t seq;     // of ON and OFF
  uint32_t us;
  uint32_t value;   // pulses of OFF; level or number of an input
  uint32_t on_us;   // of OFF
};

extern volatile uint16_t events_lost;

void happened(Kind kind, uint32_t us, uint8_t channel = 0, uint16_t seq = 0, uint32_t value = 0,
              uint32_t on_us = 0);         // interrupts must be off
bool next_event(Happening *event);         // from the main loop
bool events_wait();                        // interrupts must be off
