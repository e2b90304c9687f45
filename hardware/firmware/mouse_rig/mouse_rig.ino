// Countenance mouse rig: delivers pulses to valves, the trigger of a shocker, a laser and a camera, and nothing
// that a host, a cable or a finger on the emergency stop has not allowed.
//
// Arduino Uno or Nano. Open this folder in the Arduino IDE and upload, or run make (avr-gcc and avr-libc).
// PROTOCOL.md says what the line understands, limits.h what no host can exceed, WIRING.md how to connect it.

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "clock.h"
#include "commands.h"
#include "events.h"
#include "line.h"
#include "outputs.h"
#include "pins.h"

volatile uint32_t wraps = 0;
volatile uint32_t frames = 0;
static volatile bool estop_told = false, lick_told = false;
static volatile uint32_t lick_ticks = 0;
static volatile uint8_t n_licks = 0, n_frames = 0; // interrupts of this overflow's time
static const uint8_t MOST_LICKS = 8, MOST_FRAMES = 20; // more is noise, and may not starve the rest
static uint8_t reset_flags __attribute__((section(".noinit")));

// A reset by the hardware watchdog leaves it running: stop it before anything else is set up.
extern "C" void before_start() __attribute__((naked, used, section(".init3")));
void before_start() {
  reset_flags = MCUSR;
  MCUSR = 0;
  wdt_disable();
}

void start_clock() {
  TCCR1A = 0;
  TCCR1B = _BV(ICNC1) | _BV(ICES1) | _BV(CS11); // half microseconds; frame pulses are timed when they rise
  TCNT1 = 0;
  TIMSK1 = _BV(TOIE1) | _BV(ICIE1);
}

static void start_pins() {
  all_low();
  PORTB &= ~ARMED_LED;
  DDRD = OUTPUTS_D;
  DDRB = OUTPUTS_B | ARMED_LED;
  PORTD |= LICK_PIN | ESTOP_PIN;
  PORTB |= FRAME_PIN;
  PORTC = 0x3F; // not connected
}

static void start_inputs() {
  EICRA = _BV(ISC00) | _BV(ISC10); // both edges
  EIMSK = _BV(INT0) | _BV(INT1);
  lick_told = licking();
}

static void see_lick() {
  uint32_t now = ticks_now();
  bool level = licking();
  if (level == lick_told || now - lick_ticks < 2 * LICK_DEADTIME_US) return;
  lick_told = level;
  lick_ticks = now;
  happened(LICK, us_now(), 0, 0, level);
}

ISR(INT0_vect) {
  if (++n_licks > MOST_LICKS) EIMSK &= ~_BV(INT0);
  else see_lick();
}

ISR(INT1_vect) {
  if (estop_pressed() && armed) stop_all(BY_ESTOP);
  EIMSK &= ~_BV(INT1); // bouncing; the next overflow looks, tells, and listens again
}

ISR(TIMER1_CAPT_vect) {
  uint16_t low = ICR1;
  happened(FRAME, us_at(low), 0, 0, ++frames);
  if (++n_frames > MOST_FRAMES) TIMSK1 &= ~_BV(ICIE1);
}

ISR(TIMER1_OVF_vect) {
  wraps++;
  service_outputs();
  if (estop_pressed() && armed) stop_all(BY_ESTOP);
  if (armed && ++silence >= silence_wraps) stop_all(BY_WATCHDOG);
  if (estop_pressed() != estop_told) {
    estop_told = !estop_told;
    happened(ESTOP, us_now(), 0, 0, estop_told);
  }
  see_lick();
  n_licks = n_frames = 0;
  EIMSK |= _BV(INT0) | _BV(INT1);
  TIMSK1 |= _BV(ICIE1);
}

// The IDE's own start is not used: what is compiled here is what was tested.
int main() {
  start_pins();
  start_clock();
  start_outputs();
  start_line();
  start_inputs();
  wdt_enable(WDTO_250MS); // a program that hangs is reset, and a reset lets every output go low
  sei();
  say_boot(reset_flags);
  set_sleep_mode(SLEEP_MODE_IDLE);
  for (;;) {
    wdt_reset();
    listen();
    tell_events();
    cli();
    if (events_wait() || bytes_wait()) {
      sei();
    } else { // rest until the next interrupt, which is the clock's overflow at the latest
      sleep_enable();
      sei(); // lets one more instruction pass, so that nothing comes between it and the sleep
      sleep_cpu();
      sleep_disable();
    }
  }
}
