"""The services of an ECU: what each request does and every reason to refuse it, in the order of the checks.

Order (reference diagnostics I): known service 11 → allowed in this session 7F → minimum length 13 →
sub-function 12, in session 7E, in sequence 24 → identifier 31 → exact length 13 → security 33 →
conditions 92, 93 → value 31 → execute. Answers are scapy's UDS packets.
"""
import random
import time

from scapy.contrib.automotive.uds import (UDS, UDS_CDTCIPR, UDS_CDTCSPR, UDS_DSCPR, UDS_ERPR, UDS_RDBI, UDS_RDBIPR,
                                          UDS_RDTCIPR, UDS_SAPR, UDS_TPPR, UDS_WDBI, UDS_WDBIPR)

from lane import car

DEFAULT, EXTENDED = 0x01, 0x03
S3_SERVER_S = 5.0
TIMING = bytes.fromhex('003201F4')           # P2 50 ms, P2* 5000 ms
KEY_MASK = 0xA5A5A5A5                        # a demonstration algorithm: key = seed XOR this
WRONG_KEYS_ALLOWED = 1                       # the second wrong key locks
STATUS_AVAILABILITY = 0x7F
ALL_GROUPS = 0xFFFFFF
MOST_DIDS = 8
LOWEST_MV, HIGHEST_MV = 9_000, 16_000


class Negative(Exception):
    """A refusal with its negative response code."""

    def __init__(self, code):
        super().__init__(f'negative response {code:02X}')
        self.code = code


class Volatile:
    """What an ECU forgets when it loses its power or its session; the count of wrong keys and its delay stay."""

    def __init__(self, lockout_s):
        self.lockout_s = lockout_s
        self.wrong_keys = 0
        self.locked_until = 0.0
        self._random = random.Random(0xC0DEBA)
        self.power_on()

    def power_on(self):
        """Back to the state after a reset. A delay that was running starts again."""
        self.reset_due = False
        if self.wrong_keys > WRONG_KEYS_ALLOWED:
            self.locked_until = time.monotonic() + self.lockout_s
        self.enter(DEFAULT)

    def enter(self, session):
        """Start a session: it is locked, and its prelude has not been written."""
        self.session, self.unlocked, self.seed, self.prelude = session, False, None, set()
        if session == DEFAULT:
            self.dtc_setting = True
        self.request_done()

    def request_done(self):
        """Restart S3server."""
        self._session_ends = time.monotonic() + S3_SERVER_S

    def seconds_to_session_end(self):
        """Until the ECU falls back to the default session; None when it is there."""
        return None if self.session == DEFAULT else max(0.0, self._session_ends - time.monotonic())

    def end_session_if_due(self):
        """Fall back to the default session after S3server without a request."""
        if self.seconds_to_session_end() == 0.0:
            self.enter(DEFAULT)

    def new_seed(self):
        """A seed that is not zero; the same sequence in every run."""
        self.seed = self._random.randrange(1, 1 << 32)
        return self.seed.to_bytes(4, 'big')

    def delay_left_s(self):
        """Seconds until security access may be tried again."""
        return max(0.0, self.locked_until - time.monotonic())


def execute(request, spec, memory, volatile, vehicle):
    """Carry out a request and return the positive answer; raises Negative. Effects are stored on return."""
    service = SERVICES.get(request[0])
    if service is None:
        raise Negative(0x11)
    handler, sessions, shortest = service
    if volatile.session not in sessions:
        raise Negative(0x7F)
    if len(request) < shortest:
        raise Negative(0x13)
    return handler(UDS(request), request, spec, memory, volatile, vehicle)


def _sub_function(request, known):
    value = request[1] & 0x7F
    if value not in known:
        raise Negative(0x12)
    return value


def _exact(request, length):
    if len(request) != length:
        raise Negative(0x13)


def _session_control(_packet, request, _spec, _memory, volatile, _vehicle):
    session = _sub_function(request, (DEFAULT, EXTENDED))
    _exact(request, 2)
    volatile.enter(session)
    return UDS() / UDS_DSCPR(diagnosticSessionType=session, sessionParameterRecord=TIMING)


def _reset(_packet, request, _spec, _memory, volatile, _vehicle):
    kind = _sub_function(request, (0x01, 0x02, 0x03))
    _exact(request, 2)
    volatile.reset_due = True
    return UDS() / UDS_ERPR(resetType=kind)


def _clear(packet, request, _spec, memory, _volatile, _vehicle):
    _exact(request, 4)
    group = packet.groupOfDTCHighByte << 16 | packet.groupOfDTCMiddleByte << 8 | packet.groupOfDTCLowByte
    if group != ALL_GROUPS:
        raise Negative(0x31)
    memory.clear_dtcs()
    return UDS() / UDS_CDTCIPR()


def _read_dtcs(packet, request, _spec, memory, _volatile, _vehicle):
    report = _sub_function(request, (0x01, 0x02))
    _exact(request, 3)
    mask = packet.DTCStatusMask & STATUS_AVAILABILITY
    found = {code: status for code, status in memory.dtcs().items() if status & mask}
    if report == 0x01:
        return UDS() / UDS_RDTCIPR(reportType=report, DTCStatusAvailabilityMask=STATUS_AVAILABILITY,
                                   DTCFormatIdentifier=1, DTCCount=len(found))
    records = b''.join(code.to_bytes(3, 'big') + bytes([status]) for code, status in found.items())
    return UDS() / UDS_RDTCIPR(reportType=report, DTCStatusAvailabilityMask=STATUS_AVAILABILITY,
                               DTCAndStatusRecord=records)


def _read(packet, request, spec, memory, volatile, vehicle):
    if len(request) % 2 != 1 or len(request) > 1 + 2 * MOST_DIDS:
        raise Negative(0x13)
    values = [(did, _value(did, spec, memory, volatile, vehicle)) for did in packet[UDS_RDBI].identifiers]
    known = [(did, value) for did, value in values if value is not None]
    if not known:
        raise Negative(0x31)
    first, value = known[0]
    rest = b''.join(did.to_bytes(2, 'big') + more for did, more in known[1:])
    return UDS() / UDS_RDBIPR(dataIdentifier=first) / (value + rest)


def _value(did, spec, memory, volatile, vehicle):
    if did == car.ACTIVE_SESSION:
        return bytes([volatile.session])
    if did == car.SUPPLY_VOLTAGE and spec is car.GATEWAY:
        return vehicle.millivolts.to_bytes(2, 'big')
    return memory.read(did)


def _security(packet, request, _spec, _memory, volatile, _vehicle):
    level = _sub_function(request, (0x03, 0x04))
    if level == 0x03:
        _exact(request, 2)
        if volatile.unlocked:
            return UDS() / UDS_SAPR(securityAccessType=level, securitySeed=bytes(4))
        if volatile.delay_left_s() > 0:
            raise Negative(0x37)
        if volatile.wrong_keys > WRONG_KEYS_ALLOWED:
            volatile.wrong_keys = 0          # the delay has passed
        return UDS() / UDS_SAPR(securityAccessType=level, securitySeed=volatile.new_seed())
    if volatile.seed is None:
        raise Negative(0x24)
    _exact(request, 6)
    seed, volatile.seed = volatile.seed, None
    if int.from_bytes(request[2:6], 'big') != seed ^ KEY_MASK:
        volatile.wrong_keys += 1
        if volatile.wrong_keys <= WRONG_KEYS_ALLOWED:
            raise Negative(0x35)
        volatile.locked_until = time.monotonic() + volatile.lockout_s
        raise Negative(0x36)
    volatile.wrong_keys, volatile.unlocked = 0, True
    return UDS() / UDS_SAPR(securityAccessType=level)


def _write(packet, request, spec, memory, volatile, vehicle):
    did, value = packet[UDS_WDBI].dataIdentifier, request[3:]
    if did not in spec.writable:
        raise Negative(0x31)
    old = memory.read(did)
    _exact(request, 3 + len(old))
    if did == car.CODING and spec.needs_unlock and not volatile.unlocked:
        raise Negative(0x33)
    if vehicle.millivolts < LOWEST_MV:
        raise Negative(0x93)
    if vehicle.millivolts > HIGHEST_MV:
        raise Negative(0x92)
    _check_value(did, value, spec, volatile)
    coded = did == car.CODING and spec.needs_prelude
    memory.write(did, value, also={car.CODING_SHOP_CODE: memory.read(car.SHOP_CODE)} if coded else None)
    volatile.prelude.add(did)
    return UDS() / UDS_WDBIPR(dataIdentifier=did)


def _check_value(did, value, spec, volatile):
    if did == car.PROGRAMMING_DATE:
        text = value.hex()
        if not text.isdigit() or not 1 <= int(text[2:4]) <= 12 or not 1 <= int(text[4:6]) <= 31:
            raise Negative(0x31)
    elif did == car.SHOP_CODE:
        if value in (bytes(6), b'\xFF' * 6):
            raise Negative(0x31)
    elif did == car.CODING:
        if spec.needs_prelude and not {car.PROGRAMMING_DATE, car.SHOP_CODE} <= volatile.prelude:
            raise Negative(0x31)
        if any(value[byte] != only for byte, only in spec.constant.items()):
            raise Negative(0x31)
        if any(option.raw(value) not in option.allowed for option in spec.options):
            raise Negative(0x31)


def _tester_present(_packet, request, _spec, _memory, _volatile, _vehicle):
    _sub_function(request, (0x00,))
    _exact(request, 2)
    return UDS() / UDS_TPPR(zeroSubFunction=0)


def _dtc_setting(_packet, request, _spec, _memory, volatile, _vehicle):
    setting = _sub_function(request, (0x01, 0x02))
    if len(request) not in (2, 5):
        raise Negative(0x13)
    if len(request) == 5 and request[2:] != b'\xFF\xFF\xFF':
        raise Negative(0x31)
    volatile.dtc_setting = setting == 0x01
    return UDS() / UDS_CDTCSPR(DTCSettingType=setting)


BOTH, ONLY_EXTENDED = (DEFAULT, EXTENDED), (EXTENDED,)
# SID → handler, the sessions it is allowed in, the shortest request
SERVICES = {
    0x10: (_session_control, BOTH, 2),
    0x11: (_reset, BOTH, 2),
    0x14: (_clear, BOTH, 4),
    0x19: (_read_dtcs, BOTH, 2),
    0x22: (_read, BOTH, 3),
    0x27: (_security, ONLY_EXTENDED, 2),
    0x2E: (_write, ONLY_EXTENDED, 4),
    0x3E: (_tester_present, BOTH, 2),
    0x85: (_dtc_setting, ONLY_EXTENDED, 2),
}
