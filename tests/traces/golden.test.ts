import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import {
  ecuReset,
  openSession,
  readDataByIdentifier,
  startRoutine,
  writeDataByIdentifier,
} from '#diagnostics/index.ts';
import { PermitOffice } from '#procedures/permits.ts';
import { play } from './player.ts';

const office = new PermitOffice();

function permit(moduleId: string, request: string) {
  return office.mint({
    stepId: 'step',
    moduleId,
    requests: [{ pdu: fromHex(request) }],
    noteRepeat: async () => undefined,
  });
}

const nobody: PermitVerifier = {
  redeem: () => {
    throw new Error('no permit was expected here');
  },
  repeat: () => Promise.reject(new Error('no repeat was expected here')),
};

describe('golden traces: the same calls give the same conversation, to the millisecond', () => {
  it('VIN read in three frames', async () => {
    let vin = '';
    const { actual, expected } = await play(
      'vin-read',
      nobody,
      async (client) => {
        const { data } = await client.call(readDataByIdentifier, { did: 0xf190 });
        vin = String.fromCharCode(...data);
      },
      0x7e8,
    );
    expect(actual).toEqual(expected);
    expect(vin).toBe('0CBAYZZZ1VK000001');
  });

  it('extended session, then the coding block', async () => {
    let coding = '';
    const { actual, expected } = await play(
      'extended-coding-read',
      nobody,
      async (client) => {
        await client.call(openSession, { session: 3 });
        coding = toHexSpaced((await client.call(readDataByIdentifier, { did: 0x0600 })).data);
      },
      0x778,
    );
    expect(actual).toEqual(expected);
    expect(coding).toBe('09 19 00 12 24 26 00 0E 30 04');
  });

  it('a coding with its prelude, read back and reset (G.2)', async () => {
    const bcm = '70E-778';
    const { actual, expected } = await play('coding-vw', office, async (client) => {
      const read = async (did: number) => (await client.call(readDataByIdentifier, { did })).data;
      const write = async (did: number, hex: string) => {
        const request = { did, data: fromHex(hex) };
        await client.perform(
          writeDataByIdentifier,
          request,
          permit(bcm, toHexSpaced(writeDataByIdentifier.encode(request))),
        );
      };
      await client.call(openSession, { session: 3 });
      const shopCode = toHexSpaced(await read(0xf1a5));
      const old = await read(0x0600);
      const changed = old.slice();
      changed[3] = (changed[3] ?? 0) | 0x04;
      await write(0xf199, '26 11 22');
      await write(0xf198, shopCode);
      await write(0x0600, toHexSpaced(changed));
      expect(await read(0x0600)).toEqual(changed);
      await client.perform(ecuReset, { type: 2 }, permit(bcm, '11 02'));
      expect(client.state.session).toBe(1);
    });
    expect(actual).toEqual(expected);
  });

  it('a chain of 78 over 25 s with a stray in it', async () => {
    const counts: number[] = [];
    const { actual, expected } = await play('pending-chain', office, async (client) => {
      client.onEvent((event) => {
        if (event.type === 'pending') counts.push(event.count);
      });
      const result = await client.perform(startRoutine, { rid: 0xff01 }, permit('7E0-7E8', '31 01 FF 01'));
      expect(result.status).toEqual(fromHex('00'));
    });
    expect(actual).toEqual(expected);
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('N.1 vector 17: 7F 2E 78, 3 s later 6E F1 90, nothing sent again', async () => {
    const vin = fromHex('30 43 42 41 59 5A 5A 5A 31 56 4B 30 30 30 30 30 31');
    const { actual, expected } = await play(
      'pending-write',
      office,
      (client) =>
        client.perform(
          writeDataByIdentifier,
          { did: 0xf190, data: vin },
          permit('7E0-7E8', `2E F1 90 ${toHexSpaced(vin)}`),
        ),
      0x7e8,
    );
    expect(actual).toEqual(expected);
  });

  it('the player notices a request that the trace does not hold', async () => {
    const { actual, expected } = await play(
      'vin-read',
      nobody,
      async (client) => {
        await client.call(readDataByIdentifier, { did: 0xf187 }).catch(() => undefined);
      },
      0x7e8,
    );
    expect(actual).not.toEqual(expected);
  });
});
