"""A command interpreter on a serial line: what ELM327 and STN devices have in common below their commands.

Reference adapters A.1: commands end with a carriage return, each ends with a prompt, a byte before the prompt
stops what runs, and a bare carriage return runs the last command again. Bytes take the time that the line's rate
gives them, in both directions, and an end at another rate hears rubbish.
"""
import threading
import time
from collections import deque

from lane.uart import BITS_PER_BYTE, resampled, same_rate

CR, LF, NUL = 0x0D, 0x0A, 0x00
INCOMPLETE_LINE_S = 20.0
SLICE_S = 0.002              # bytes reach the host in packets, as through a USB bridge
SHORTEST_SLEEP_S = 0.0002
LOG_LINES = 2000
LONGEST_WAIT_S = 3600.0


class Stopped(Exception):
    """A byte of the host came while a command ran."""


class Interrupted(Exception):
    """The device restarted or lost its power while a command ran: nothing more is said of it."""


class Log:
    """The last lines of the serial conversation, over all pluggings-in: '@ms > ATI' from the host, '<' to it."""

    def __init__(self):
        self._started = time.monotonic()
        self.lines = deque(maxlen=LOG_LINES)

    def note(self, direction, text):
        """One command, one line of an answer, or what happened ('!')."""
        self.lines.append(f'@{round((time.monotonic() - self._started) * 1000)} {direction} {text}')


class Interpreter:
    """The program of one plugged-in device. Subclasses give `_run(command)`, `_power_on()` and `_identification()`.

    `traits` describes the variant (lane/adapters.py). `emit(event)` tells the test what it must never see:
    `repeat` when a bare carriage return ran a command again, `stopped` when a byte stopped one.
    Its bytes are taken on one thread, its commands run on another, and frames arrive on the wire's.
    """

    def __init__(self, wire, traits, vehicle, emit, log, greeting=b''):
        self._wire, self._traits, self._vehicle, self._emit, self._log = wire, traits, vehicle, emit, log
        self.port = None
        self.deaf = False
        self.lines = self.repeats = self.stops = 0
        self.baud = self._baud_at_power_on = traits['baud']
        self._dead = False
        self._greeting = greeting
        self._changed = threading.Condition()
        self._write_lock = threading.Lock()
        self._incoming = deque()
        self._line, self._line_at, self._garbled = bytearray(), 0.0, False
        self._command = None         # a complete line that waits to be run
        self._last = ''
        self._running = ''
        self._busy = self._stop = False
        self._banner = None          # said as soon as what runs has been given up
        self._sink = None            # takes the host's bytes instead of the command line
        self._power_on()
        for name, run in (('interpreter-in', self._take_in), ('interpreter', self._work)):
            threading.Thread(target=run, name=name, daemon=True).start()

    # What a variant is made of.

    def _run(self, command):
        raise NotImplementedError

    def _power_on(self):
        raise NotImplementedError

    def _identification(self):
        raise NotImplementedError

    # What the device process sees.

    @property
    def dead(self):
        """The plug is pulled: nothing passes in either direction."""
        return self._dead

    @dead.setter
    def dead(self, dead):
        self._dead = dead
        with self._changed:
            self._changed.notify_all()

    def details(self):
        """What `stat` tells beside what every adapter has."""
        return {'deviceBaud': self.baud, 'repeats': self.repeats, 'stops': self.stops}

    def restart(self, banner):
        """Start anew as after a dip of its supply: every setting lost, what ran given up; says its name, or `banner`."""
        with self._changed:
            self._banner = banner.decode('latin-1') or f'\r\r{self._identification()}\r\r>'
            self._changed.notify_all()

    def feed(self, data):
        """Bytes from the host, on the reader thread."""
        if self.dead or self.deaf:
            return
        with self._changed:
            self._incoming.append((data, self.port.baud()))
            self._changed.notify_all()

    # The way in.

    def _take_in(self):
        free_at = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._incoming or self._dead)
                if self._dead:
                    return
                data, host_baud = self._incoming.popleft()
            heard = resampled(data, host_baud, self.baud)
            garbled = not same_rate(host_baud, self.baud)
            if garbled:
                self._log.note('!', f'{len(data)} bytes at {host_baud} bit/s heard at {self.baud}: {heard.hex(" ")}')
            took_s = len(data) * BITS_PER_BYTE / host_baud
            free_at = max(free_at, time.monotonic())
            for byte in heard:
                free_at += took_s / len(heard)
                self._sleep_until(free_at)
                self._take(byte, garbled)

    @staticmethod
    def _sleep_until(moment):
        wait = moment - time.monotonic()
        if wait > SHORTEST_SLEEP_S:
            time.sleep(wait)

    def _take(self, byte, garbled):
        if self.dead or self.deaf:
            return
        if self._greeting:
            greeting, self._greeting = self._greeting, b''
            self._put(greeting)
        with self._changed:
            if self._sink is not None:
                self._sink(byte)
                self._changed.notify_all()
                return
            if self._busy:
                self._interrupt(byte)
                return
        if byte in (NUL, LF):
            return
        if self._echoes():
            self._put(bytes([byte]) + (b'\n' if byte == CR and self._feeds_lines() else b''))
        if byte != CR:
            if len(self._line) <= self._traits['lineLimit']:
                self._line.append(byte)
            self._garbled = self._garbled or garbled
            self._line_at = time.monotonic()
            return
        line, self._line = bytes(self._line), bytearray()
        was_garbled, self._garbled = self._garbled or garbled, False
        self.lines += 1
        with self._changed:
            self._busy, self._stop = True, False
            self._command = self._meant(line, was_garbled)
            self._changed.notify_all()

    def _meant(self, line, garbled):
        """The command of a line: without blanks, in capitals; that of the line before when it is empty."""
        command = ''.join(chr(byte) for byte in line if 0x20 < byte < 0x7F).upper()
        if len(line) > self._traits['lineLimit']:
            command = '?'                        # more than the buffer holds is nothing it knows
        self._log.note('>', command)
        if command:
            self._last = command
            return command
        if line and any(byte not in b' ' for byte in line):
            return '?'                           # only bytes that are no text
        self.repeats += 1
        self._log.note('!', f'repeats {self._last}')
        self._emit({'event': 'repeat', 'command': self._last, 'garbled': garbled})
        return self._last or '?'

    def _interrupt(self, byte):
        """A byte before the prompt: it is lost, and stops what runs. The caller holds the lock."""
        if not self._stop:
            self._stop = True
            self.stops += 1
            self._log.note('!', f'byte {byte:02X} stops {self._running or self._command}')
            self._emit({'event': 'stopped', 'command': self._running or self._command, 'byte': f'{byte:02X}'})
        self._changed.notify_all()

    # The way out.

    def _echoes(self):
        raise NotImplementedError

    def _feeds_lines(self):
        raise NotImplementedError

    def _put(self, data):
        """Bytes onto the line, at the pace of the device's rate."""
        per_slice = max(1, int(SLICE_S * self.baud / BITS_PER_BYTE))
        with self._write_lock:
            free_at = time.monotonic()
            for start in range(0, len(data), per_slice):
                piece = data[start:start + per_slice]
                free_at += len(piece) * BITS_PER_BYTE / self.baud
                self._sleep_until(free_at)
                if self.dead or self.deaf:
                    return
                self.port.write(resampled(piece, self.baud, self.port.baud()))

    def _say(self, text, end='\r'):
        """One line to the host; stops where the host said so."""
        self._check()
        self._log.note('<', text)
        self._put((text + end + ('\n' if self._feeds_lines() and end == '\r' else '')).encode('latin-1'))

    def _prompt(self):
        end = b'\r\n>' if self._feeds_lines() else b'\r>'
        self._put(end[:-1])
        with self._changed:              # the host may answer the prompt before the write of it returns
            self._running, self._busy, self._stop = '', False, False
        self._put(end[-1:])

    # Running commands.

    def _check(self):
        """Raises when what runs must end."""
        if self._dead or self._banner is not None:
            raise Interrupted
        if self._stop:
            raise Stopped

    def _wait(self, happened, limit_s):
        """Waits until `happened()`, whose value it returns, at most `limit_s`; ends early as `_check` says."""
        def over():
            return self._dead or self._banner is not None or self._stop or happened()
        with self._changed:
            self._changed.wait_for(over, min(max(0.0, limit_s), LONGEST_WAIT_S))
            found = happened()
        self._check()
        return found

    def _pause(self, seconds):
        """Time that the device needs for itself and in which it cannot be stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._dead or self._banner is not None, seconds)
        if self._dead or self._banner is not None:
            raise Interrupted

    def _work(self):
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._dead or self._banner is not None or self._command is not None, 1.0)
                if self._dead:
                    return
                banner, command = self._banner, self._command
                self._command = None
            if banner is not None:
                self._start_anew(banner)
            elif command is not None:
                self._perform(command)
            elif self._line and time.monotonic() - self._line_at > INCOMPLETE_LINE_S:
                self._line = bytearray()
                self._put(b'?\r\r>')

    def _perform(self, command):
        self._running = command
        try:
            time.sleep(self._traits['turnaroundMs'] / 1000)
            self._run(command)
            self._check()                # a byte that came while the last line was printed
        except Interrupted:
            return
        except Stopped:
            self._log.note('<', 'STOPPED')
            self._put(b'STOPPED\r')
        finally:
            self._sink = None
            self._idle()
        self._prompt()

    def _idle(self):
        """What runs has ended, however it ended."""

    def _start_anew(self, banner):
        with self._changed:
            self._banner = self._command = None
            self._line = bytearray()
            self._last, self._running = '', ''
        self.baud = self._baud_at_power_on
        self._power_on()
        self._log.note('<', banner.strip('\r>'))
        with self._changed:
            self._busy = self._stop = False
        self._put(banner.encode('latin-1'))
