"""The CAN wire between the adapter and python-can's virtual bus, and the adapter's transmit queue.

The virtual bus is infinitely fast and has no bit rate. This adds both: every frame occupies the wire
for the time its bits take (data, CRC, stuff bits), the lower identifier goes first, and a controller
that is set to another bit rate neither hears nor is heard.
"""
import threading
import time
from collections import deque

import can

TRACE_FRAMES = 4000
SHORTEST_SLEEP_S = 0.0002


def frame_bits(message):
    """Bits that a classic CAN data or remote frame occupies on the wire, stuff bits and intermission included."""
    data = b'' if message.is_remote_frame else bytes(message.data)
    remote = '1' if message.is_remote_frame else '0'
    if message.is_extended_id:
        identifier = f'{message.arbitration_id:029b}'
        bits = '0' + identifier[:11] + '11' + identifier[11:] + remote + '00'
    else:
        bits = '0' + f'{message.arbitration_id:011b}' + remote + '00'
    bits += f'{message.dlc:04b}' + ''.join(f'{byte:08b}' for byte in data)
    crc = 0
    for bit in bits:
        feedback = int(bit) ^ (crc >> 14)
        crc = (crc << 1) & 0x7FFF
        if feedback:
            crc ^= 0x4599
    bits += f'{crc:015b}'
    stuffed, run, last = 0, 0, ''
    for bit in bits:
        run = run + 1 if bit == last else 1
        last = bit
        if run == 5:                 # the stuff bit is the first of the next run
            stuffed, run, last = stuffed + 1, 1, '0' if bit == '1' else '1'
    return len(bits) + stuffed + 1 + 2 + 7 + 3   # CRC delimiter, ACK and its delimiter, end of frame, intermission


class Wire:
    """One bus at `bitrate` bit/s. `watcher` is told of tester frames before and after they cross."""

    def __init__(self, channel, bitrate, watcher):
        self.bitrate = bitrate
        self._watcher = watcher
        self._bus = can.Bus(interface='virtual', channel=channel)
        self._changed = threading.Condition()
        self._from_ecus, self._from_tester = deque(), deque()
        self._adapter = None
        self._started = time.monotonic()
        self.trace = deque(maxlen=TRACE_FRAMES)
        self.counters = {'testerFrames': 0, 'ecuFrames': 0, 'offered': 0, 'dropped': 0, 'discarded': 0,
                         'queuePeak': 0, 'busErrors': 0, 'testerBusyUs': 0}
        threading.Thread(target=self._listen, name='wire-listen', daemon=True).start()
        threading.Thread(target=self._run, name='wire', daemon=True).start()

    def attach(self, adapter):
        """Connect an adapter; its transmit queue starts empty."""
        with self._changed:
            self._adapter = adapter
            self._from_tester.clear()
            self._changed.notify()

    def detach(self):
        """The adapter lost its power: what its queue held is gone."""
        with self._changed:
            self._adapter = None
            self.counters['discarded'] += len(self._from_tester)
            self._from_tester.clear()

    def kick(self):
        """The adapter changed its mode or rate: look at the queue again."""
        with self._changed:
            self._changed.notify()

    def offer(self, message, limit):
        """Put a frame into the adapter's transmit queue of `limit` slots; False when there is no slot."""
        with self._changed:
            self.counters['offered'] += 1
            if self._adapter is None or len(self._from_tester) >= limit:
                self.counters['dropped'] += 1
                return False
            self._from_tester.append(message)
            self.counters['queuePeak'] = max(self.counters['queuePeak'], len(self._from_tester))
            if not self._adapter_on_bus():
                self.counters['busErrors'] += 1      # no node acknowledges: the frame stays at the head for ever
            self._changed.notify()
            return True

    def flush(self):
        """The channel was closed: the controller forgets what waits."""
        with self._changed:
            self.counters['discarded'] += len(self._from_tester)
            self._from_tester.clear()

    def queued(self):
        """Frames that wait in the adapter's transmit queue."""
        with self._changed:
            return len(self._from_tester)

    def _adapter_on_bus(self):
        return self._adapter is not None and self._adapter.can_bitrate() == self.bitrate

    def _listen(self):
        while True:
            message = self._bus.recv()
            with self._changed:
                self._from_ecus.append(message)
                self._changed.notify()

    def _next(self):
        """The frame that wins the arbitration, and whether the tester sent it; None while there is none."""
        tester = self._from_tester[0] if self._from_tester and self._adapter_on_bus() else None
        ecu = self._from_ecus[0] if self._from_ecus else None
        if tester is None and ecu is None:
            return None
        if ecu is None or (tester is not None and tester.arbitration_id < ecu.arbitration_id):
            return self._from_tester.popleft(), True
        return self._from_ecus.popleft(), False

    def _run(self):
        free_at = time.monotonic()
        while True:
            with self._changed:
                found = self._next()
                if found is None:
                    self._changed.wait_for(lambda: self._from_ecus or (self._from_tester and self._adapter_on_bus()))
                    free_at = time.monotonic()       # the wire was idle; a backlog instead keeps its schedule
                    continue
            message, by_tester = found
            duration = frame_bits(message) / self.bitrate
            free_at += duration
            wait = free_at - time.monotonic()
            if wait > SHORTEST_SLEEP_S:
                time.sleep(wait)
            if by_tester:
                self._carry_tester_frame(message, duration)
            else:
                self._carry_ecu_frame(message)

    def _carry_tester_frame(self, message, duration):
        if not self._watcher.before_tester_frame(message):
            return
        self._note('>', message)
        self.counters['testerFrames'] += 1
        self.counters['testerBusyUs'] += round(duration * 1e6)
        self._bus.send(message)
        self._watcher.after_tester_frame(message)
        with self._changed:
            adapter = self._adapter
        if adapter is not None:
            adapter.on_sent(message)

    def _carry_ecu_frame(self, message):
        self._note('<', message)
        self.counters['ecuFrames'] += 1
        with self._changed:
            adapter = self._adapter if self._adapter_on_bus() else None
        if adapter is not None:
            adapter.on_frame(message)

    def _note(self, direction, message):
        at_ms = round((time.monotonic() - self._started) * 1000, 3)
        self.trace.append(f'@{at_ms} {direction} {message.arbitration_id:X} {bytes(message.data).hex(" ").upper()}')
