"""Two slcan adapters: one that acknowledges every line (LAWICEL, USBtin) and one that never does (CANable v1).

Line protocol: reference adapters C.1; the differences between the two: adapters C.2.
"""
import time

import can

BITRATES = {'0': 10_000, '1': 20_000, '2': 50_000, '3': 100_000, '4': 125_000, '5': 250_000, '6': 500_000,
            '7': 800_000, '8': 1_000_000}
HEX = frozenset('0123456789ABCDEFabcdef')
DIGITS_OF_ID = {'t': 3, 'r': 3, 'T': 8, 'R': 8}
HIGHEST_ID = {3: 0x7FF, 8: 0x1FFFFFFF}


def parse_frame(line):
    """The frame that a t, T, r or R line asks for; None when the line is not exactly one."""
    digits = DIGITS_OF_ID[line[0]]
    head = line[1:digits + 2]
    if len(head) != digits + 1 or not HEX.issuperset(line[1:]):
        return None
    identifier, dlc = int(head[:digits], 16), int(head[digits], 16)
    if identifier > HIGHEST_ID[digits] or dlc > 8:
        return None
    remote = line[0] in 'rR'
    data = line[digits + 2:]
    if len(data) != (0 if remote else 2 * dlc):
        return None
    return can.Message(arbitration_id=identifier, is_extended_id=digits == 8, is_remote_frame=remote, dlc=dlc,
                       data=bytes.fromhex(data))


def frame_text(message):
    """The line in which an adapter reports a received frame, without its carriage return."""
    verb = 'r' if message.is_remote_frame else 't'
    width = 8 if message.is_extended_id else 3
    data = '' if message.is_remote_frame else bytes(message.data).hex().upper()
    return f'{verb.upper() if message.is_extended_id else verb}{message.arbitration_id:0{width}X}{message.dlc:X}{data}'


class Adapter:
    """What both have: a port towards the host, a queue towards the wire, an open or closed channel.

    `dead` is set the moment the plug is pulled: nothing passes in either direction after it. `deaf` swallows
    what the host says. `greeting` is sent before the first answer, as what an earlier host has left behind.
    """

    RATE_AT_POWER_ON = None

    def __init__(self, wire, queue_frames, uart_baud, greeting=b''):
        self._wire = wire
        self._queue_frames = queue_frames
        self._uart_baud = uart_baud
        self.port = None
        self.dead = False
        self.deaf = False
        self._greeting = greeting
        self.is_open = False
        self.listen_only = False
        self.rate = self.RATE_AT_POWER_ON
        self.lines = 0

    def can_bitrate(self):
        """The bit rate at which the controller takes part in the bus, None while it does not."""
        return self.rate if self.is_open and not self.dead else None

    def feed(self, data):
        """Bytes from the host, on the reader thread."""
        if self.dead or self.deaf:
            return
        if self._greeting:
            greeting, self._greeting = self._greeting, b''
            self.port.write(greeting)
        if self._uart_baud is not None and self.port.baud() != self._uart_baud:
            self.port.write(bytes(byte & 0x55 | 0x80 for byte in data[:16]))     # what a UART at another rate makes of it
            return
        self._take(data)

    def on_frame(self, message):
        """A frame that the bus carried, on the wire thread."""
        if not self.dead:
            self.port.write(frame_text(message).encode() + b'\r')

    def on_sent(self, message):
        """A queued frame has reached the bus; nobody is told."""

    def details(self):
        """What `stat` tells beside what every adapter has: nothing."""
        return {}

    def close(self):
        """Leave the bus; what waits for transmission is forgotten."""
        self.is_open = False
        self._wire.flush()

    def restart(self, banner):
        """Start anew as after a dip of its supply: channel closed, bit rate forgotten, queue empty."""
        self.close()
        self.rate = self.RATE_AT_POWER_ON
        if banner:
            self.port.write(banner)

    def open(self, listen_only=False):
        """Join the bus at the rate that was chosen."""
        self.is_open, self.listen_only = True, listen_only
        self._wire.kick()

    def _take(self, data):
        raise NotImplementedError


class AckAdapter(Adapter):
    """LAWICEL manners: `\\r` or data and `\\r` for yes, BEL for no, `z\\r` and `Z\\r` for a frame that was queued."""

    LONGEST_LINE = 32
    OK, NO = b'\r', b'\x07'

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._line = bytearray()
        self._stamps = False

    def on_frame(self, message):
        if not self.dead:
            stamp = f'{int(time.monotonic() * 1000) % 60_000:04X}' if self._stamps else ''
            self.port.write(f'{frame_text(message)}{stamp}\r'.encode())

    def _take(self, data):
        for byte in data:
            if byte != 0x0D:
                if len(self._line) <= self.LONGEST_LINE:
                    self._line.append(byte)
                continue
            line, self._line = bytes(self._line), bytearray()
            self.lines += 1
            self.port.write(self._answer(line.decode('latin-1')))

    def _answer(self, line):
        if line == '':
            return self.OK               # hosts send bare carriage returns to find the start of a line
        if len(line) > self.LONGEST_LINE:
            return self.NO
        verb, rest = line[0], line[1:]
        if verb in DIGITS_OF_ID:
            return self._transmit(line)
        if verb == 'S' and not self.is_open and rest in BITRATES:
            self.rate = BITRATES[rest]
            return self.OK
        if line in ('O', 'L') and not self.is_open and self.rate is not None:
            self.open(listen_only=verb == 'L')
            return self.OK
        if line == 'C' and self.is_open:
            self.close()
            return self.OK
        if line in ('V', 'v'):
            return verb.encode() + b'0101\r'
        if line == 'N':
            return b'NCB01\r'
        if line == 'F' and self.is_open:
            return b'F%02X\r' % self._flags()
        if line in ('Z0', 'Z1') and not self.is_open:
            self._stamps = line == 'Z1'
            return self.OK
        if line == 'X1' or (verb in 'Mm' and len(rest) == 8 and HEX.issuperset(rest)):
            return self.NO if self.is_open else self.OK
        return self.NO

    def _flags(self):
        """SJA1000 style: bit 1 transmit queue full, bit 7 bus error."""
        full = 0x02 if self._wire.queued() >= self._queue_frames else 0
        return full | (0x80 if self.rate != self._wire.bitrate else 0)

    def _transmit(self, line):
        message = parse_frame(line)
        if message is None or not self.is_open or self.listen_only:
            return self.NO
        if not self._wire.offer(message, self._queue_frames):
            return self.NO
        return b'Z\r' if message.is_extended_id else b'z\r'


class NoAckAdapter(Adapter):
    """CANable v1 manners: no answer to anything but `V`, and a full queue drops without a word.

    Its line buffer is never cleared: a bare carriage return runs the line before it once more, and a
    short line is completed by the bytes that an earlier one left behind.
    """

    BUFFER_BYTES = 31
    VERSION = b'b158aa7 github.com/normaldotcom/canable-fw.git\r'
    RATES = {**BITRATES, '7': 750_000}
    RATE_AT_POWER_ON = 125_000

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._buffer = bytearray(self.BUFFER_BYTES)
        self._used = 0

    def _take(self, data):
        for byte in data:
            if byte == 0x0D:
                self._used = 0
                self.lines += 1
                self._run(self._buffer.decode('latin-1'))
                continue
            if self._used >= self.BUFFER_BYTES:
                self._used = 0
            self._buffer[self._used] = byte
            self._used += 1

    def _run(self, buffer):
        verb = buffer[0]
        if verb in DIGITS_OF_ID:
            self._transmit(buffer)
        elif verb == 'S' and not self.is_open and buffer[1] in self.RATES:
            self.rate = self.RATES[buffer[1]]
        elif verb == 'O' and not self.is_open:
            self.open()
        elif verb == 'C' and self.is_open:
            self.close()
        elif verb == 'V':
            self.port.write(self.VERSION)

    def _transmit(self, buffer):
        digits = DIGITS_OF_ID[buffer[0]]
        dlc = buffer[digits + 1]
        if dlc not in HEX or not self.is_open:
            return
        length = digits + 2 + (0 if buffer[0] in 'rR' else 2 * int(dlc, 16))
        message = parse_frame(buffer[:length])
        if message is not None:
            self._wire.offer(message, self._queue_frames)


VARIANTS = {
    'ack': {'adapter': AckAdapter, 'queueFrames': 32,
            'usb': {'vendorId': '04d8', 'productId': '000a', 'productName': 'System lane USBtin',
                    'serialNumber': 'CBSYSACK01'}},
    'no-ack': {'adapter': NoAckAdapter, 'queueFrames': 27,
               'usb': {'vendorId': 'ad50', 'productId': '60c4', 'productName': 'System lane CANable',
                       'serialNumber': 'CBSYSNOACK01'}},
}
