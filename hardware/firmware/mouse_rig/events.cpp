#pragma GCC optimize("O2")
#include "events.h"
#include <util/atomic.h>

static const uint8_t ROOM = 24;
static Happening queue[ROOM];
static volatile uint8_t first = 0, n_waiting = 0;
static uint16_t next_count = 0;
volatile uint16_t events_lost = 0;

void happened(Kind kind, uint32_t us, uint8_t channel, uint16_t seq, uint32_t value, uint32_t on_us) {
  uint16_t count = next_count++;
  if (n_waiting == ROOM) {
    if (events_lost != 0xFFFF) events_lost++;
    return;
  }
  uint8_t place = first + n_waiting;
  if (place >= ROOM) place -= ROOM;
  queue[place] = {kind, channel, count, seq, us, value, on_us};
  n_waiting++;
}

bool events_wait() { return n_waiting; }

bool next_event(Happening *event) {
  bool found = false;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (n_waiting) {
      *event = queue[first];
      first = first + 1 == ROOM ? 0 : first + 1;
      n_waiting--;
      found = true;
    }
  }
  return found;
}
