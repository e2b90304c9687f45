// The serial line: bytes, lines, checksums; what is done with them is in commands.cpp.
#pragma once

#include "events.h"
#include "outputs.h"
#include <avr/pgmspace.h>
#include <stdint.h>

#define LONGEST_LINE 207 // four outputs with their longest numbers fit

void start_line();
void listen(); // take what has come; from the main loop
void tell_events();
bool bytes_wait(); // interrupts must be off

// one line of the device
void begin_line();
void put(char character);
void put_text(PGM_P text);
void put_number(uint32_t number);
void put_field(PGM_P name_with_equals_sign, uint32_t number);
void end_line();

void put_channel(uint8_t channel);
void refuse(uint16_t seq, Reason reason);
extern uint16_t bad_lines;
