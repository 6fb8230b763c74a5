import { describe, expect, it } from 'vitest';
import { detectAdapter } from '#adapters/detect.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { fromHex } from '#base/hex.ts';
import type { Definition, DefinitionPack } from '#contract/definition.ts';
import type { DiagClient, Service } from '#contract/diagnostics.ts';
import { isStackError } from '#contract/errors.ts';
import { type Effect, effectOfRequest, type WritePermit } from '#contract/permit.ts';
import {
  changeSession,
  clearDiagnosticInformation,
  controlDtcSetting,
  ecuReset,
  readDataByIdentifier,
  requestSeed,
  writeDataByIdentifier,
} from '#diagnostics/index.ts';
import { startRoutine } from '#diagnostics/uds/services/routine-control.ts';
import { assertNotDenied } from '#procedures/deny.ts';
import { PermitOffice } from '#procedures/permits.ts';
import { attachSlcanDevice } from '#simulator/devices/slcan/device.ts';
import { createVehicleLink } from '../../workers/vehicle/link.ts';
import { portPair } from '../support/port-pair.ts';
import type { Garage } from '../support/workshop.ts';
import { approve, atTheCar, codeOf, planTwoOptions } from './faults-rig.ts';
import { newGarage, PACK } from './jobs.ts';

const BCM = { format: 'normal', requestId: 0x70e, responseId: 0x778, extendedId: false } as const;
const GATEWAY = { format: 'normal', requestId: 0x710, responseId: 0x77a, extendedId: false } as const;
const WRITE = { did: 0xf199, data: fromHex('261122') };
const PDU = writeDataByIdentifier.encode(WRITE);

/** A real client over a real driver on the virtual car; `bytes()` counts what leaves through the port. */
async function atThePort(
  work: (bench: {
    readonly garage: Garage;
    readonly office: PermitOffice;
    readonly body: DiagClient;
    readonly gateway: DiagClient;
    bytes(): number;
  }) => Promise<void>,
): Promise<void> {
  const garage = await newGarage();
  await garage.clock.run(async () => {
    const { clock } = garage;
    let out = 0;
    const line = portPair((direction, message) => {
      const bytes = (message as { bytes?: Uint8Array }).bytes;
      if (direction === 'out' && bytes instanceof Uint8Array) out += bytes.length;
      return [message];
    });
    attachSlcanDevice(garage.car, line.far);
    const adapter = await detectAdapter(await openSimulated(line.near, { baudRate: 115_200 }, { clock }), { clock });
    if (adapter.can === undefined) throw new Error('an slcan adapter has CAN');
    const office = new PermitOffice();
    const link = createVehicleLink({
      clock,
      adapter,
      bus: { kind: 'can', link: await adapter.can.open({ bitRate: 500_000 }) },
      verdict: (job) => adapter.info.verdict[job],
      isRequestId: () => false,
      simulated: true,
      verifier: office,
      memory: { read: async () => null, write: async () => {} },
      trace: { record: () => {} },
      physicalOf: () => null,
    });
    await work({
      garage,
      office,
      body: await link.client(BCM),
      gateway: await link.client(GATEWAY),
      bytes: () => out,
    });
    await link.close();
  });
}

function mint(office: PermitOffice, pdu: Uint8Array = PDU): WritePermit {
  return office.mint({
    stepId: 'step',
    moduleId: '70E-778',
    requests: [{ pdu }],
    noteRepeat: async () => {},
  });
}

describe('the write gate at the port', () => {
  it('gate: a permit that was minted here lets exactly its request out, once', () =>
    atThePort(async ({ office, body, garage, bytes }) => {
      await body.call(readDataByIdentifier, { did: 0xf190 });
      const before = bytes();
      expect(before).toBeGreaterThan(0);
      const permit = mint(office);
      await expect(body.perform(writeDataByIdentifier, WRITE, permit)).rejects.toMatchObject({
        code: 'diag/negative-response', // the default session: 7F 2E 7F, so it arrived
      });
      const after = bytes();
      expect(after).toBeGreaterThan(before);
      expect(await codeOf(body.perform(writeDataByIdentifier, WRITE, permit))).toBe('gate/permit-used');
      expect(bytes()).toBe(after);
      expect(garage.did('09', 'F199')).toBe('240312');
    }));

  it('gate: forged permits leave 0 bytes', () =>
    atThePort(async ({ office, body, bytes }) => {
      const real = mint(office);
      const forged: readonly unknown[] = [
        Object.freeze({ stepId: 'step' }),
        { ...real },
        structuredClone(real),
        Object.create(real),
        new Proxy(real, {}),
        JSON.parse(JSON.stringify(real)),
        mint(new PermitOffice()),
        null,
        undefined,
        'step',
      ];
      const before = bytes();
      for (const permit of forged)
        expect(await codeOf(body.perform(writeDataByIdentifier, WRITE, permit as WritePermit))).toBe(
          'gate/permit-unknown',
        );
      expect(bytes()).toBe(before);
    }));

  it('gate: foreign permits (other module, other bytes, other service, revoked) leave 0 bytes', () =>
    atThePort(async ({ office, body, gateway, bytes }) => {
      const before = bytes();
      expect(await codeOf(gateway.perform(writeDataByIdentifier, WRITE, mint(office)))).toBe('gate/permit-foreign');
      const other = { did: 0xf199, data: fromHex('261123') };
      expect(await codeOf(body.perform(writeDataByIdentifier, other, mint(office)))).toBe('gate/permit-foreign');
      expect(await codeOf(body.perform(ecuReset, { type: 2 }, mint(office)))).toBe('gate/permit-foreign');
      const revoked = mint(office);
      office.revoke(revoked);
      expect(await codeOf(body.perform(writeDataByIdentifier, WRITE, revoked))).toBe('gate/permit-used');
      expect(bytes()).toBe(before);
    }));

  it('gate: a request with an effect never passes as a read: 0 bytes for each', () =>
    atThePort(async ({ body, bytes }) => {
      const before = bytes();
      const raw = [
        '10 02',
        '10 04',
        '10 60',
        '28 03 01',
        '31 01 FF 00',
        '31 02 02 03',
        '2F 12 34 03',
        '34 00 44',
        '36 01',
        '3D 14 00',
        '85 02',
        '87 01 05',
        'BA 01',
      ];
      for (const hex of raw)
        expect(await codeOf(body.call(disguised(fromHex(hex)), null)), hex).toBe('gate/effect-needs-permit');
      expect(bytes()).toBe(before);
    }));

  it('gate: what has an effect takes a permit by type: each line below does not compile without one', () => {
    const lines = (client: DiagClient) => [
      // @ts-expect-error 2E needs a permit
      () => client.call(writeDataByIdentifier, WRITE),
      // @ts-expect-error 11 needs a permit
      () => client.call(ecuReset, { type: 1 }),
      // @ts-expect-error 14 needs a permit
      () => client.call(clearDiagnosticInformation, { group: fromHex('FFFFFF') }),
      // @ts-expect-error 27 needs a permit
      () => client.call(requestSeed, { level: 3 }),
      // @ts-expect-error 85 needs a permit
      () => client.call(controlDtcSetting, { on: false }),
      // @ts-expect-error 31 01 needs a permit
      () => client.call(startRoutine, { rid: 0xff00 }),
      // @ts-expect-error 10 02 needs a permit
      () => client.call(changeSession, { session: 0x02 }),
      // @ts-expect-error a permit cannot be written down
      () => client.perform(writeDataByIdentifier, WRITE, { stepId: 'step' }),
    ];
    expect(lines).toBeTypeOf('function');
  });
});

describe('the deny rule', () => {
  const body = definition('BCM');
  const gateway = definition('GW');
  it.each([
    ['2E F1 90 30', 'identity-range'],
    ['2E F1 87 30', 'identity-range'],
    ['2E F1 8C 30', 'identity-range'],
    ['2E F1 80 30', 'identity-range'],
    ['2E F1 9F 30', 'identity-range'],
    ['10 02', 'session-not-in-definition'],
    ['10 82', 'session-not-in-definition'],
    ['10 04', 'safety-session'],
    ['10 60', 'supplier-session'],
    ['10 7E', 'supplier-session'],
    ['11 01', 'reset-not-in-definition'],
    ['27 03', 'level-not-in-definition'],
    ['27 12', 'level-not-in-definition'],
    ['28 03 01', 'service-not-used-by-coding'],
    ['2F 12 34 03', 'service-not-used-by-coding'],
    ['31 01 FF 00', 'service-not-used-by-coding'],
    ['34 00 44', 'service-not-used-by-coding'],
    ['36 01', 'service-not-used-by-coding'],
    ['3B 9A', 'service-not-used-by-coding'],
    ['3D 14', 'service-not-used-by-coding'],
    ['85 02', 'service-not-used-by-coding'],
    ['87 01', 'service-not-used-by-coding'],
  ])('gate: %s is refused (%s), also in expert raw mode', (hex, rule) => {
    for (const expertRaw of [false, true]) expect(ruleOf(hex, body, expertRaw)).toBe(rule);
    expect(effectOfRequest(fromHex(hex))).not.toMatch(/^(read|session)$/);
  });

  it('gate: what the definition lists as denied is refused in expert raw mode too', () => {
    expect(ruleOf('2E 2A 2E 01', gateway, true)).toBe('denied-by-definition');
  });

  it('gate: an identifier the definition does not name passes only in expert raw mode; without a definition nothing does', () => {
    expect(ruleOf('2E 12 34 01', body, false)).toBe('identifier-not-in-definition');
    expect(ruleOf('2E 12 34 01', body, true)).toBeNull();
    expect(ruleOf('2E 06 00 01', body, false)).toBeNull();
    expect(ruleOf('2E F1 98 01', body, false)).toBeNull();
    expect(ruleOf('2E 06 00 01', null, false)).toBe('identifier-not-in-definition');
    expect(ruleOf('2E F1 98 01', null, true)).toBe('identity-range');
  });

  it('gate: a definition that denies its own coding block: the run stops before 2E 06 00', () =>
    atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        bench.mark();
        const end = await approve(bench.browser, plan);
        expect(end.error).toMatchObject({ code: 'gate/denied', details: { rule: 'denied-by-definition' } });
        expect(bench.count('09', '2E 06 00')).toBe(0);
        expect(bench.intents(plan)).not.toContain('write-0600');
      },
      { pack: changed((body) => ({ ...body, denied: ['0600'] })) },
    ));

  it('gate: a definition that takes F197 for a coding block, in expert raw mode, typed: gate/denied, nothing is sent', () =>
    atTheCar(
      async (bench) => {
        const { service } = bench.browser;
        await service.saveSettings({ version: 1, shopCode: null, shopName: '', expert: true });
        const plan = await service.planCoding({
          commandId: 'raw',
          moduleId: '70E-778',
          changes: [],
          raw: [{ did: 'F197', hex: '424F4759204F' }],
          shopCode: { kind: 'module' },
        });
        bench.mark();
        const end = await approve(bench.browser, plan);
        expect(end.error).toMatchObject({ code: 'gate/denied', details: { rule: 'identity-range' } });
        expect(bench.count('09', '2E')).toBe(0);
        expect(bench.intents(plan)).toEqual([]);
      },
      {
        pack: changed((body) => ({
          ...body,
          codingBlocks: [
            ...body.codingBlocks,
            {
              id: 'name',
              did: 'F197',
              title: { en: 'Name', de: 'Name' },
              lengthBytes: 6,
              readSession: 3,
              writeSession: 3,
              needsPrelude: false,
            },
          ],
        })),
      },
    ));

  it('gate: raw bytes without the expert setting: gate/denied; with it the person must type the VIN’s last four', () =>
    atTheCar(async (bench) => {
      const { service } = bench.browser;
      const raw = {
        moduleId: '70E-778',
        changes: [],
        raw: [{ did: '0600', hex: 'FF'.repeat(30) }],
        shopCode: { kind: 'module' },
      } as const;
      expect(await codeOf(service.planCoding({ commandId: 'a', ...raw }))).toBe('gate/denied');
      await service.saveSettings({ version: 1, shopCode: null, shopName: '', expert: true });
      const plan = await service.planCoding({ commandId: 'b', ...raw });
      bench.mark();
      for (const typed of [null, '', '0016', '17'])
        expect(await codeOf(service.approve({ commandId: `c${typed}`, planId: plan.id, typed }))).toBe('gate/denied');
      expect(bench.count('09', '2E')).toBe(0);
      const end = await approve(bench.browser, plan);
      expect(end.outcome?.proven).toBe(true);
      expect(bench.coding()).toBe('FF'.repeat(30));
    }));
});

/** A service that says of itself that it only reads. */
function disguised(pdu: Uint8Array): Service<null, null> & { effect(request: null): 'read' } {
  return {
    sid: pdu[0] ?? 0,
    name: 'Disguised',
    effect: (): Extract<Effect, 'read'> => 'read',
    encode: () => pdu,
    echo: () => new Uint8Array(),
    decode: () => null,
  };
}

function definition(shortName: string): Definition {
  const found = PACK.definitions.find((known) => known.shortName === shortName);
  if (found === undefined) throw new Error(`no definition ${shortName}`);
  return found;
}

function ruleOf(hex: string, scope: Definition | null, expertRaw: boolean): string | null {
  try {
    assertNotDenied(fromHex(hex), { definition: scope, expertRaw });
    return null;
  } catch (error) {
    if (isStackError(error, 'gate/denied')) return error.details.rule;
    throw error;
  }
}

/** The pack with another definition of the central electrics. */
function changed(change: (body: Definition) => Definition): DefinitionPack {
  return {
    ...PACK,
    definitions: PACK.definitions.map((known) => (known.shortName === 'BCM' ? change(known) : known)),
  };
}
