"""The car of the system lane as data: addresses, identities, coding blocks and who may write what.

No such car exists: part numbers start with CBAY and the VIN with 0CB, an unassigned region.
README.md beside this folder carries the same tables for authors of definitions and tests; change both.
"""
from dataclasses import dataclass, field

BITRATE = 500_000
FUNCTIONAL_IDS = (0x700, 0x7DF)
VIN = b'0CBSYSTEX00000042'       # the ninth character is the valid check digit
CODING, SHOP_CODE, PROGRAMMING_DATE, CODING_SHOP_CODE = 0x0600, 0xF198, 0xF199, 0xF1A5
ACTIVE_SESSION, SUPPLY_VOLTAGE = 0xF186, 0xF442


@dataclass(frozen=True)
class Option:
    """One option of a coding block: a big-endian number of `size` bytes at `byte`, under `mask`, and what it may be."""

    name: str
    byte: int
    mask: int
    allowed: range
    size: int = 1

    def raw(self, block):
        """The option's number in a block."""
        shift = (self.mask & -self.mask).bit_length() - 1
        return (int.from_bytes(block[self.byte:self.byte + self.size], 'big') & self.mask) >> shift


@dataclass(frozen=True)
class EcuSpec:
    """One ECU. `writable` holds the identifiers a tester may write, all of them in session 03 only."""

    name: str
    request_id: int
    response_id: int
    block_size: int
    st_min: int
    dids: dict
    options: tuple
    writable: frozenset
    needs_prelude: bool = False      # 0600 is refused with 31 until F199 and F198 were written in the same session
    needs_unlock: bool = False       # 0600 is refused with 33 until level 03 was unlocked
    constant: dict = field(default_factory=dict)     # byte of 0600 → the only value it may have
    dtcs: dict = field(default_factory=dict)


def identity(part, hardware, software, serial, name, odx, odx_version):
    """The identification of one ECU, ASCII as ISO 14229-1 annex C names it."""
    return {0xF187: part, 0xF189: software, 0xF18C: serial, 0xF190: VIN, 0xF191: hardware, 0xF197: name,
            0xF19E: odx, 0xF1A2: odx_version}


BODY = EcuSpec(
    name='bcm', request_id=0x70E, response_id=0x778, block_size=2, st_min=0x02,
    dids={
        **identity(b'CBAY937087A', b'CBAY937087 ', b'0412', b'CBSL0000000170', b'BODY SYSLANE ',
                   b'EV_SystemLaneBody', b'001003'),
        SHOP_CODE: bytes.fromhex('000008F63039'),            # equipment 1, importer 123, workshop 12345
        PROGRAMMING_DATE: bytes.fromhex('240318'),
        CODING_SHOP_CODE: bytes.fromhex('000008F63039'),
        CODING: bytes.fromhex('0959A03C1E1400FF417E103500884300'
                              '5AC301629D0004012CF00F660012AB30'),
    },
    options=(
        Option('daytimeLights', 1, 0x03, range(0, 3)),
        Option('daytimeLightsDimWhileIndicating', 1, 0x08, range(0, 2)),
        Option('mirrorsFoldOnLock', 2, 0x01, range(0, 2)),
        Option('mirrorDipsInReverse', 2, 0x02, range(0, 2)),
        Option('comingHomeSeconds', 4, 0xFF, range(0, 121)),
        Option('leavingHomeSeconds', 5, 0xFF, range(0, 121)),
        Option('lockConfirmation', 8, 0x30, range(0, 4)),
        Option('rainClosing', 11, 0x80, range(0, 2)),
        Option('comfortBlinks', 14, 0x07, range(1, 6)),
        Option('trailerHitch', 19, 0x0C, range(0, 3)),
        Option('lightSensorThresholdLux', 23, 0xFFFF, range(0, 1001), size=2),
        Option('windowsByRemote', 31, 0x40, range(0, 2)),
    ),
    writable=frozenset({CODING, SHOP_CODE, PROGRAMMING_DATE}), needs_prelude=True, constant={0: 0x09},
    dtcs={0x9A0215: 0x09, 0xD10087: 0x08},
)

CLUSTER = EcuSpec(
    name='cluster', request_id=0x714, response_id=0x77E, block_size=0, st_min=0x00,
    dids={
        **identity(b'CBAY920790C', b'CBAY920790 ', b'2031', b'CBSL0000000209', b'CLUSTER SYSL ',
                   b'EV_SystemLaneCluster', b'002001'),
        CODING: bytes.fromhex('42910037A5001CD8'),
    },
    options=(
        Option('digitalSpeedometer', 0, 0x01, range(0, 2)),
        Option('seatBeltChime', 0, 0x06, range(0, 3)),
        Option('displayLanguage', 2, 0xF0, range(0, 4)),
        Option('gaugeSweep', 3, 0x08, range(0, 2)),
    ),
    writable=frozenset({CODING}),
)

GATEWAY = EcuSpec(
    name='gateway', request_id=0x710, response_id=0x77A, block_size=0, st_min=0x05,
    dids={
        **identity(b'CBAY907530B', b'CBAY907530 ', b'1107', b'CBSL0000000311', b'GATEWAY SYSL ',
                   b'EV_SystemLaneGateway', b'003002'),
        CODING: bytes.fromhex('0116A000F43380020077'),
    },
    options=(
        Option('trailerUnitInstalled', 1, 0x80, range(0, 2)),
        Option('frontCameraInstalled', 2, 0x04, range(0, 2)),
        Option('parkAssistInstalled', 6, 0x01, range(0, 2)),
    ),
    writable=frozenset({CODING}), needs_unlock=True,
)

ECUS = (BODY, CLUSTER, GATEWAY)
