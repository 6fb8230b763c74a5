import type { DefinitionPack } from '#contract/definition.ts';
import type { WritePlan } from '#contract/plan.ts';
import type { CarData } from '#simulator/car-data.ts';
import { type Browser, carOf, Garage, packOf } from '../support/workshop.ts';

/** Central electrics (prelude, restart after the write) and the gateway, which tells the voltage. */
export const LABELS = ['09', '19'] as const;
export const BCM = '70E-778';
export const PACK: DefinitionPack = packOf(LABELS);
export const CAR: CarData = carOf(LABELS);
/** What V1's central electrics hold as delivered. */
export const ORIGINAL = '091900122426000E3004A800401000008A02005C00000133008000000012';

export async function newGarage(seed = 1): Promise<Garage> {
  return Garage.build({ data: CAR, seed });
}

/** Daytime lights off and mirrors fold off: two options of one block, with the shop code the module holds. */
export async function planTwoOptions(browser: Browser): Promise<WritePlan> {
  return browser.service.planCoding({
    commandId: browser.commandId(),
    moduleId: BCM,
    changes: await twoOptions(browser),
    shopCode: { kind: 'module' },
  });
}

/** Flips whatever the module has now. */
async function twoOptions(browser: Browser): Promise<readonly { parameterId: string; value: number }[]> {
  const bytes = browser.garage.did('09', '0600');
  const bit = (byte: number, n: number) => (Number.parseInt(bytes.slice(byte * 2, byte * 2 + 2), 16) >> n) & 1;
  return [
    { parameterId: parameterAt(3, 1), value: 1 - bit(3, 1) },
    { parameterId: parameterAt(4, 2), value: 1 - bit(4, 2) },
  ];
}

export function parameterAt(byte: number, bit: number): string {
  const definition =
    PACK.definitions.find((known) => known.shortName === 'BCM') ??
    PACK.definitions.find((known) => known.parameters.some((p) => p.position.byte === byte && p.position.bit === bit));
  const parameter = definition?.parameters.find((known) => known.position.byte === byte && known.position.bit === bit);
  if (parameter === undefined) throw new Error(`no option at ${byte}.${bit}`);
  return parameter.id;
}

export async function approve(
  browser: Browser,
  plan: { readonly id: string; readonly vin: string | null },
  options: { readonly tryKeyAgain?: boolean } = {},
) {
  return browser.done(
    browser.service.approve({
      commandId: browser.commandId(),
      planId: plan.id,
      typed: plan.vin?.slice(-4) ?? null,
      ...options,
    }),
  );
}

export const GATEWAY = '710-77A';

/** A bigger battery and no trailer hitch: two blocks of one module, one with a prelude, one with a checksum. */
export async function planTwoBlocks(browser: Browser): Promise<WritePlan> {
  return browser.service.planCoding({
    commandId: browser.commandId(),
    moduleId: GATEWAY,
    changes: [
      { parameterId: parameterOf('19', '0411', 0), value: 80 },
      { parameterId: parameterOf('19', '0600', 20), value: 0 },
    ],
    shopCode: { kind: 'module' },
  });
}

function parameterOf(label: string, did: string, byte: number): string {
  const slot = PACK.modules.find((known) => known.label === label);
  for (const definition of PACK.definitions) {
    if (definition.shortName !== slot?.shortName) continue;
    const block = definition.codingBlocks.find((known) => known.did === did);
    const parameter = definition.parameters.find((known) => known.block === block?.id && known.position.byte === byte);
    if (parameter) return parameter.id;
  }
  throw new Error(`no option in ${label} ${did} byte ${byte}`);
}
