import { type ChannelHarness, channelSuite } from '../../../conformance/channel-suite.ts';
import type { ElmVariant } from '../../../support/elm-device.ts';
import { bench, ENGINE, OPTIONS } from './bench.ts';

function harness(variant: ElmVariant): ChannelHarness {
  const { clock, ecu, port, openBus } = bench(variant);
  ecu.options = { ...ecu.options, answers: () => [] };
  return {
    clock,
    open: async () => (await openBus()).openChannel(ENGINE, OPTIONS),
    received: () => ecu.received,
    answer: async (pdu) => {
      await clock.sleep(500); // nobody asked: it is heard once the device listens by itself
      await ecu.send(pdu);
    },
    beginAnswer: async (lengthBytes) => {
      await clock.sleep(500);
      ecu.begin(lengthBytes);
    },
    listen: (on) => {
      ecu.listens = on;
    },
    refuseNext: (pdu) => {
      ecu.options = { ...ecu.options, refusal: pdu };
    },
    unplug: () => port.unplug(),
  };
}

channelSuite('elm327', () => harness({ missing: ['ATCTM', 'ATAMC'] }));
channelSuite('elm327 without R0', () => harness({ missing: ['ATCTM', 'ATAMC', 'ATR0'] }));
channelSuite('elm327 v2.1', () => harness({ version: 'v2.1', baudRate: 115_200 }));
