"""An STN2120 (OBDLink family): what an ELM327 does, and whole messages in both directions.

Reference adapters B. It segments what it sends (STCSEGT) and puts together what it receives (STCSEGR), and takes requests
beyond its command line by STPX with L and DATA>.
"""
import re
import time
from collections import deque

from lane.elm327 import CONSECUTIVE, FIRST, FLOW, SINGLE, Elm327
from lane.interpreter import INCOMPLETE_LINE_S

LONGEST_MESSAGE = 4095
RECEIVE_TIMEOUT_S = 0.102
FLOW_TIMEOUT_S, CONSECUTIVE_TIMEOUT_S = 0.075, 0.150
HIGHEST_RATE = 2_000_000
# STP number → (bit/s, 29-bit identifiers, ISO 15765); the ones that an ELM327 has too are its protocol
PRESETS = {31: (500_000, False, False), 32: (500_000, True, False), 33: '6', 34: '7', 35: '8', 36: '9',
           51: (125_000, False, False), 52: (125_000, True, False), 53: (125_000, False, True), 54: (125_000, True, True),
           61: (33_300, False, False), 62: (33_300, True, False), 63: (33_300, False, True), 64: (33_300, True, True)}
FIELD = re.compile(r'(?:H:([0-9A-F]{3}|[0-9A-F]{8})|D:((?:[0-9A-F]{2})+)|L:(\d{1,5})|T:(\d{1,5})|R:(\d{1,3}))')
HEX_DIGITS = frozenset(b'0123456789ABCDEFabcdef')


class Refused(Exception):
    """The ECU answered instead of letting the rest of a request come."""


def _switch(name):
    def change(stn, value):
        setattr(stn, name, value == '1')
        return 'OK'
    return change


class Stn(Elm327):
    """One STN2120."""

    def _power_on(self):
        super()._power_on()
        self._timeout_s = RECEIVE_TIMEOUT_S
        self._reassembles = self._segments = self._raw = False
        self._flow_timeout_s, self._consecutive_timeout_s = FLOW_TIMEOUT_S, CONSECUTIVE_TIMEOUT_S
        self._extra_gap_s = 0.0
        self._pairs = {}                 # our identifier → theirs, both for flow control
        self._pass_filters, self._block_filters = [], []
        self._flow = deque()             # flow control that the partner of a long request sent
        self._partner = None
        self._preset = None

    def _answer(self, command):
        if not command.startswith('ST'):
            return super()._answer(command)
        command = command[2:]
        fixed = {'I': self._traits['chip'], 'IX': f'{self._traits["chip"]} [2021.06.15]', 'DI': self._traits['device'],
                 'DIX': self._traits['device'], 'MFR': self._traits['maker'], 'SN': self._traits['serial'],
                 'PR': str(self._preset or 33), 'PRS': self._protocol_name(), 'PBRR': str(self.rate or 0)}
        if command in fixed:
            return fixed[command]
        for pattern, method in self.ST:
            found = pattern.fullmatch(command)
            if found is not None:
                return method(self, *found.groups())
        return '?'

    def _at(self, command):
        if re.fullmatch(r'ST[0-9A-F]{2}', command):
            self._timeout_s = None
        if re.match(r'[ST]P', command):
            self._raw, self._preset, self.settings.variable_dlc = False, None, False
        return super()._at(command)

    def _volts_exactly(self, digits):
        return f'{self._vehicle.millivolts / 1000:.{int(digits or 2)}f}'

    # Settings.

    def _choose_preset(self, number):
        preset = PRESETS.get(int(number))
        if preset is None:
            return '?'                   # the K-line presets are not built
        self._bus_open = False
        self._preset = int(number)
        self._raw = not isinstance(preset, str) and not preset[2]
        self.settings.automatic = False
        if isinstance(preset, str):
            self.settings.protocol = preset
        else:
            self.settings.protocol = f'ST{number}'
            self.settings.user_protocols[f'ST{number}'] = preset[:2]
        self.settings.variable_dlc = self._raw
        return 'OK'

    def _bit_rate(self, rate):
        can = self.settings.can()
        if can is None:
            return '?'
        self.settings.user_protocols[self.settings.protocol] = (int(rate), can[1])
        return 'OK'

    def _open(self):
        if self.settings.can() is None:
            return '?'
        self._open_bus()
        return 'OK'

    def _timeout(self, milliseconds):
        self._timeout_s = int(milliseconds) / 1000 or float('inf')
        return 'OK'

    def _transport_timeouts(self, flow, consecutive):
        self._flow_timeout_s, self._consecutive_timeout_s = int(flow) / 1000, int(consecutive) / 1000
        return 'OK'

    def _extra_gap(self, milliseconds):
        self._extra_gap_s = float(milliseconds) / 1000
        return 'OK'

    def _addressing(self, target):
        self.settings.extended_address = None if target is None else int(target, 16)
        return 'OK'

    def _pair(self, ours, theirs):
        self._pairs[int(ours, 16)] = int(theirs, 16)
        return 'OK'

    def _clear_pairs(self):
        self._pairs = {}
        return 'OK'

    def _pass(self, pattern, mask):
        self._pass_filters.append((int(pattern, 16), int(mask, 16)))
        return 'OK'

    def _block(self, pattern, mask):
        self._block_filters.append((int(pattern, 16), int(mask, 16)))
        return 'OK'

    def _clear_filters(self):
        self._pass_filters, self._block_filters = [], []
        return 'OK'

    def _rate_wait(self, milliseconds):
        self._switch_wait_s = int(milliseconds) / 1000
        return 'OK'

    def _rate_now(self, rate):
        """OK at the old rate, the prompt at the new one."""
        if not 0 < int(rate) <= HIGHEST_RATE:
            return '?'
        self._say('OK')
        self.baud = int(rate)
        self._pause(self._switch_wait_s)
        return None

    def _rate_by_handshake(self, rate):
        return self._switch_rate(int(rate), self._traits['chip']) if 0 < int(rate) <= HIGHEST_RATE else '?'

    # The side of the bus.

    def _passes(self, message):
        if any(message.arbitration_id & mask == value & mask for value, mask in self._block_filters):
            return False
        if self._pass_filters and self.settings.filter is None:
            return any(message.arbitration_id & mask == value & mask for value, mask in self._pass_filters)
        return super()._passes(message)

    def on_frame(self, message):
        with self._changed:
            body = self._body(message)
            if self._hearing and message.arbitration_id == self._partner and body[:1] and body[0] >> 4 == FLOW:
                self._flow.append(body)
                self._changed.notify_all()
                return
        super().on_frame(message)

    def _flow_control(self, message):
        if not self._raw:
            super()._flow_control(message)

    def _flow_reply(self, message):
        if self.settings.fc_mode != 0:
            return super()._flow_reply(message)
        theirs = message.arbitration_id
        ours = [one for one, other in self._pairs.items() if other == theirs]
        if self._pairs and not ours:
            return None                  # any pair turns the guessing off
        address = b'' if self.settings.extended_address is None else bytes([self.settings.extended_address])
        return (ours[0] if ours else self._counterpart(theirs, -8)), address + b'\x30\x00\x00'

    def _counterpart(self, identifier, distance):
        if self.settings.can()[1]:
            return identifier & 0xFFFF0000 | (identifier & 0xFF) << 8 | identifier >> 8 & 0xFF
        return identifier + distance

    # Requests.

    def _answer_wait_s(self):
        return super()._answer_wait_s() if self._timeout_s is None else self._timeout_s

    def _request(self, data, expected):
        return self._send(data, expected, self._answer_wait_s())

    def _single(self, data):
        if self._raw:
            return data if len(data) <= 8 else None
        return super()._single(data)

    def _send(self, data, expected, wait_s):
        """One request of any length, and its answers; what is said at the end, None for nothing more."""
        payload = self._single(data)
        if payload is None and not (self._segments and self.settings.auto_format and len(data) <= LONGEST_MESSAGE):
            return '?'
        failure = self._ready()
        if failure is not None:
            return failure
        self._listen()
        try:
            if payload is None:
                failure = self._send_long(data)
            elif not self._transmit(self.settings.identifier(), payload):
                failure = 'CAN ERROR'
        except Refused:
            failure = None
        finally:
            self._partner = None
        if failure is not None:
            return failure
        if not self.settings.responses:
            return None
        if self._reassembles and self.settings.auto_format and not self._raw:
            return self._collect_messages(expected, wait_s)
        return self._collect(expected, wait_s)

    def _send_long(self, data):
        """First frame, and the others as the partner lets them; what is said when that fails."""
        settings, identifier = self.settings, self.settings.identifier()
        address = b'' if settings.extended_address is None else bytes([settings.extended_address])
        room = 8 - len(address)
        self._flow.clear()
        self._partner = self._pairs.get(identifier, self._counterpart(identifier, 8))
        head = bytes([0x10 | len(data) >> 8, len(data) & 0xFF])
        if not self._transmit(identifier, address + head + data[:room - 2]):
            return 'CAN ERROR'
        at, number, left, gap_s = room - 2, 1, 0, 0.0
        while at < len(data):
            if left == 0:
                flow = self._await_flow()
                if flow is None:
                    return 'FC RX TIMEOUT'
                left, gap_s = flow[0] or -1, flow[1] + self._extra_gap_s
            piece = bytes([0x20 | number & 0xF]) + data[at:at + room - 1]
            if not self._transmit(identifier, address + piece):
                return 'CAN ERROR'
            at, number, left = at + room - 1, number + 1, left - 1
            self._wait(lambda: False, gap_s)
        return None

    def _await_flow(self):
        """(block size, gap in s) of the next clear-to-send, None when there is none in time or the partner gives up."""
        while self._wait(lambda: bool(self._flow or self._frames), self._flow_timeout_s):
            if not self._flow:
                raise Refused
            body = self._flow.popleft()
            if body[0] & 0xF == 0 and len(body) >= 3:
                return body[1], self._gap_s(body[2])
            if body[0] & 0xF != 1:       # all but "wait"
                return None
        return None

    @staticmethod
    def _gap_s(code):
        if 0xF1 <= code <= 0xF9:
            return (code - 0xF0) / 10_000
        return min(code, 0x7F) / 1000

    def _collect_messages(self, expected, wait_s):
        """Prints each complete message in one line, as `_collect` does with frames."""
        since, count, parts = time.monotonic(), 0, {}
        while not (expected and count >= expected):
            found = self._next_frame(since + (self._consecutive_timeout_s if parts else wait_s))
            if found is None:
                if not parts:
                    break
                parts.clear()            # the rest did not come: what there is of it is not printed
                continue
            since, message = found
            complete = self._joined(parts, message)
            if complete is not None:
                count += 1
                self._say(self._line_of(message, complete))
        return 'NO DATA' if count == 0 else None

    def _joined(self, parts, message):
        """The whole message that a frame completes, None while there is none."""
        body, identifier = self._body(message), message.arbitration_id
        kind = body[0] >> 4 if body else FLOW
        if kind == SINGLE:
            parts.pop(identifier, None)
            return body[1:1 + body[0]] if 0 < body[0] <= len(body) - 1 else None
        if kind == FIRST and self.settings.long_messages:
            parts[identifier] = [(body[0] & 0xF) << 8 | body[1], 1, bytearray(body[2:])]
        if kind != CONSECUTIVE or identifier not in parts:
            return None
        length, number, data = parts[identifier]
        if body[0] & 0xF != number & 0xF:
            del parts[identifier]
            return None
        data += body[1:]
        parts[identifier][1] = number + 1
        if len(data) < length:
            return None
        del parts[identifier]
        return bytes(data[:length])

    def _transmit_arbitrary(self, fields):
        """STPX: fields in any order, each once; L asks for the data at a prompt of its own."""
        found = [FIELD.fullmatch(field) for field in fields.split(',')]
        letters = [field[:1] for field in fields.split(',')]
        if None in found or len(set(letters)) < len(letters) or ('D' in letters) == ('L' in letters):
            return '?'
        header, data, length, timeout, responses = (
            next((match[group] for match in found if match[group] is not None), None) for group in range(1, 6))
        if length is not None:
            if int(length) > LONGEST_MESSAGE:
                return 'OUT OF MEMORY'
            data = self._ask_for_data(2 * int(length))
            if data is None:
                return '?'
        kept = self.settings.header, self.settings.priority
        if header is not None:
            self.settings.header = int(header[-6:], 16)
            self.settings.priority = int(header[:2], 16) & 0x1F if len(header) == 8 else self.settings.priority
        try:
            wait_s = self._answer_wait_s() if timeout is None else int(timeout) / 1000
            return self._send(bytes.fromhex(data), int(responses or 0) or None, wait_s)
        finally:
            self.settings.header, self.settings.priority = kept

    def _ask_for_data(self, digits):
        """The hex digits that the host gives at `DATA>`, None when something else comes or too little."""
        text, strange = bytearray(), []

        def take(byte):
            if len(text) < digits:
                if byte in HEX_DIGITS:
                    text.append(byte)
                elif byte not in b' \r\n':
                    strange.append(byte)
            elif byte not in b'\r\n':    # a carriage return after the last digit is not needed and does no harm
                self._interrupt(byte)
        with self._changed:
            self._sink = take
        self._log.note('<', 'DATA>')
        self._put(b'DATA>')
        self._wait(lambda: len(text) == digits or bool(strange), INCOMPLETE_LINE_S)
        self._log.note('>', f'{len(text)} digits: {text[:40].decode()}…')
        return text.decode() if len(text) == digits else None

    ST = tuple((re.compile(pattern), method) for pattern, method in (
        (r'PX(.+)', _transmit_arbitrary),
        (r'P(\d\d)', _choose_preset), (r'PBR(\d{4,7})', _bit_rate), (r'PO', _open), (r'PC', Elm327._close_protocol),
        (r'PTO(\d{1,5})', _timeout), (r'PTOT\d{1,5}', lambda self: 'OK'), (r'PTRQ\d{1,5}', lambda self: 'OK'),
        (r'CSEGR([01])', _switch('_reassembles')), (r'CSEGT([01])', _switch('_segments')),
        (r'CTOR(\d{1,5}),(\d{1,5})', _transport_timeouts), (r'CSTM(\d{1,3}(?:\.\d{1,3})?)', _extra_gap),
        (r'CAF0()', lambda self, _: self._addressing(None)), (r'CAF[12],([0-9A-F]{2})', _addressing),
        (r'C(?:FCP|AFCP?)A?([0-9A-F]{3}|[0-9A-F]{8}),([0-9A-F]{3}|[0-9A-F]{8})', _pair),
        (r'C(?:FCPC|CFCP)', _clear_pairs), (r'CMM[012]', lambda self: 'OK'),
        (r'F(?:PA|AP)([0-9A-F]{1,8}),([0-9A-F]{1,8})', _pass), (r'F(?:BA|AB)([0-9A-F]{1,8}),([0-9A-F]{1,8})', _block),
        (r'F(?:FCA|AFC)([0-9A-F]{1,8}),([0-9A-F]{1,8})', lambda self, *_: 'OK'),
        (r'F(?:AC|A|PC|BC)', _clear_filters), (r'MA?', Elm327._monitor),
        (r'VR(\d?)', _volts_exactly), (r'BRT(\d{1,5})', _rate_wait), (r'SBR(\d{3,7})', _rate_now),
        (r'BR(\d{3,7})', _rate_by_handshake),
    ))
