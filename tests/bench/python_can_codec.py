"""Times python-can's own slcan codec in one process, without a device: P3's peer.

stdin: slcan lines (CR), the same frames as the other codecs get. stdout: one line of JSON.
argv: rounds.
"""

import json
import sys
import time

from can.interfaces.slcan import slcanBus


class Line:
    """What slcanBus needs of a serial port; costs as little as it can."""

    write_timeout = None
    timeout = None
    in_waiting = 0

    def __init__(self):
        self.bytes_written = 0

    def write(self, data):
        self.bytes_written += len(data)

    def flush(self):
        pass

    def read(self):
        return b""

    def close(self):
        pass


def main():
    rounds = int(sys.argv[1])
    text = sys.stdin.buffer.read()
    lines = [line + b"\r" for line in text.split(b"\r") if line]
    bus = slcanBus.__new__(slcanBus)
    bus.serialPortOrig = Line()
    bus._buffer = bytearray()
    bus._is_shutdown = True
    encode, decode, messages = [], [], []
    for _ in range(rounds):
        messages = []
        start = time.perf_counter()
        for line in lines:
            bus._buffer += line
            messages.append(bus._recv_internal(0)[0])
        decode.append(time.perf_counter() - start)
        bus.serialPortOrig.bytes_written = 0
        start = time.perf_counter()
        for message in messages:
            bus.send(message)
        encode.append(time.perf_counter() - start)
    median = lambda values: sorted(values)[len(values) // 2] * 1e6 / len(lines)
    print(
        json.dumps(
            {
                "frames": len(messages),
                "bytes": bus.serialPortOrig.bytes_written,
                "sum": sum((m.arbitration_id & 0xFF) + m.data[0] + m.data[-1] + len(m.data) for m in messages),
                "encodeUs": median(encode),
                "decodeUs": median(decode),
            }
        )
    )


main()
