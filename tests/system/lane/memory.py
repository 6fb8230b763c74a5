"""What an ECU remembers without power, and the proof of it: one JSON file per ECU.

A commit replaces the file in one rename and returns only then. The server answers after the commit,
so a test that reads the file after any cut sees at least everything that was ever confirmed.
"""
import json
import os
import threading


class Memory:
    """The identifiers and fault memory of one ECU, kept in `path`. An existing file wins over `dids` and `dtcs`."""

    def __init__(self, path, ecu, dids, dtcs):
        self._path = path
        self._lock = threading.Lock()
        self._state = {'ecu': ecu, 'commits': 0, 'writes': [],
                       'dids': {f'{did:04X}': value.hex().upper() for did, value in dids.items()},
                       'dtcs': {f'{code:06X}': f'{status:02X}' for code, status in dtcs.items()}}
        if os.path.exists(path):
            with open(path, encoding='utf-8') as file:
                self._state = json.load(file)
        else:
            self._store()

    def _store(self):
        staged = f'{self._path}.new'
        with open(staged, 'w', encoding='utf-8') as file:
            json.dump(self._state, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, self._path)

    def snapshot(self):
        """A copy of all that is remembered, in the shape of the file."""
        with self._lock:
            return json.loads(json.dumps(self._state))

    def read(self, did):
        """The bytes of an identifier, None when this ECU does not have it."""
        with self._lock:
            value = self._state['dids'].get(f'{did:04X}')
            return None if value is None else bytes.fromhex(value)

    def write(self, did, value, also=None):
        """A tester's write, with what changes in the same step (`also`: identifier → bytes). Durable on return."""
        with self._lock:
            self._state['writes'].append({'did': f'{did:04X}', 'hex': value.hex().upper()})
            for key, content in {did: value, **(also or {})}.items():
                self._state['dids'][f'{key:04X}'] = content.hex().upper()
            self._state['commits'] += 1
            self._store()

    def set(self, did, value):
        """A change from outside the tester's view, by the test. Not counted as a write."""
        with self._lock:
            self._state['dids'][f'{did:04X}'] = value.hex().upper()
            self._store()

    def dtcs(self):
        """The fault memory: code (24 bit) → status byte, in the order of the codes."""
        with self._lock:
            return {int(code, 16): int(status, 16) for code, status in sorted(self._state['dtcs'].items())}

    def set_dtc(self, code, status):
        """Store one fault."""
        with self._lock:
            self._state['dtcs'][f'{code:06X}'] = f'{status:02X}'
            self._store()

    def clear_dtcs(self):
        """Empty the fault memory. Durable on return."""
        with self._lock:
            self._state['dtcs'] = {}
            self._state['commits'] += 1
            self._store()
