// Ceilings of the mouse rig. They are compiled in: no message of a host can loosen them.
//
// Change them here, before the firmware is put on the board, only to what the animals' protocol of your
// laboratory allows, and note it there. The host reads the values that hold with LIMITS. All are our own choice,
// wide enough for published protocols and far below what a program gone wild would do: the paper that this rig is
// made for (Dolensek et al. 2020, Science 368:89) gives no currents, volumes or ceilings in its main text.
#pragma once

#include <avr/pgmspace.h>
#include <stdint.h>

struct Ceilings {
  uint32_t pulse_us;    // longest single pulse
  uint32_t on_us;       // longest time on within one delivery, all its pulses together
  uint32_t length_us;   // longest delivery, from its first rise to its last fall
  uint32_t interval_ms; // shortest time from the end of a delivery to the start of the next
  uint32_t deliveries;  // most deliveries in a session
  uint32_t total_ms;    // longest time on in a session
};
// 0 = no such ceiling (never in the column pulse_us)

#define N_CHANNELS 8

static const Ceilings COMPILED[N_CHANNELS] PROGMEM = {
    // pulse_us, on_us, length_us, interval_ms, deliveries, total_ms
    {1000000, 2500000, 10000000, 0, 0, 120000},   // valve1: a drop is some 50 ms; flushing is done in pulses
    {1000000, 2500000, 10000000, 0, 0, 120000},   // valve2
    {1000000, 2500000, 10000000, 0, 0, 120000},   // valve3
    {1000000, 2500000, 10000000, 0, 0, 120000},   // valve4
    {2000000, 2000000, 5000000, 10000, 60, 60000}, // shock: only the trigger of a commercial isolated shocker
    {10000000, 30000000, 60000000, 0, 0, 0},      // laser: trigger of a driver that has its own interlock
    {100000, 0, 0, 0, 0, 0},                      // camera: frame trigger, as many as a session has
    {10000000, 10000000, 60000000, 0, 0, 0},      // aux
};

#define LEAST_US 100UL              // shortest pulse, and shortest gap between two pulses of a train
#define LONGEST_WAIT_US 60000000UL  // longest period of a train, and longest wait before its first rise
#define LONGEST_INTERVAL_MS 3600000UL // LIMIT cannot make the shortest interval longer: it is not counted further
#define SILENCE_MS 800UL            // how long the host may be silent while the rig is armed
#define LEAST_SILENCE_MS 100UL      // LIMIT cannot tighten it further
#define LICK_DEADTIME_US 2000UL     // edges of the lick detector that follow faster are its bouncing

static_assert(SILENCE_MS <= 900, "outputs must be low within one second of a host's death");
