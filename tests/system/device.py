#!/usr/bin/env python3
"""The device process of the system lane. README.md beside this file lists the commands.

    device.py '{"udev": DIR, "state": DIR, "adapter": one of lane/adapters.py, "queueFrames": n, "uartBaud": n|null,
                "lockoutMs": n, "usbSerial": bool, "dribble": bool, "greeting": hex}'

`udev` is FAKEUDEV_DIR of the browser, `state` holds one JSON file per ECU. Commands are JSON lines on
stdin, {"id": n, "do": ...}; each is answered by one line {"id": n, "ok": true, ...} or {"id": n, "ok":
false, "error": text}. Lines with "event" instead of "id" report what happened by itself. The process
ends with its stdin.
"""
import json
import logging
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
logging.getLogger('scapy').setLevel(logging.ERROR)       # before scapy is imported: it says a lot about networks

from scapy.contrib.cansocket_python_can import PythonCANSocket  # noqa: E402
from scapy.contrib.isotp import ISOTPSoftSocket  # noqa: E402

from lane import adapters, car  # noqa: E402
from lane.ecu import Ecu  # noqa: E402
from lane.interpreter import Log  # noqa: E402
from lane.memory import Memory  # noqa: E402
from lane.rules import Rules  # noqa: E402
from lane.serial_port import SerialPort  # noqa: E402
from lane.wire import Wire  # noqa: E402

CHANNEL = 'system-lane'
LONGEST_SINGLE_FRAME = 7


class Vehicle:
    """What the ECUs share: the supply."""

    def __init__(self):
        self.millivolts = 12_600
        self.ignition = True


class Device:
    """Adapter, wire and ECUs, and the commands on them."""

    def __init__(self, options):
        self._options = options
        self._out_lock, self._plug_lock = threading.Lock(), threading.Lock()
        self._adapter = self._port = None
        self._log = Log()
        self._vehicle = Vehicle()
        self._rules = Rules(car.ECUS, self._cut, self._restart, self._go_deaf, self._emit)
        self._wire = Wire(CHANNEL, car.BITRATE, self._rules)
        for folder in (options['udev'], options['state']):
            os.makedirs(folder, exist_ok=True)
        self._ecus = {spec.name: self._build(spec) for spec in car.ECUS}
        for identifier in car.FUNCTIONAL_IDS:
            self._listen_functional(identifier)

    def _build(self, spec):
        memory = Memory(os.path.join(self._options['state'], f'{spec.name}.json'), spec.name, spec.dids, spec.dtcs)
        return Ecu(spec, CHANNEL, memory, self._vehicle, self._rules, self._options['lockoutMs'] / 1000)

    def _listen_functional(self, identifier):
        socket = ISOTPSoftSocket(
            PythonCANSocket(interface='virtual', channel=CHANNEL,
                            can_filters=[{'can_id': identifier, 'can_mask': 0x7FF}]),
            rx_id=identifier, tx_id=identifier, listen_only=True)

        def run():
            while True:
                ISOTPSoftSocket.select([socket], None)
                request = socket.recv_raw()[1]
                if request and len(request) <= LONGEST_SINGLE_FRAME:     # functional requests are single frames
                    for ecu in self._ecus.values():
                        ecu.post_functional(request)
        threading.Thread(target=run, name=f'functional {identifier:X}', daemon=True).start()

    def _emit(self, line):
        with self._out_lock:
            sys.stdout.write(json.dumps(line) + '\n')
            sys.stdout.flush()

    def _cut(self, event):
        """Silence the adapter now, on the thread that found the moment; unplug it from another."""
        adapter = self._adapter
        if adapter is None:
            self._emit({**event, 'event': 'cut-refused', 'reason': 'nothing is plugged in'})
            return
        adapter.dead = True
        self._wire.detach()

        def finish():
            self.unplug()
            self._emit(event)
        threading.Thread(target=finish, name='cut').start()

    def _restart(self, event):
        """The adapter loses its state at the moment a rule names."""
        self.reset()
        self._emit(event)

    def _go_deaf(self, event):
        self.hang(takes=True)
        self._emit(event)

    # Commands: each is one method, its keyword arguments are the other fields of the line.

    def plug(self):
        """Plug the adapter in: closed, queue empty, as after its power came up."""
        with self._plug_lock:
            if self._port is not None:
                raise RuntimeError('already plugged in')
            variant = self._options['adapter']
            usb = adapters.identity(variant)
            if not self._options.get('usbSerial', True):
                del usb['serialNumber']
            adapter = adapters.build(variant, self._wire, self._vehicle, self._options, self._emit, self._log)
            ready = threading.Event()

            def feed(data):
                ready.wait()
                adapter.feed(data)
            adapter.port = self._port = SerialPort(self._options['udev'], usb, feed,
                                                   self._options.get('dribble', False))
            self._wire.attach(adapter)
            self._adapter = adapter
            ready.set()

    def unplug(self):
        """Pull the adapter out."""
        with self._plug_lock:
            if self._port is None:
                raise RuntimeError('not plugged in')
            self._adapter.dead = True
            self._wire.detach()
            port, self._port, self._adapter = self._port, None, None
            port.unplug()

    def reset(self, banner=''):
        """The adapter starts anew, and says `banner` (hex) when it has one."""
        self._adapter.restart(bytes.fromhex(banner))

    def say(self, hex):
        """Bytes that nobody asked for, towards the host."""
        self._port.write(bytes.fromhex(hex))

    def hang(self, takes):
        """The adapter's program stops: bytes of the host are still taken and lost, or not even taken."""
        self._adapter.deaf = True
        self._port.stuck = not takes

    def occupy(self):
        """Another program on this computer opens the port and keeps it."""
        self._port.occupy()

    def vacate(self):
        """The other program lets go of the port."""
        self._port.vacate()

    def rule(self, **fields):
        """Add a rule, see lane/rules.py."""
        self._rules.add(fields)

    def clearRules(self):
        """Forget all rules."""
        self._rules.clear()

    def stat(self):
        """Everything a test may assert that is not memory."""
        with self._plug_lock:
            port, adapter = self._port, self._adapter
            state = {'plugged': port is not None}
            if port is not None:
                state.update(hostOpen=port.host_open, baud=port.baud(), **port.signals(),
                             variant=self._options['adapter'], channelOpen=adapter.is_open, canBitrate=adapter.rate,
                             lines=adapter.lines, queued=self._wire.queued(), droppedBytes=port.dropped_bytes,
                             **adapter.details())
        return {
            'adapter': state, 'wire': dict(self._wire.counters), 'rules': self._rules.pending(),
            'vehicle': {'mV': self._vehicle.millivolts, 'ignition': self._vehicle.ignition},
            'ecus': {name: {'online': ecu.online(), 'session': ecu.volatile.session, 'unlocked': ecu.volatile.unlocked,
                            'wrongKeys': ecu.volatile.wrong_keys,
                            'delayLeftMs': round(ecu.volatile.delay_left_s() * 1000),
                            'dtcSetting': ecu.volatile.dtc_setting, **ecu.counters}
                     for name, ecu in self._ecus.items()},
        }

    def memory(self, ecu):
        """What an ECU remembers now."""
        return {'memory': self._ecus[ecu].memory.snapshot()}

    def requests(self, ecu):
        """The requests an ECU received, oldest first, as hex text."""
        return {'requests': list(self._ecus[ecu].log)}

    def trace(self):
        """The last frames on the wire: '@ms > 70E 02 10 03' from the tester, '<' from an ECU."""
        return {'trace': list(self._wire.trace)}

    def serial(self):
        """The last lines between the host and a command interpreter: '@ms > ATI' from the host, '<' to it, '!' else."""
        return {'serial': list(self._log.lines)}

    def set(self, ecu, did, hex):
        """Change an identifier behind the tester's back."""
        self._ecus[ecu].memory.set(int(did, 16), bytes.fromhex(hex))

    def dtc(self, ecu, code, status):
        """A fault occurs; not recorded while 85 02 is in force."""
        unit = self._ecus[ecu]
        recorded = unit.volatile.dtc_setting
        if recorded:
            unit.memory.set_dtc(int(code, 16), int(status, 16))
        return {'recorded': recorded}

    def voltage(self, mV):
        """The supply voltage that the gateway measures and that writes depend on."""
        self._vehicle.millivolts = mV

    def ignition(self, on):
        """Power for all ECUs, or none."""
        for ecu in self._ecus.values():
            ecu.set_ignition(on)
        self._vehicle.ignition = on

    COMMANDS = ('plug', 'unplug', 'rule', 'clearRules', 'stat', 'memory', 'requests', 'trace', 'set', 'dtc', 'voltage',
                'ignition', 'reset', 'say', 'hang', 'occupy', 'vacate', 'serial')

    def serve(self, lines):
        """Answer commands until the input ends."""
        for line in lines:
            command = json.loads(line)
            number, name = command.pop('id'), command.pop('do')
            try:
                if name not in self.COMMANDS:
                    raise ValueError(f'unknown command {name!r}')
                self._emit({'id': number, 'ok': True, **(getattr(self, name)(**command) or {})})
            except Exception as error:       # reported to the test, which decides
                self._emit({'id': number, 'ok': False, 'error': f'{type(error).__name__}: {error}'})


if __name__ == '__main__':
    Device(json.loads(sys.argv[1])).serve(sys.stdin)
    os._exit(0)                  # scapy's scheduler thread is no daemon
