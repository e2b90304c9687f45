// What the host can ask for.
#pragma once

#include <stdint.h>

#define NAME "countenance-mouse-rig"
#define PROTOCOL 1
#define FIRMWARE "1.0.0"

void obey(char *line, uint8_t stops_seen); // a line without its checksum
uint8_t channel_named(const char *name);   // N_CHANNELS if there is none
void say_boot(uint8_t reset_flags);
extern volatile uint32_t frames;
