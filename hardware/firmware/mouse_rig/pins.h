// Which pin is what, on an Arduino Uno or Nano (ATmega328P, 16 MHz). See WIRING.md before connecting anything.
#pragma once

#include <avr/io.h>

#if !defined(__AVR_ATmega328P__) && !defined(__AVR_ATmega328__)
#error "The mouse rig's firmware is written for the ATmega328P: Arduino Uno, Nano or Pro Mini with 16 MHz."
#endif
#if F_CPU != 16000000UL
#error "The mouse rig's firmware counts time for a clock of 16 MHz (F_CPU=16000000UL)."
#endif

// outputs: valve1 D4, valve2 D5, valve3 D6, valve4 D7, shock D9, laser D10, camera D11, aux D12
#define OUTPUTS_D (_BV(4) | _BV(5) | _BV(6) | _BV(7))
#define OUTPUTS_B (_BV(1) | _BV(2) | _BV(3) | _BV(4))
#define ARMED_LED _BV(5) // port B, D13: lit while armed

// inputs, all with the internal pull-up: lick D2 (INT0), emergency stop D3 (INT1), frame D8 (ICP1)
#define LICK_PIN _BV(2)
#define ESTOP_PIN _BV(3) // low = released: a normally closed button to ground, so that a broken cable stops too
#define FRAME_PIN _BV(0)

inline bool estop_pressed() { return PIND & ESTOP_PIN; }
inline bool licking() { return PIND & LICK_PIN; }
inline void all_low() {
  PORTD &= ~OUTPUTS_D;
  PORTB &= ~OUTPUTS_B;
}
