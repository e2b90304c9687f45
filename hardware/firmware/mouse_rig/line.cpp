#include "line.h"
#include "commands.h"
#include "pins.h"
#include <avr/interrupt.h>
#include <stdlib.h>
#include <string.h>
#include <util/atomic.h>
#include <util/crc16.h>

static const char CHANNELS[N_CHANNELS][7] PROGMEM = {"valve1", "valve2", "valve3", "valve4",
                                                     "shock",  "laser",  "camera", "aux"};
static const char REASONS[][9] PROGMEM = {"",       "CRC",      "FORM",  "LONG",     "OLD",  "COMMAND", "CHANNEL",
                                          "NUMBER", "HELLO",    "DISARMED", "ARMED", "ESTOP", "RELEASED", "BUSY",
                                          "PULSE",  "ON_TIME",  "LENGTH", "INTERVAL", "COUNT", "TOTAL",   "LOOSER"};
static const char CAUSES[][9] PROGMEM = {"HOST", "WATCHDOG", "ESTOP", "HELLO", "DISARM"};

// -- bytes that come --------------------------------------------------------------------------------------

static const uint8_t RX_ROOM = 128, TX_ROOM = 128; // powers of two
static volatile uint8_t rx[RX_ROOM], tx[TX_ROOM];
static volatile uint8_t rx_head = 0, rx_tail = 0, tx_head = 0, tx_tail = 0;
static char line[LONGEST_LINE + 1];
static uint8_t length = 0, stops_at_start = 0;
static bool junk = false;
uint16_t bad_lines = 0;

void start_line() {
  UCSR0A = _BV(U2X0);
  UBRR0 = 16; // 115200 baud at 16 MHz
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

ISR(USART_RX_vect) {
  uint8_t damaged = UCSR0A & (_BV(FE0) | _BV(DOR0));
  uint8_t byte = UDR0;
  if (byte == '!') { // here, not in the parser: it stops everything whatever the main loop does
    stop_all(BY_HOST);
    rx_tail = rx_head;
    return;
  }
  uint8_t next = (rx_head + 1) & (RX_ROOM - 1);
  if (next == rx_tail) { // full: spoil the last byte, so that its line is refused
    rx[(rx_head - 1) & (RX_ROOM - 1)] = 0;
    return;
  }
  rx[rx_head] = damaged ? 0 : byte;
  rx_head = next;
}

bool bytes_wait() { return rx_head != rx_tail; }

// One byte that has come, unless a stop has thrown it away meanwhile; stops_now is read at the same moment.
static bool next_byte(char *byte, uint8_t *stops_now) {
  bool found = false;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    *stops_now = stops;
    if (rx_tail != rx_head) {
      *byte = rx[rx_tail];
      rx_tail = (rx_tail + 1) & (RX_ROOM - 1);
      found = true;
    }
  }
  return found;
}

// Cut the checksum off; false if it is wrong.
static bool checked() {
  if (length < 5 || line[length - 5] != '*') return false;
  uint16_t crc = 0xFFFF, said = 0;
  for (uint8_t i = 0; i < length - 5; i++) crc = _crc_xmodem_update(crc, line[i]);
  for (uint8_t i = length - 4; i < length; i++) {
    char digit = line[i];
    if (digit >= '0' && digit <= '9') said = said << 4 | (digit - '0');
    else if (digit >= 'A' && digit <= 'F') said = said << 4 | (digit - 'A' + 10);
    else return false;
  }
  line[length - 5] = 0;
  return crc == said;
}

static void take_line() {
  if (!length && !junk) return;
  Reason reason = junk ? R_LONG : checked() ? DONE : R_CRC;
  if (reason != DONE) {
    bad_lines++;
    refuse(0, reason);
  } else {
    obey(line, stops_at_start);
  }
}

void listen() {
  char byte;
  uint8_t stops_now;
  for (uint8_t i = 0; i < 64 && next_byte(&byte, &stops_now); i++) {
    if (stops_now != stops_at_start && (length || junk)) { // a stop came within the line
      length = 0;
      junk = false;
    }
    if (byte == '\n') {
      if (!length && !junk) stops_at_start = stops_now;
      take_line();
      length = 0;
      junk = false;
    } else if (byte != '\r') {
      if (!length && !junk) stops_at_start = stops_now;
      if (length >= LONGEST_LINE) junk = true;
      else line[length++] = byte;
    }
  }
}

// -- bytes that go ----------------------------------------------------------------------------------------

static uint16_t sum;

ISR(USART_UDRE_vect) {
  if (tx_tail == tx_head) {
    UCSR0B &= ~_BV(UDRIE0);
    return;
  }
  UDR0 = tx[tx_tail];
  tx_tail = (tx_tail + 1) & (TX_ROOM - 1);
}

static void send(char character) {
  uint8_t next = (tx_head + 1) & (TX_ROOM - 1);
  while (next == tx_tail) {} // the interrupt makes room in 87 us; if it does not, the hardware watchdog resets
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    tx[tx_head] = character;
    tx_head = next;
    UCSR0B |= _BV(UDRIE0);
  }
}

void begin_line() { sum = 0xFFFF; }

void put(char character) {
  sum = _crc_xmodem_update(sum, character);
  send(character);
}

void put_text(PGM_P text) {
  for (char character; (character = pgm_read_byte(text)); text++) put(character);
}

void put_number(uint32_t number) {
  char digits[11];
  ultoa(number, digits, 10);
  for (char *digit = digits; *digit; digit++) put(*digit);
}

void put_field(PGM_P name_with_equals_sign, uint32_t number) {
  put(' ');
  put_text(name_with_equals_sign);
  put_number(number);
}

void end_line() {
  uint16_t crc = sum;
  send('*');
  for (int8_t shift = 12; shift >= 0; shift -= 4) {
    uint8_t digit = (crc >> shift) & 15;
    send(digit < 10 ? '0' + digit : 'A' + digit - 10);
  }
  send('\n');
}

void put_channel(uint8_t channel) { put_text(CHANNELS[channel]); }

uint8_t channel_named(const char *name) {
  uint8_t channel = 0;
  while (channel < N_CHANNELS && strcmp_P(name, CHANNELS[channel])) channel++;
  return channel;
}

void refuse(uint16_t seq, Reason reason) {
  begin_line();
  put('N');
  put(' ');
  put_number(seq);
  put(' ');
  put_text(REASONS[reason]);
  end_line();
}

static void tell(const Happening &event) {
  static const char KINDS[][8] PROGMEM = {" ON ", " OFF ", " STOP ", " LICK ", " FRAME ", " ESTOP "};
  begin_line();
  put('E');
  put(' ');
  put_number(event.count);
  put(' ');
  put_number(event.us);
  put_text(KINDS[event.kind]);
  if (event.kind == STOP) put_text(CAUSES[event.channel]);
  else if (event.kind > STOP) put_number(event.value);
  else {
    put_channel(event.channel);
    put(' ');
    put_number(event.seq);
    if (event.kind == OFF) {
      put(' ');
      put_number(event.value);
      put(' ');
      put_number(event.on_us);
    }
  }
  end_line();
}

void tell_events() {
  Happening event;
  if (next_event(&event)) tell(event);
}
