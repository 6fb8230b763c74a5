"""One ECU: scapy's ISO-TP socket below, scapy's UDS packets for the answers, and the server between them.

The server's decisions (sessions, order of the refusals, security, prelude, memory) are this lane's own,
written from ISO 14229-1 as reference diagnostics A and I tell it.
"""
import threading
import time

from scapy.automaton import ObjectPipe, select_objects
from scapy.contrib.automotive.uds import UDS, UDS_NR
from scapy.contrib.cansocket_python_can import PythonCANSocket
from scapy.contrib.isotp import ISOTPSoftSocket
from scapy.contrib.isotp.isotp_soft_socket import ISOTP_IDLE

from lane import services
from lane.services import Negative, Volatile

RESET_S = 0.6                # from the answer of 11 until the ECU listens again
SEND_LIMIT_S = 1.0           # for an answer to leave before the reset
SUB_FUNCTION_SERVICES = frozenset({0x10, 0x11, 0x19, 0x27, 0x3E, 0x85})
FUNCTIONAL_SERVICES = frozenset({0x10, 0x11, 0x14, 0x19, 0x22, 0x3E, 0x85})
SILENT_IF_FUNCTIONAL = frozenset({0x11, 0x12, 0x31, 0x7E, 0x7F})
ALTERING_RULES = ('ignore', 'lose-answer', 'delay', 'pending', 'nrc')
REQUEST_LOG = 2000


class Ecu:
    """A running ECU. `vehicle` is what it can measure, `rules` what the test wants to go wrong."""

    def __init__(self, spec, channel, memory, vehicle, rules, lockout_s):
        self.spec, self.memory = spec, memory
        self._channel, self._vehicle, self._rules = channel, vehicle, rules
        self.volatile = Volatile(lockout_s)
        self.counters = {'requests': {}, 'functional': 0, 'unheard': 0}
        self.log = []
        self._inbox = ObjectPipe('functional requests')
        self._commands = ObjectPipe('ignition')
        self._socket = self._can = None
        self._listen()
        threading.Thread(target=self._run, name=spec.name, daemon=True).start()

    def post_functional(self, request):
        """A single frame on a functional identifier arrived."""
        self._inbox.send(request)

    def set_ignition(self, on):
        """Power for the ECU, or none; volatile state is lost either way. Returns when it is done."""
        done = threading.Event()
        self._commands.send((on, done))
        if not done.wait(10):
            raise TimeoutError(f'{self.spec.name} does not react')

    def online(self):
        """Whether the ECU listens to the bus."""
        return self._socket is not None

    def _listen(self):
        spec = self.spec
        self._can = PythonCANSocket(interface='virtual', channel=self._channel,
                                    can_filters=[{'can_id': spec.request_id, 'can_mask': 0x7FF}])
        self._socket = ISOTPSoftSocket(self._can, tx_id=spec.response_id, rx_id=spec.request_id, padding=True,
                                       bs=spec.block_size, stmin=spec.st_min, basecls=UDS)

    def _deafen(self):
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()
            self._can.close()

    def _run(self):
        while True:
            sources = [self._inbox, self._commands] + ([self._socket.impl.rx_queue] if self._socket else [])
            ready = select_objects(sources, self.volatile.seconds_to_session_end())
            if not ready:
                self.volatile.end_session_if_due()
            elif self._commands in ready:
                on, done = self._commands.recv()
                self._deafen()
                self.volatile.power_on()
                if on:
                    self._listen()
                done.set()
            elif self._inbox in ready:
                request = self._inbox.recv()
                if self._socket is not None:
                    self._serve(request, functional=True)
            else:
                self._serve(self._socket.recv_raw()[1], functional=False)

    def _serve(self, request, functional):
        if not request:
            return
        self.volatile.end_session_if_due()
        self._count(request, functional)
        rule = self._rules.take(ALTERING_RULES, self.spec.name, request)
        kind = None if rule is None else rule.kind
        if kind == 'ignore':
            self.counters['unheard'] += 1
            return
        if kind == 'pending':
            for _ in range(rule.fields['times']):
                self._socket.send(UDS() / UDS_NR(requestServiceId=request[0], negativeResponseCode=0x78))
                time.sleep(rule.fields['ms'] / 1000)
        answer = self._decide(request, functional, rule)
        if answer is not None:
            positive = bytes(answer)[0] != 0x7F
            if positive:
                self._rules.executed(self.spec.name, request)
            if kind == 'delay':
                time.sleep(rule.fields['ms'] / 1000)
            if kind != 'lose-answer' and not self._suppressed(request, functional, answer, pending=kind == 'pending'):
                self._socket.send(answer)
        self.volatile.request_done()
        if self.volatile.reset_due:
            self._reset()

    def _decide(self, request, functional, rule):
        """The answer to a request, executed and stored before it is returned; None where silence is the answer."""
        if functional and request[0] not in FUNCTIONAL_SERVICES:
            return None
        try:
            if rule is not None and rule.kind == 'nrc':
                raise Negative(int(rule.fields['nrc'], 16))
            return services.execute(request, self.spec, self.memory, self.volatile, self._vehicle)
        except Negative as refusal:
            return UDS() / UDS_NR(requestServiceId=request[0], negativeResponseCode=refusal.code)

    @staticmethod
    def _suppressed(request, functional, answer, pending):
        if pending:                  # who said 78 owes the final answer, whatever was asked to be suppressed
            return False
        raw = bytes(answer)
        if raw[0] == 0x7F:
            return functional and raw[2] in SILENT_IF_FUNCTIONAL
        return request[0] in SUB_FUNCTION_SERVICES and bool(request[1] & 0x80)

    def _reset(self):
        self._wait_until_sent()
        self._deafen()
        time.sleep(RESET_S)
        self.volatile.power_on()
        self._listen()

    def _wait_until_sent(self):
        """scapy sends from its own thread: the socket must not go before the answer has."""
        deadline = time.monotonic() + SEND_LIMIT_S
        impl = self._socket.impl
        while time.monotonic() < deadline and not (impl.tx_queue.empty() and impl.tx_state == ISOTP_IDLE):
            time.sleep(impl.rx_tx_poll_rate)
        time.sleep(impl.rx_tx_poll_rate)     # from the queue to the bus

    def _count(self, request, functional):
        key = f'{request[0]:02X}'
        keys = [key] + ([f'{key}:{request[1:3].hex().upper()}'] if request[0] in (0x22, 0x2E) else [])
        for name in keys:
            self.counters['requests'][name] = self.counters['requests'].get(name, 0) + 1
        if functional:
            self.counters['functional'] += 1
        self.log.append(('functional ' if functional else '') + request.hex(' ').upper())
        del self.log[:-REQUEST_LOG]
