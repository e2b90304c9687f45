// Time of the device: Timer 1 counts half microseconds; its overflows are counted in `wraps`.
#pragma once

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>

extern volatile uint32_t wraps; // one in 32.768 ms

// The functions are for interrupt routines and for code with interrupts off.

inline uint32_t wraps_at(uint16_t low) {
  // an overflow whose interrupt is still waiting is counted already
  return wraps + (((TIFR1 & _BV(TOV1)) && low < 0x8000) ? 1 : 0);
}

// half microseconds; goes round in 35.8 minutes, for differences up to 17
inline uint32_t ticks_now() {
  uint16_t low = TCNT1;
  return (wraps_at(low) << 16) | low;
}

// microseconds as the host is told; goes round in 71.6 minutes
inline uint32_t us_at(uint16_t low) { return (wraps_at(low) << 15) | (low >> 1); }
inline uint32_t us_now() { return us_at(TCNT1); }

void start_clock();
