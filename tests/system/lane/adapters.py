"""Every adapter that can be plugged in, as data: who it is on USB, and how its device is built."""
from lane import slcan
from lane.elm327 import Elm327
from lane.elm_settings import V1_4B, V2_1
from lane.stn import Stn

# What all command interpreters have unless they say otherwise.
#   name             what ATI and the reset say          version          what it knows, by the version that brought it
#   lacks            AT commands answered with ?         forgets          settings lost at a change of the protocol
#   lineLimit        characters of a command             bufferBytes      what waits for the line before BUFFER FULL
#   resetS           duration of ATZ                     turnaroundMs     from the carriage return to the execution
ELM = {'description': 'OBDII to RS232 Interpreter', 'lacks': (), 'forgets': (), 'lineLimit': 254, 'bufferBytes': 256,
       'baud': 38_400, 'resetS': 0.9, 'turnaroundMs': 1, 'voltageErrorMv': 0, 'nulBytes': 0}
INTERPRETERS = {
    'elm-genuine': {
        'device': Elm327, 'usb': ('10c4', 'ea60', 'System lane ELM327', 'CBSYSELM21'),
        'traits': {**ELM, 'name': 'ELM327 v2.1', 'version': V2_1, 'bufferBytes': 512},
    },
    'elm-1.4b': {
        'device': Elm327, 'usb': ('10c4', 'ea60', 'System lane ELM327', 'CBSYSELM14'),
        'traits': {**ELM, 'name': 'ELM327 v1.4b', 'version': V1_4B},
    },
    'elm-clone': {
        'device': Elm327, 'usb': ('1a86', '7523', 'System lane OBDII', 'CBSYSCLONE'),
        'traits': {**ELM, 'name': 'ELM327 v1.5', 'version': V1_4B, 'lacks': ('CTM', 'AMC', 'PP', 'CSM', 'BR', '@2'),
                   'forgets': ('auto_format', 'spaces', 'long_messages'), 'resetS': 0.5, 'turnaroundMs': 8,
                   'voltageErrorMv': -600},
    },
    'stn': {
        'device': Stn, 'usb': ('0403', '6015', 'System lane OBD adapter', 'CBSYSSTN01'),
        'traits': {**ELM, 'name': 'ELM327 v1.4b', 'version': V1_4B, 'chip': 'STN2120 v5.6.5', 'device': 'ELS27 r5.0',
                   'maker': 'OBD Solutions LLC', 'serial': '212000000042', 'baud': 115_200, 'lineLimit': 0x3FF,
                   'bufferBytes': 8192, 'resetS': 0.4, 'turnaroundMs': 1, 'nulBytes': 3},
    },
}
VARIANTS = (*slcan.VARIANTS, *INTERPRETERS)


def identity(variant):
    """vendorId, productId, productName and serialNumber of a variant's USB descriptor."""
    if variant in slcan.VARIANTS:
        return dict(slcan.VARIANTS[variant]['usb'])
    return dict(zip(('vendorId', 'productId', 'productName', 'serialNumber'), INTERPRETERS[variant]['usb'], strict=True))


def build(variant, wire, vehicle, options, emit, log):
    """The device that is plugged in now. `options` are those of device.py."""
    greeting = bytes.fromhex(options.get('greeting', ''))
    if variant in slcan.VARIANTS:
        known = slcan.VARIANTS[variant]
        queue = options.get('queueFrames') or known['queueFrames']
        return known['adapter'](wire, queue, options.get('uartBaud'), greeting)
    known = INTERPRETERS[variant]
    traits = {**known['traits'], **({'baud': options['uartBaud']} if options.get('uartBaud') else {})}
    return known['device'](wire, traits, vehicle, emit, log, greeting)
