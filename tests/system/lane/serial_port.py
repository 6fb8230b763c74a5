"""A serial port that Chromium takes for real: a pseudo-terminal announced through fakeudev.c.

One object is one plugging-in: after `unplug` it is used up, as the file descriptor of a real
adapter is, and the next plugging-in is a new object on a new pseudo-terminal.
"""
import array
import errno
import fcntl
import os
import select
import shutil
import struct
import termios
import threading
import time
import tty

TIOCM_DTR, TIOCM_RTS, TIOCM_CTS, TIOCM_DSR = 0x002, 0x004, 0x020, 0x100
TCGETS2 = 0x802C542A        # struct termios2, which alone holds rates outside the POSIX table
TERMIOS2_BYTES, C_OSPEED_OFFSET = 44, 40
DRIBBLE_S = 0.0005
WRITE_LIMIT_S = 1.0         # how long a host may leave its input buffer full before bytes are dropped


def serial_device_number():
    """A major and minor number that Chromium takes for a serial port.

    It looks the pair up in /proc/tty/drivers and wants a line of type `serial`.
    """
    with open('/proc/tty/drivers', encoding='ascii') as drivers:
        for line in drivers:
            fields = line.split()
            first_minor = fields[-2].split('-')[0]
            if fields[-1] == 'serial' and first_minor.isdigit():
                return fields[-3], first_minor
    raise RuntimeError('no driver of type "serial" in /proc/tty/drivers')


class SerialPort:
    """The device end of one plugged-in serial adapter.

    `root` is FAKEUDEV_DIR of the browser. `identity` has vendorId and productId (four hex digits),
    productName and perhaps serialNumber. `on_bytes(data)` is called on the reader thread.
    """

    NAME = 'ttyUSB0'

    def __init__(self, root, identity, on_bytes, dribbles=False):
        self._root = root
        self._on_bytes = on_bytes
        self._dribbles = dribbles
        self.stuck = False           # takes no more bytes from the host
        self._occupied = None
        self._write_lock = threading.Lock()
        self.dropped_bytes = 0
        self.host_open = False
        self._master, slave = os.openpty()
        tty.setraw(slave)            # the line discipline would echo what the device says first
        self._node = node = os.ttyname(slave)
        os.close(slave)              # TIOCEXCL of the browser must not outlive the browser's descriptor
        os.set_blocking(self._master, False)
        self._folder = os.path.join(root, self.NAME)
        self._wake_read, self._wake_write = os.pipe()
        staged = self._publish(node, identity)
        self._modem = open(os.path.join(staged, 'modem'), 'rb', buffering=0)
        self._thread = threading.Thread(target=self._read_loop, name='serial', daemon=True)
        self._thread.start()
        os.rename(staged, self._folder)      # one atomic "add"

    def _publish(self, node, identity):
        major, minor = serial_device_number()
        staged = os.path.join(self._root, '.new')
        shutil.rmtree(staged, ignore_errors=True)
        os.mkdir(staged)
        properties = {
            'SUBSYSTEM': 'tty', 'DEVNAME': node, 'MAJOR': major, 'MINOR': minor, 'ID_BUS': 'usb',
            'ID_VENDOR_ID': identity['vendorId'], 'ID_MODEL_ID': identity['productId'],
            'ID_MODEL_ENC': identity['productName'].replace(' ', r'\x20'),
        }
        if 'serialNumber' in identity:          # without it Chromium stores no grant
            properties['ID_SERIAL_SHORT'] = identity['serialNumber']
        with open(os.path.join(staged, 'uevent'), 'w', encoding='ascii') as uevent:
            uevent.writelines(f'{key}={value}\n' for key, value in properties.items())
        with open(os.path.join(staged, 'modem'), 'wb') as modem:
            modem.write(struct.pack('<I', TIOCM_CTS | TIOCM_DSR))
        return staged

    def unplug(self):
        """Take the device away: the browser's descriptor hangs up first, then udev says "remove"."""
        self.vacate()
        os.write(self._wake_write, b'x')
        if threading.current_thread() is not self._thread:
            self._thread.join()      # a poll in progress would keep the pseudo-terminal alive
        with self._write_lock:
            master, self._master = self._master, None
            for descriptor in (master, self._wake_read, self._wake_write):
                os.close(descriptor)
        self._modem.close()
        gone = os.path.join(self._root, '.gone')
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(self._folder, gone)

    def occupy(self):
        """Another program opens the port first and keeps it for itself."""
        self._occupied = os.open(self._node, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(self._occupied, fcntl.LOCK_EX | fcntl.LOCK_NB)      # keeps root out too, see fakeudev.c
        fcntl.ioctl(self._occupied, termios.TIOCEXCL)

    def vacate(self):
        """The other program lets go."""
        if self._occupied is not None:
            fcntl.ioctl(self._occupied, termios.TIOCNXCL)
            os.close(self._occupied)
            self._occupied = None

    def baud(self):
        """The rate that the host has set, in bit/s; on the master this reads the slave's settings."""
        settings = array.array('B', bytes(TERMIOS2_BYTES))
        fcntl.ioctl(self._master, TCGETS2, settings)
        return struct.unpack_from('<I', settings, C_OSPEED_OFFSET)[0]

    def signals(self):
        """The lines that the host drives, as {'dtr': bool, 'rts': bool}."""
        self._modem.seek(0)
        word = struct.unpack('<I', self._modem.read(4))[0]
        return {'dtr': bool(word & TIOCM_DTR), 'rts': bool(word & TIOCM_RTS)}

    def write(self, data):
        """Send to the host. With no host, or one that does not read for a second, bytes are dropped."""
        with self._write_lock:
            while data:
                if self._master is None or not self.host_open:
                    self.dropped_bytes += len(data)
                    return
                try:
                    if self._dribbles:
                        data = data[os.write(self._master, data[:1]):]
                        time.sleep(DRIBBLE_S)        # lets the host read it before the next one comes
                    else:
                        data = data[os.write(self._master, data):]
                except BlockingIOError:
                    if not select.select([], [self._master], [], WRITE_LIMIT_S)[1]:
                        self.dropped_bytes += len(data)
                        return
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    self.dropped_bytes += len(data)
                    return

    def _read_loop(self):
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            events = dict(poll.poll())
            if self._wake_read in events:
                return
            if self.stuck:
                time.sleep(0.002)
                continue
            if not events.get(self._master, 0) & select.POLLIN:
                self.host_open = False       # a bare POLLHUP comes at once and for ever: nobody has it open
                time.sleep(0.002)
                self.host_open = not self._hung_up(poll)
                continue
            self.host_open = True
            try:
                data = os.read(self._master, 65536)
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EAGAIN):
                    raise
                continue
            if data:
                self._on_bytes(data)

    def _hung_up(self, poll):
        return bool(dict(poll.poll(0)).get(self._master, 0) & select.POLLHUP)
