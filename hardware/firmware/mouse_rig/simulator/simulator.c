// Runs the compiled firmware in a simulated ATmega328P (simavr), cycle by cycle, with hands on its pins.
//
//   simulator FIRMWARE.elf pty             real time; prints "PTY /dev/pts/N", to which a host connects.
//                                          Standard input: "pin NAME LEVEL", "pulse NAME" (1 ms), "reset", "quit", one per line.
//   simulator FIRMWARE.elf script < FILE   as fast as it goes. Lines "TIME_US bytes HEX", "TIME_US pin NAME LEVEL",
//                                          "TIME_US reset", "TIME_US end", in order of time.
//
// Prints one line per output that switches, "EDGE TIME_US CHANNEL LEVEL", and in a script what the firmware
// says, "LINE TIME_US TEXT"; at the end of a script the lowest address of the stack, "STACK ADDRESS". Times are microseconds of the simulated processor's own cycles.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#define HZ 16000000ULL
#define CYCLES_PER_BYTE (HZ * 10 / 115200)

static const struct {
  const char *name;
  char port;
  int bit;
} OUTPUTS[] = {{"valve1", 'D', 4}, {"valve2", 'D', 5}, {"valve3", 'D', 6}, {"valve4", 'D', 7},
               {"shock", 'B', 1},  {"laser", 'B', 2},  {"camera", 'B', 3}, {"aux", 'B', 4}},
  INPUTS[] = {{"lick", 'D', 2}, {"estop", 'D', 3}, {"frame", 'B', 0}};

static avr_t *avr;
static int pty_end = -1;
static char said[512];
static size_t said_length = 0;
static uint8_t waiting[1 << 16]; // bytes on their way to the firmware
static uint16_t first = 0, last = 0;
static int feeding = 0;
static unsigned lowest_stack = 0xFFFF, last_stack = 0, n_same = 0;

static double us(void) { return avr->cycle * 1e6 / HZ; }

static void switched(struct avr_irq_t *irq, uint32_t level, void *name) {
  (void)irq;
  static uint8_t before[sizeof OUTPUTS / sizeof *OUTPUTS];
  for (size_t i = 0; i < sizeof OUTPUTS / sizeof *OUTPUTS; i++)
    if (OUTPUTS[i].name == name && before[i] != !!level) {
      before[i] = !!level;
      printf("EDGE %.4f %s %u\n", us(), OUTPUTS[i].name, (unsigned)!!level);
    }
}

static void spoke(struct avr_irq_t *irq, uint32_t byte, void *unused) {
  (void)irq, (void)unused;
  if (pty_end >= 0) {
    uint8_t value = byte;
    if (write(pty_end, &value, 1) < 0) return; // nobody reads
  } else if (byte == '\n' || said_length == sizeof said - 1) {
    said[said_length] = 0;
    printf("LINE %.4f %s\n", us(), said);
    said_length = 0;
  } else {
    said[said_length++] = byte;
  }
}

static avr_cycle_count_t feed(avr_t *unused, avr_cycle_count_t when, void *nothing) {
  (void)unused, (void)nothing;
  if (first != last)
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), waiting[first++]);
  feeding = first != last;
  return feeding ? when + CYCLES_PER_BYTE : 0;
}

static void hear(uint8_t byte) {
  waiting[last++] = byte;
  if (!feeding) avr_cycle_timer_register(avr, CYCLES_PER_BYTE, feed, NULL);
  feeding = 1;
}

static avr_cycle_count_t wake(avr_t *unused, avr_cycle_count_t when, void *nothing) {
  (void)unused, (void)when, (void)nothing;
  return 0;
}

static void no_nap(avr_t *unused, avr_cycle_count_t cycles) { // while the processor rests, its time passes at once
  (void)unused, (void)cycles;
}

// What is outside is stronger than the pull-ups inside.
static void set_pin(const char *name, int level) {
  static uint8_t masks[2], values[2];
  for (size_t i = 0; i < sizeof INPUTS / sizeof *INPUTS; i++) {
    if (strcmp(INPUTS[i].name, name)) continue;
    int port = INPUTS[i].port == 'D', bit = 1 << INPUTS[i].bit;
    masks[port] |= bit;
    values[port] = level ? values[port] | bit : values[port] & ~bit;
    avr_ioport_external_t outside = {.name = INPUTS[i].port, .mask = masks[port], .value = values[port]};
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(INPUTS[i].port), &outside);
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(INPUTS[i].port), INPUTS[i].bit), level);
  }
}

static void rest(void) { // nothing is pressed, the tongue is away, the camera does not expose
  set_pin("lick", 0);
  set_pin("estop", 0);
  set_pin("frame", 0);
}

static void do_reset(void) {
  first = last = 0;
  avr_reset(avr);
  avr_cycle_timer_cancel(avr, feed, NULL);
  feeding = 0;
  rest();
}

static int load(const char *path) {
  elf_firmware_t firmware;
  memset(&firmware, 0, sizeof firmware);
  if (elf_read_firmware(path, &firmware)) return 0;
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) return 0;
  avr_init(avr);
  avr_load_firmware(avr, &firmware);
  avr->frequency = HZ;
  avr->sleep = no_nap;
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POOL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), spoke, NULL);
  for (size_t i = 0; i < sizeof OUTPUTS / sizeof *OUTPUTS; i++)
    avr_irq_register_notify(
        avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(OUTPUTS[i].port), OUTPUTS[i].bit), switched,
        (void *)OUTPUTS[i].name);
  rest();
  return 1;
}

static int run_until(avr_cycle_count_t cycle) {
  if (avr->cycle < cycle) avr_cycle_timer_register(avr, cycle - avr->cycle, wake, NULL);
  while (avr->cycle < cycle) {
    int state = avr_run(avr);
    unsigned stack = avr->data[R_SPL] | avr->data[R_SPH] << 8;
    n_same = stack == last_stack ? n_same + 1 : 0; // its two bytes are written one after the other
    last_stack = stack;
    if (n_same == 4 && stack < lowest_stack) lowest_stack = stack;
    if (state == cpu_Done || state == cpu_Crashed) {
      printf("CRASH %.4f\n", us());
      return 0;
    }
  }
  return 1;
}

static int run_script(void) {
  static char line[1 << 17];
  while (fgets(line, sizeof line, stdin)) {
    double at;
    char what[16];
    int n = 0;
    if (sscanf(line, "%lf %15s %n", &at, what, &n) < 2) continue;
    if (!run_until((avr_cycle_count_t)(at * (HZ / 1e6)))) return 1;
    char *rest_of_line = line + n, name[16];
    int level;
    unsigned byte;
    if (!strcmp(what, "bytes"))
      for (; sscanf(rest_of_line, "%2x", &byte) == 1; rest_of_line += 2) hear(byte);
    else if (!strcmp(what, "pin") && sscanf(rest_of_line, "%15s %d", name, &level) == 2) set_pin(name, level);
    else if (!strcmp(what, "reset")) do_reset();
    else if (!strcmp(what, "end")) break;
  }
  printf("STACK %u\n", lowest_stack);
  return 0;
}

static int obey(char *line) {
  char name[16];
  int level;
  if (sscanf(line, "pin %15s %d", name, &level) == 2) {
    set_pin(name, level);
  } else if (sscanf(line, "pulse %15s", name) == 1) {
    set_pin(name, 1);
    run_until(avr->cycle + HZ / 1000);
    set_pin(name, 0);
  } else if (!strncmp(line, "reset", 5)) do_reset();
  else if (!strncmp(line, "quit", 4)) return 0;
  return 1;
}

static int look_outside(void) { // the host's bytes, and the hands on the pins
  static char line[256];
  static size_t length = 0;
  uint8_t bytes[256];
  ssize_t n = read(pty_end, bytes, sizeof bytes);
  for (ssize_t i = 0; i < n; i++) hear(bytes[i]);
  char byte;
  ssize_t got;
  while ((got = read(STDIN_FILENO, &byte, 1)) == 1) {
    if (byte != '\n' && length < sizeof line - 1) {
      line[length++] = byte;
      continue;
    }
    line[length] = 0;
    length = 0;
    return obey(line); // one at a time, so that time passes between two
  }
  return got != 0; // the end of standard input: whoever started this is gone
}

static int run_pty(void) {
  int host_end;
  char name[128];
  if (openpty(&pty_end, &host_end, name, NULL, NULL)) return 1;
  struct termios settings;
  tcgetattr(host_end, &settings);
  cfmakeraw(&settings);
  tcsetattr(host_end, TCSANOW, &settings);
  fcntl(pty_end, F_SETFL, O_NONBLOCK);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  signal(SIGPIPE, SIG_DFL);
  printf("PTY %s\n", name);
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    if (!run_until(avr->cycle + HZ / 2000)) return 1;
    if (!look_outside()) return 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double real_us = (now.tv_sec - start.tv_sec) * 1e6 + (now.tv_nsec - start.tv_nsec) / 1e3;
    if (us() > real_us + 500) usleep((useconds_t)(us() - real_us));
  }
}

int main(int n, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (n != 3 || (strcmp(arguments[2], "pty") && strcmp(arguments[2], "script"))) {
    fprintf(stderr, "usage: simulator FIRMWARE.elf pty|script\n");
    return 2;
  }
  if (!load(arguments[1])) {
    fprintf(stderr, "error: %s is no firmware for the ATmega328P\n", arguments[1]);
    return 2;
  }
  return strcmp(arguments[2], "pty") ? run_script() : run_pty();
}
