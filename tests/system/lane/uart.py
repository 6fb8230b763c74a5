"""An asynchronous serial line, 8N1, of which both ends may run at different rates.

A pseudo-terminal carries bytes whatever rate its ends believe in. This puts the bytes on a line as bits and
samples them as a receiver at another rate does, so that a wrong rate gives the rubbish that a real one gives.
"""

BITS_PER_BYTE = 10           # start, 8 data, stop
TOLERANCE = 0.03             # a receiver's middle of the stop bit is still inside it


def same_rate(one, other):
    """Whether two rates in bit/s understand each other."""
    return abs(one - other) <= TOLERANCE * other


def resampled(data, sent_at, heard_at):
    """What a receiver at `heard_at` bit/s makes of bytes that left at `sent_at` bit/s, back to back on an idle line."""
    if same_rate(sent_at, heard_at):
        return bytes(data)
    line = [level for byte in data for level in (0, *(byte >> bit & 1 for bit in range(8)), 1)]

    def level(seconds):
        index = int(seconds * sent_at)
        return line[index] if index < len(line) else 1

    heard, step, at = bytearray(), 1 / heard_at, 0.0
    end = len(line) / sent_at
    while at < end:
        if level(at):                            # idle: the next falling edge begins a byte
            at = (int(at * sent_at) + 1.000001) / sent_at
            continue
        samples = [level(at + (bit + 0.5) * step) for bit in range(BITS_PER_BYTE)]
        if samples[0] == 0:
            heard.append(sum(sample << bit for bit, sample in enumerate(samples[1:9])))
        at += (BITS_PER_BYTE - 0.5) * step
        while at < end and not level(at):        # no stop bit: wait until the line is idle again
            at = (int(at * sent_at) + 1.000001) / sent_at
    return bytes(heard)
