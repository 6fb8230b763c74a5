"""What a test wants to go wrong: cuts at a chosen frame or answer, and ECUs that are silent, slow, busy or refuse.

A rule applies to requests of one ECU, narrowed by `sid` and `did` (hex text), after `skip` matching
requests, for `count` of them (1 unless told). A cut applies once.
"""
import threading

# kind → the fields it needs beside ecu
KINDS = {
    'cut-frame': ('frame',),         # adapter unplugged when `frame` frames of the request have crossed the wire
    'reset-frame': ('frame',),       # the adapter starts anew at that moment
    'hang-frame': ('frame',),        # the adapter takes everything and passes on nothing from that moment
    'cut-executed': (),              # adapter unplugged when the ECU has executed, before its answer leaves
    'ignore': (),                    # the request is not executed and not answered
    'lose-answer': (),               # executed, not answered
    'delay': ('ms',),                # executed, answered `ms` later
    'pending': ('times', 'ms'),      # `times` × NRC 78, one every `ms`, then executed and answered
    'nrc': ('nrc',),                 # not executed, answered with this code
}


class Rule:
    """One rule as the test wrote it, checked."""

    def __init__(self, fields, ecu_names):
        kind = fields.get('kind')
        if kind not in KINDS:
            raise ValueError(f'unknown rule {kind!r}: one of {", ".join(KINDS)}')
        missing = [name for name in KINDS[kind] if name not in fields]
        if missing:
            raise ValueError(f'rule {kind} needs {", ".join(missing)}')
        unknown = set(fields) - {'kind', 'ecu', 'sid', 'did', 'skip', 'count', *KINDS[kind]}
        if unknown:
            raise ValueError(f'rule {kind} has unknown fields {", ".join(sorted(unknown))}')
        if fields.get('ecu') not in ecu_names:
            raise ValueError(f'no ECU {fields.get("ecu")!r}')
        self.kind, self.ecu, self.fields = kind, fields['ecu'], fields
        is_once = kind.startswith(('cut', 'reset', 'hang'))
        default_sid = '2E' if is_once else None
        sid = fields.get('sid', default_sid)
        self.sid = None if sid is None else int(sid, 16)
        self.did = None if 'did' not in fields else bytes.fromhex(fields['did'])
        self.skip = fields.get('skip', 0)
        self.left = 1 if is_once else fields.get('count', 1)

    def matches(self, request):
        """Whether a request (its first bytes suffice) is meant."""
        if self.sid is not None and request[:1] != bytes([self.sid]):
            return False
        return self.did is None or request[1:3] == self.did


class Rules:
    """All rules in force, and the watcher of the wire that carries out what happens at a frame.

    `cut(event)` must silence the adapter at once and may unplug it later; `reset(event)` restarts it,
    `hang(event)` makes it deaf.
    """

    def __init__(self, specs, cut, reset, hang, emit):
        self._lock = threading.Lock()
        self._rules = []
        self._names = {spec.request_id: spec.name for spec in specs}
        self._cut, self._emit = cut, emit
        self._at_frame = {'cut-frame': ('cut', cut), 'reset-frame': ('reset', reset), 'hang-frame': ('hang', hang)}
        self._running = {}           # request id → (rule, frames seen, frames of the request)

    def add(self, fields):
        """Add a rule; ValueError names what is wrong with it."""
        rule = Rule(fields, set(self._names.values()))
        with self._lock:
            self._rules.append(rule)

    def clear(self):
        """Forget all rules."""
        with self._lock:
            self._rules.clear()
            self._running.clear()

    def pending(self):
        """The rules that have not been used up."""
        with self._lock:
            return [rule.fields for rule in self._rules]

    def take(self, kinds, ecu, request):
        """The first rule of these kinds that this request uses, None when there is none."""
        with self._lock:
            for rule in self._rules:
                if rule.kind not in kinds or rule.ecu != ecu or not rule.matches(request):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.left -= 1
                if rule.left == 0:
                    self._rules.remove(rule)
                return rule
        return None

    def executed(self, ecu, request):
        """The ECU has executed and stored; its answer is about to leave."""
        rule = self.take(('cut-executed',), ecu, request)
        if rule is not None:
            self._cut({'event': 'cut', 'kind': rule.kind, 'ecu': ecu, 'request': request.hex().upper()})

    def before_tester_frame(self, message):
        """False when the adapter died before this frame reached the bus."""
        name, data = self._names.get(message.arbitration_id), bytes(message.data)
        if name is None or not data:
            return True
        kind = data[0] >> 4
        if kind in (0, 1):           # a single or first frame starts a request, whatever ran before
            self._running.pop(message.arbitration_id, None)
            request = data[1 + kind:]
            rule = self.take(self._at_frame, name, request)
            if rule is None:
                return True
            length = ((data[0] & 0xF) << 8 | data[1]) if kind == 1 else data[0] & 0xF
            total = 1 + (max(0, length - 6) + 6) // 7 if kind == 1 else 1
            if rule.fields['frame'] >= total:
                self._emit({'event': 'cut-refused', 'ecu': name, 'frame': rule.fields['frame'], 'total': total})
                return True
            if rule.fields['frame'] == 0:
                self._act_at(rule, 0, total)
                return False
            self._running[message.arbitration_id] = [rule, 0, total]
        return True

    def after_tester_frame(self, message):
        """This frame has reached the bus."""
        running = self._running.get(message.arbitration_id)
        if running is None or bytes(message.data)[0] >> 4 == 3:      # the tester's flow control is no part of a request
            return
        running[1] += 1
        rule, seen, total = running
        if seen == rule.fields['frame']:
            del self._running[message.arbitration_id]
            self._act_at(rule, seen, total)

    def _act_at(self, rule, frame, total):
        event, act = self._at_frame[rule.kind]
        act({'event': event, 'kind': rule.kind, 'ecu': rule.ecu, 'frame': frame, 'total': total})
