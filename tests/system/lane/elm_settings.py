"""What an ELM327 can be told by commands that only set something, and what it holds after power-up.

Reference adapters A.3. Each entry names the version that brought it; an older device, or a variant that lacks it,
answers `?`.
"""
import re
from dataclasses import dataclass, field

V1_4B, V2_0, V2_1 = 1.45, 2.0, 2.1
TIMER_TICK_S = 0.004096

# number → (bit/s, 29-bit identifiers); the other protocols are no CAN
CAN_PROTOCOLS = {'6': (500_000, False), '7': (500_000, True), '8': (250_000, False), '9': (250_000, True),
                 'A': (250_000, True), 'B': (125_000, False), 'C': (50_000, False)}
PROTOCOL_NAMES = {'0': 'AUTO', '1': 'SAE J1850 PWM', '2': 'SAE J1850 VPW', '3': 'ISO 9141-2',
                  '4': 'ISO 14230-4 (KWP 5BAUD)', '5': 'ISO 14230-4 (KWP FAST)', '6': 'ISO 15765-4 (CAN 11/500)',
                  '7': 'ISO 15765-4 (CAN 29/500)', '8': 'ISO 15765-4 (CAN 11/250)', '9': 'ISO 15765-4 (CAN 29/250)',
                  'A': 'SAE J1939 (CAN 29/250)', 'B': 'USER1 (CAN 11/125)', 'C': 'USER2 (CAN 11/50)'}
# programmable parameters: number → value as delivered, none of them switched on
PARAMETERS = {**dict.fromkeys(range(0x30), 0xFF), 0x03: 0x32, 0x07: 0x09, 0x09: 0x00, 0x0C: 0x68, 0x26: 0x00, 0x2A: 0x3C,
              0x2C: 0xE0, 0x2D: 0x04, 0x2E: 0x80, 0x2F: 0x0A}
LINE_RATE, USUAL_RATE = 0x0C, 38_400
FILLER, CAN_CHECKS, DEFAULT_TIMEOUT, SILENT_MONITORING = 0x26, 0x2A, 0x03, 0x21
STILL_WAIT_AFTER_PENDING = 0x04          # bit 2 of CAN_CHECKS


@dataclass
class Settings:
    """Everything that a reset brings back. Header, filter and flow control as the host gave them, None while it did not."""

    echo: bool = True
    linefeeds: bool = False
    headers: bool = False
    spaces: bool = True
    responses: bool = True
    auto_format: bool = True
    flow_control: bool = True
    variable_dlc: bool = False
    show_dlc: bool = False
    long_messages: bool = False
    silent_monitoring: bool = True
    adaptive: int = 1
    timer_ticks: int = 0x32
    timer_factor: int = 1
    protocol: str = '0'
    automatic: bool = True
    header: int | None = None
    priority: int = 0x18
    extended_address: int | None = None
    filter: int | None = None
    mask: int | None = None
    fc_header: int | None = None
    fc_data: bytes | None = None
    fc_mode: int = 0
    user_protocols: dict = field(default_factory=dict)

    def can(self):
        """(bit/s, 29-bit identifiers) of the protocol, None for one that is no CAN or not chosen yet."""
        return self.user_protocols.get(self.protocol) or CAN_PROTOCOLS.get(self.protocol)

    def timeout_s(self):
        """How long the device waits for an answer."""
        return self.timer_ticks * TIMER_TICK_S * self.timer_factor

    def identifier(self):
        """The identifier of what is sent."""
        if self.can()[1]:
            low = 0xDB33F1 if self.header is None else self.header & 0xFFFFFF
            return self.priority << 24 | low
        return 0x7DF if self.header is None else self.header & 0x7FF

    def accepts(self, message, everything=False):
        """Whether a frame passes the filter; without one, the range of the legislated answers, or everything."""
        wide = self.can()[1]
        if message.is_extended_id != wide:
            return False
        if self.filter is None and self.mask is None:
            if everything:
                return True
            value, mask = (0x18DAF100, 0x1FFFFF00) if wide else (0x7E8, 0x7F8)
        else:
            full = 0x1FFFFFFF if wide else 0x7FF
            value, mask = self.filter or 0, full if self.mask is None else self.mask
        return message.arbitration_id & mask == value & mask


def _on(name):
    return lambda settings, digit: setattr(settings, name, digit == '1')


def _set(name, value):
    return lambda settings: setattr(settings, name, value)


def _hex(name):
    return lambda settings, digits: setattr(settings, name, int(digits, 16))


def _receive(settings, digits):
    """CRA: an identifier, X for a digit that does not matter."""
    settings.filter = int(digits.replace('X', '0'), 16)
    settings.mask = int(''.join('0' if digit == 'X' else 'F' for digit in digits), 16)
    settings.mask &= 0x7FF if len(digits) == 3 else 0x1FFFFFFF


def _receive_default(settings):
    settings.filter = settings.mask = None


def _header(settings, digits):
    if len(digits) == 8:
        settings.priority = int(digits[:2], 16) & 0x1F
    settings.header = int(digits[-6:], 16)


def _fc_data(settings, digits):
    settings.fc_data = bytes.fromhex(digits)


def _fc_mode(settings, digit):
    needs = {'0': (), '1': (settings.fc_header, settings.fc_data), '2': (settings.fc_data,)}[digit]
    if None in needs:
        raise ValueError('the mode needs a header or data that was not set')
    settings.fc_mode = int(digit)


def _timeout(settings, digits):
    settings.timer_ticks = int(digits, 16) or Settings.timer_ticks        # 00 is the default again, not zero


def _user_protocol(settings, options, divisor):
    rate = 500_000 // max(1, int(divisor, 16))
    settings.user_protocols['B'] = (rate, not int(options, 16) & 0x80)


# (pattern after AT, version, what it does to the settings)
SETTERS = tuple((re.compile(pattern), version, change) for pattern, version, change in (
    (r'E([01])', 1.0, _on('echo')),
    (r'L([01])', 1.0, _on('linefeeds')),
    (r'H([01])', 1.0, _on('headers')),
    (r'S([01])', 1.3, _on('spaces')),
    (r'R([01])', 1.0, _on('responses')),
    (r'CAF([01])', 1.0, _on('auto_format')),
    (r'CFC([01])', 1.0, _on('flow_control')),
    (r'V([01])', 1.3, _on('variable_dlc')),
    (r'D([01])', 1.3, _on('show_dlc')),
    (r'CSM([01])', V1_4B, _on('silent_monitoring')),
    (r'AL', 1.0, _set('long_messages', True)),
    (r'NL', 1.0, _set('long_messages', False)),
    (r'AT([012])', 1.2, lambda settings, digit: setattr(settings, 'adaptive', int(digit))),
    (r'CTM([15])', V2_1, lambda settings, digit: setattr(settings, 'timer_factor', int(digit))),
    (r'ST([0-9A-F]{2})', 1.0, _timeout),
    (r'CP([0-9A-F]{2})', 1.0, _hex('priority')),
    (r'SH([0-9A-F]{3}|[0-9A-F]{6})', 1.0, _header),
    (r'SH([0-9A-F]{8})', V2_0, _header),
    (r'CEA', 1.4, _set('extended_address', None)),
    (r'CEA([0-9A-F]{2})', 1.4, _hex('extended_address')),
    (r'CRA([0-9A-F]{3}|[0-9A-F]{8})', 1.3, _receive),
    (r'CRA([0-9A-FX]{3}|[0-9A-FX]{8})', V2_0, _receive),
    (r'CRA', V1_4B, _receive_default),
    (r'AR', 1.0, _receive_default),
    (r'CF([0-9A-F]{3}|[0-9A-F]{8})', 1.0, _hex('filter')),
    (r'CM([0-9A-F]{3}|[0-9A-F]{8})', 1.0, _hex('mask')),
    (r'FCSH([0-9A-F]{3}|[0-9A-F]{8})', 1.1, _hex('fc_header')),
    (r'FCSD((?:[0-9A-F]{2}){1,5})', 1.1, _fc_data),
    (r'FCSM([012])', 1.1, _fc_mode),
    (r'PB([0-9A-F]{2})([0-9A-F]{2})', 1.4, _user_protocol),
    (r'M[01]', 1.0, lambda settings: None),
    (r'J[ES]', 1.3, lambda settings: None),
    (r'SW[0-9A-F]{2}', 1.0, lambda settings: None),
    (r'KW[01]', 1.2, lambda settings: None),
    (r'BI', 1.0, lambda settings: None),
    (r'FE', V2_1, lambda settings: None),
))


def apply(settings, command, version):
    """Carry out a command that only sets something; None when it is none, False when it is refused."""
    for pattern, since, change in SETTERS:
        found = pattern.fullmatch(command)
        if found is None or version < since:
            continue
        try:
            change(settings, *found.groups())
        except ValueError:
            return False
        return True
    return None
