"""An ELM327 with its CAN protocols: requests of one frame, flow control of what it receives, monitoring.

Reference adapters A.1–A.10. It cannot segment: a request is one frame, and a longer one is sent frame by frame by the
host with formatting off.
"""
import re
import time
from collections import deque

import can

from lane.elm_settings import (CAN_CHECKS, DEFAULT_TIMEOUT, FILLER, LINE_RATE, PARAMETERS, PROTOCOL_NAMES,
                               SILENT_MONITORING, STILL_WAIT_AFTER_PENDING, USUAL_RATE, V1_4B, V2_0, Settings, apply)
from lane.interpreter import CR, Interpreter

MAILBOXES = 3                # of the CAN controller, towards the wire
SENT_LIMIT_S = 0.1           # for a frame to be acknowledged by somebody
STALL_LIMIT_S = 3.0          # where it will be, but this machine may be slow
PENDING_WAIT_S = 5.2         # a device that knows NRC 78 waits so long for the answer after it
SEARCH_ORDER = '6897'
WARM_START_S = 0.06
HANDSHAKE_S = 0.075
HEX_LINE = re.compile(r'[0-9A-F]+')
SINGLE, FIRST, CONSECUTIVE, FLOW = range(4)


class Elm327(Interpreter):
    """One ELM327. `traits`: version (number and as it calls itself), lacks, forgets, resetS … see lane/adapters.py."""

    def __init__(self, wire, traits, *rest):
        self._parameters, self._switched_on, self._stored_protocol = dict(PARAMETERS), set(), '0'     # the EEPROM
        if traits['baud'] != USUAL_RATE:
            self._parameters[LINE_RATE] = 0 if traits['baud'] == 9600 else round(4_000_000 / traits['baud'])
            self._switched_on.add(LINE_RATE)
        super().__init__(wire, traits, *rest)

    def _power_on(self):
        self.settings = Settings(protocol=self._stored_protocol)
        self.settings.timer_ticks = self._in_force(DEFAULT_TIMEOUT)
        self.settings.silent_monitoring = self._in_force(SILENT_MONITORING) != 0
        self._bus_open = self._hearing = self._monitoring = self._overflow = False
        self._sending = None             # the frame that waits for the wire
        self._frames = deque()
        self._learned_s = None           # how long answers take, for adaptive timing
        self._switch_wait_s = HANDSHAKE_S
        self._wire.flush()

    def _in_force(self, number):
        """A parameter, where it is switched on, else as delivered."""
        return (self._parameters if number in self._switched_on else PARAMETERS)[number]

    def _identification(self):
        return self._traits['name']

    def _echoes(self):
        return self.settings.echo

    def _feeds_lines(self):
        return self.settings.linefeeds

    # The side of the bus, on the wire's thread.

    @property
    def is_open(self):
        """Whether its controller takes part in the bus."""
        return self._bus_open

    @property
    def rate(self):
        """Bit/s of the protocol, None while it is no CAN."""
        found = self.settings.can()
        return found and found[0]

    def can_bitrate(self):
        """The bit rate at which the controller takes part in the bus, None while it does not."""
        return self.rate if self._bus_open and not self.dead else None

    def on_sent(self, message):
        """A frame of ours has reached the bus."""
        with self._changed:
            if message is self._sending:
                self._sending = None
            self._changed.notify_all()

    def on_frame(self, message):
        """A frame of an ECU; heard only while a command listens."""
        if self.dead or self.deaf:
            return
        with self._changed:
            if not self._hearing or not self._passes(message):
                return
            if not self._monitoring:
                self._flow_control(message)
            if len(self._frames) * self._line_bytes(message) > self._traits['bufferBytes']:
                self._overflow = True
            else:
                self._frames.append((time.monotonic(), message))
            self._changed.notify_all()

    def _passes(self, message):
        return self.settings.accepts(message, everything=self._monitoring)

    def _line_bytes(self, message):
        digits = (8 if message.is_extended_id else 3) if self.settings.headers else 0
        return digits + len(message.data) * (3 if self.settings.spaces else 2) + 1

    def _body(self, message):
        """A frame's bytes without an extended address."""
        return bytes(message.data)[0 if self.settings.extended_address is None else 1:]

    def _flow_control(self, message):
        body = self._body(message)
        if not self.settings.flow_control or not body or body[0] >> 4 != FIRST:
            return
        reply = self._flow_reply(message)
        if reply is not None:
            self._wire.offer(self._message(*reply), MAILBOXES)

    def _flow_reply(self, message):
        """(identifier, bytes) of our flow control for a first frame, None where none is sent."""
        settings = self.settings
        address = b'' if settings.extended_address is None else bytes([settings.extended_address])
        data = address + b'\x30\x00\x00' if settings.fc_mode == 0 else settings.fc_data
        identifier = settings.fc_header if settings.fc_mode == 1 else self._guessed(message)
        return identifier, data

    @staticmethod
    def _guessed(message):
        """The identifier that belongs to a reply's; right for the legislated ones, else the reply's own."""
        identifier = message.arbitration_id
        if not message.is_extended_id and 0x7E8 <= identifier <= 0x7EF:
            return identifier - 8
        if message.is_extended_id and identifier & 0xFFFFFF00 == 0x18DAF100:
            return 0x18DA00F1 | (identifier & 0xFF) << 8
        return identifier

    def _message(self, identifier, data):
        if not self.settings.variable_dlc:
            data = data.ljust(8, bytes([self._in_force(FILLER)]))
        return can.Message(arbitration_id=identifier, is_extended_id=self.settings.can()[1], data=data)

    # Commands.

    def _run(self, command):
        try:
            answer = self._answer(command)
        except BufferError:
            answer = 'BUFFER FULL'
        if answer is not None:
            self._say(answer)

    def _answer(self, command):
        """The answer to a command; None when it has said all there is."""
        if command.startswith('AT'):
            return self._at(command[2:])
        return self._hex(command) if HEX_LINE.fullmatch(command) else '?'

    def _at(self, command):
        traits = self._traits
        if any(command.startswith(lacking) for lacking in traits['lacks']):
            return '?'
        done = apply(self.settings, command, traits['version'])
        if done is not None:
            return 'OK' if done else '?'
        simple = {'I': traits['name'], '@1': traits['description'], 'DP': self._protocol_name(), 'DPN': self._number(),
                  'RV': self._volts(), 'CS': 'T:00 R:00', 'IGN': 'ON' if self._vehicle.ignition else 'OFF'}
        if command in simple:
            return simple[command]
        for pattern, since, method in self.AT:
            found = pattern.fullmatch(command)
            if found is not None and traits['version'] >= since:
                return method(self, *found.groups())
        return '?'

    def _volts(self):
        return f'{(self._vehicle.millivolts + self._traits["voltageErrorMv"]) / 1000:.1f}V'

    def _number(self):
        return ('A' if self.settings.automatic and self.settings.protocol != '0' else '') + self.settings.protocol

    def _protocol_name(self):
        name = PROTOCOL_NAMES.get(self.settings.protocol, 'USER')
        return f'AUTO, {name}' if self.settings.automatic and self.settings.protocol != '0' else name

    def _reset(self):
        echo = self.settings.echo
        self._pause(self._traits['resetS'])
        self.baud = self._baud_at_power_on
        self._power_on()
        self._stop = False               # what came during the reset is lost
        self._put(self._traits['nulBytes'] * b'\0' + (b'\r\r' if echo else b'\r'))
        return self._identification()

    def _warm_start(self):
        self._pause(WARM_START_S)
        self._power_on()
        self._put(b'\r\r')
        return self._identification()

    def _defaults(self):
        protocol, automatic = self.settings.protocol, self.settings.automatic
        self._power_on()
        self.settings.protocol, self.settings.automatic = protocol, automatic
        return 'OK'

    def _choose_protocol(self, verb, automatic, number):
        if number not in PROTOCOL_NAMES or (number in 'BC' and self._traits['version'] < 1.2):
            return '?'
        self._bus_open = False
        self.settings.protocol, self.settings.automatic = number, bool(automatic) or number == '0'
        if verb == 'S' and number != '0':
            self._stored_protocol = number
        defaults = Settings()
        for name in self._traits['forgets']:
            setattr(self.settings, name, getattr(defaults, name))
        return 'OK'

    def _close_protocol(self):
        self._bus_open = False
        return 'OK'

    def _parameter(self, number, value):
        if int(number, 16) not in self._parameters:
            return '?'
        self._parameters[int(number, 16)] = int(value, 16)
        return 'OK'

    def _switch_parameter(self, number, state):
        numbers = set(self._parameters) if number == 'FF' else {int(number, 16)}
        if not numbers <= set(self._parameters):
            return '?'
        self._switched_on = self._switched_on | numbers if state == 'ON' else self._switched_on - numbers
        return 'OK'

    def _list_parameters(self):
        numbers = sorted(self._parameters)
        for start in range(0, len(numbers), 4):
            self._say('  '.join(
                f'{number:02X}:{self._parameters[number]:02X} {"N" if number in self._switched_on else "F"}'
                for number in numbers[start:start + 4]))

    def _try_rate(self, divisor):
        return self._switch_rate(4_000_000 // max(1, int(divisor, 16)), self._identification())

    def _switch_rate(self, rate, name):
        """A.8: OK at the old rate, the name at the new one, and back unless the host answers in time."""
        old, heard = self.baud, bytearray()
        self._say('OK')
        self._sink = heard.append
        self.baud = rate
        self._pause(self._switch_wait_s)
        self._put(name.encode() + b'\r')
        if self._wait(lambda: CR in heard, self._switch_wait_s):
            return 'OK'
        self.baud = old
        return None

    def _rate_timeout(self, units):
        self._switch_wait_s = (int(units, 16) or 256) * 0.005
        return 'OK'

    def _monitor(self):
        if self.settings.can() is None:
            return 'UNABLE TO CONNECT' if self.settings.protocol == '0' else 'NO DATA'
        self._listen(monitoring=True)
        while True:
            _, message = self._next_frame(float('inf'))
            for line in self._shown(message):
                self._say(line)

    AT = tuple((re.compile(pattern), since, method) for pattern, since, method in (
        (r'Z', 1.0, _reset), (r'WS', 1.0, _warm_start), (r'D', 1.0, _defaults),
        (r'([ST])P(A?)([0-9A-C])', 1.0, _choose_protocol), (r'([ST])P(0)(0)', 1.0, _choose_protocol),
        (r'PC', 1.0, _close_protocol), (r'MA', 1.0, _monitor),
        (r'PPS', 1.1, _list_parameters), (r'PP([0-9A-F]{2})SV([0-9A-F]{2})', 1.1, _parameter),
        (r'PP([0-9A-F]{2})(ON|OFF)', 1.1, _switch_parameter),
        (r'AMC', V2_0, lambda self: '00'), (r'BRD([0-9A-F]{2})', 1.2, _try_rate),
        (r'BRT([0-9A-F]{2})', 1.2, _rate_timeout), (r'@2', 1.3, lambda self: '?'),
        (r'LP', V1_4B, lambda self: '?'),
    ))

    # Requests.

    def _hex(self, digits):
        expected = None
        if len(digits) % 2 == 1:
            if len(digits) == 1 or len(digits) > 16 or self._traits['version'] < 1.3:
                return '?'
            digits, expected = digits[:-1], int(digits[-1], 16) or None
        return self._request(bytes.fromhex(digits), expected)

    def _request(self, data, expected):
        payload = self._single(data)
        if payload is None:
            return '?'
        return self._ready() or self._exchange(payload, expected)

    def _single(self, data):
        """The bytes of the one frame for a request, None when it does not fit."""
        settings = self.settings
        address = b'' if settings.extended_address is None else bytes([settings.extended_address])
        if settings.auto_format:
            return None if len(data) > 7 - len(address) else address + bytes([len(data)]) + data
        longest = 8 if settings.long_messages else 7
        return None if len(data) > longest - len(address) else address + data

    def _ready(self):
        """Opens the bus of the protocol; what is said where there is none."""
        if self.settings.protocol == '0':
            return self._search()
        if self.settings.can() is None:
            self._pause(self._traits['resetS'])
            return 'BUS INIT: ...ERROR' if self.settings.protocol in '345' else 'NO DATA'
        self._open_bus()
        return None

    def _open_bus(self):
        self._bus_open = True
        self._wire.kick()

    def _search(self):
        """Asks `01 00` in each CAN protocol until somebody answers."""
        self._log.note('<', 'SEARCHING...')
        self._put(b'SEARCHING...')
        for number in SEARCH_ORDER:
            self.settings.protocol = number
            self._open_bus()
            self._listen()
            heard = self._transmit(self.settings.identifier(), b'\x02\x01\x00') and self._wait(
                lambda: bool(self._frames), self.settings.timeout_s())
            self._idle()
            if heard:
                self._put(b'\r')
                return None
            self._bus_open = False
        self.settings.protocol = '0'
        self._put(b'\r')
        return 'UNABLE TO CONNECT'

    def _exchange(self, payload, expected):
        self._listen()
        if not self._transmit(self.settings.identifier(), payload):
            return 'CAN ERROR'
        return self._collect(expected, self._answer_wait_s()) if self.settings.responses else None

    def _transmit(self, identifier, data):
        """Whether one frame reached the bus."""
        message = self._sending = self._message(identifier, data)
        limit_s = STALL_LIMIT_S if self.can_bitrate() == self._wire.bitrate else SENT_LIMIT_S
        if self._wire.offer(message, MAILBOXES) and self._wait(lambda: self._sending is not message, limit_s):
            return True
        self._wire.flush()
        return False

    def _answer_wait_s(self):
        longest, margin_s = self.settings.timeout_s(), {0: None, 1: 0.032, 2: 0.012}[self.settings.adaptive]
        if margin_s is None or self._learned_s is None:
            return longest
        return min(longest, 1.5 * self._learned_s + margin_s)

    def _collect(self, expected, wait_s):
        """Prints what answers until nothing has come for the wait, or the expected number of lines has."""
        asked, count, limit_s = time.monotonic(), 0, wait_s
        since = asked
        while not (expected and count >= expected):
            found = self._next_frame(since + limit_s)
            if found is None:
                break
            since, message = found
            if count == 0:
                self._learned_s = since - asked
            for line in self._shown(message):
                self._say(line)
            count += 1
            limit_s = max(wait_s, PENDING_WAIT_S) if self._says_pending(message) else wait_s
        return 'NO DATA' if count == 0 else None

    def _says_pending(self, message):
        body = self._body(message)
        waits = self._traits['version'] >= V2_0 and self._in_force(CAN_CHECKS) & STILL_WAIT_AFTER_PENDING
        return bool(waits) and body[:2] == b'\x03\x7F' and body[3:4] == b'\x78'

    def _listen(self, monitoring=False):
        if monitoring:
            self._open_bus()
        with self._changed:
            self._frames.clear()
            self._overflow, self._monitoring, self._hearing = False, monitoring, True

    def _idle(self):
        with self._changed:
            self._hearing = self._monitoring = False

    def _next_frame(self, deadline):
        """(moment, frame) of the next one, None at the deadline; BufferError ends the command where the buffer overflowed."""
        if not self._wait(lambda: bool(self._frames) or self._overflow, deadline - time.monotonic()):
            return None
        if self._frames:
            return self._frames.popleft()
        raise BufferError

    # Printing.

    def _shown(self, message):
        """The lines in which a frame is printed."""
        settings, body = self.settings, self._body(message)
        if not settings.auto_format:
            return [self._line_of(message, bytes(message.data))]
        kind = body[0] >> 4 if body else SINGLE
        if kind == FLOW:
            return [self._line_of(message, bytes(message.data), 'FC: ')] if self._monitoring else []
        if kind > FLOW or (kind == SINGLE and not 0 < (body or b'\0')[0] <= len(body) - 1):
            return [self._line_of(message, bytes(message.data)) + ' <DATA ERROR']
        if settings.headers:
            used = body[0] + 1 if kind == SINGLE else len(body)
            return [self._line_of(message, bytes(message.data)[:used + len(message.data) - len(body)])]
        if kind == SINGLE:
            return [self._bytes(body[1:1 + body[0]])]
        if kind == FIRST:
            return [f'{(body[0] & 0xF) << 8 | body[1]:03X}', f'0:{self._gap()}{self._bytes(body[2:])}']
        return [f'{body[0] & 0xF:X}:{self._gap()}{self._bytes(body[1:])}']

    def _gap(self):
        return ' ' if self.settings.spaces else ''

    def _bytes(self, data):
        return data.hex(' ').upper() if self.settings.spaces else data.hex().upper()

    def _line_of(self, message, data, prefix=''):
        if not self.settings.headers:
            return prefix + self._bytes(data)
        identifier = message.arbitration_id
        if message.is_extended_id:
            header = self._bytes(identifier.to_bytes(4, 'big'))
        else:
            header = f'{identifier:03X}'
        length = f'{self._gap()}{message.dlc:X}' if self.settings.show_dlc else ''
        return f'{prefix}{header}{length}{self._gap()}{self._bytes(data)}'
