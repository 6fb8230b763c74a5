import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '#base/hex.ts';
import type { Definition, DefinitionPack } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { writeParameter } from '#definitions/codec.ts';
import { Staging } from '#ui/state/staging.svelte.ts';
import { differences } from '#ui/views/module/history.ts';
import { identificationText } from '#ui/views/module/identification.ts';
import {
  bitRanges,
  blockStates,
  type OptionState,
  optionStates,
  stageBytes,
  stagedLines,
  stageOption,
  undoOption,
} from '#ui/views/module/options.ts';

const pack = JSON.parse(readFileSync('public/definitions/virtual-v1.json', 'utf8')) as DefinitionPack;
const body = pack.definitions.find(({ id }) => id === 'v1-body') as Definition;
/** Block 0600 of the body electronics: 30 bytes, tear wipe on, turn signal four times. */
const HELD = '09190012242600 0E 3004A8004010 0000 8A02005C0000 0133 0080000000 12'.replaceAll(' ', '');

function moduleWith(hex: string, softwareVersion = '0114'): ModuleView {
  return {
    moduleId: '70E-778',
    address: {} as ModuleView['address'],
    label: '09',
    shortName: 'BCM',
    title: { en: 'Body electronics', de: 'Bordnetz' },
    group: { en: 'Comfort', de: 'Komfort' },
    status: 'ok',
    identity: {
      part: 'CBAY0937084E',
      softwareVersion,
      match: { kind: 'exact', packId: 'virtual-v1', definitionId: 'v1-body', sha256: '' },
    } as ModuleView['identity'],
    faults: null,
    blocks: { entries: [{ service: '22', did: '0600', role: 'coding', hex }], unreadable: [], readAtWallMs: 0 },
    stale: false,
    lockouts: [],
    lastBackup: null,
  };
}

const held = HELD.padEnd(60, '0');
const module = moduleWith(held);
const options = (staging: Staging, of = module) => optionStates(of, body, blockStates(of, body, staging));
const option = (staging: Staging, id: string): OptionState => {
  const found = options(staging).find(({ parameter }) => parameter.id === id);
  if (found === undefined) throw new Error(`no option ${id}`);
  return found;
};

describe('options of a module', () => {
  it('nothing staged: wanted is what the car holds, no line, no condition', () => {
    const staging = new Staging();
    expect(blockStates(module, body, staging).map(({ wanted }) => toHex(wanted))).toEqual([held]);
    expect(stagedLines(body, blockStates(module, body, staging))).toEqual([]);
    expect(options(staging).every(({ staged, broken }) => staged === null && broken.length === 0)).toBe(true);
  });

  it('a staged option moves its own bits only; staging the old value takes the change away', () => {
    const staging = new Staging();
    const before = option(staging, 'tear-wipe');
    const next = before.now.coded === 1 ? 0 : 1;
    stageOption(staging, module.moduleId, before, next);
    const [line, ...others] = stagedLines(body, blockStates(module, body, staging));
    expect(others).toEqual([]);
    expect(line).toMatchObject({ id: '0600 tear-wipe', byte: before.parameter.position.byte });
    expect(line?.oldHex).not.toBe(line?.newHex);
    const parameter = before.parameter;
    expect(toHex(option(staging, 'tear-wipe').block.wanted)).toBe(
      toHex(writeParameter(fromHex(held), parameter, next)),
    );
    stageOption(staging, module.moduleId, option(staging, 'tear-wipe'), before.now.coded);
    expect(staging.count(module.moduleId)).toBe(0);
  });

  it('a condition between options is told while the wanted values break it', () => {
    const staging = new Staging();
    stageOption(staging, module.moduleId, option(staging, 'trailer-lights'), 0);
    stageOption(staging, module.moduleId, option(staging, 'trailer-turn-signal-monitor'), 1);
    expect(option(staging, 'trailer-turn-signal-monitor').broken.map(({ otherId }) => otherId)).toEqual([
      'trailer-lights',
    ]);
    stageOption(staging, module.moduleId, option(staging, 'trailer-lights'), 1);
    expect(options(staging).flatMap(({ broken }) => broken)).toEqual([]);
  });

  it('bytes edited whole keep the options staged before, and an option set afterwards goes into the bytes', () => {
    const staging = new Staging();
    const wipe = option(staging, 'tear-wipe');
    stageOption(staging, module.moduleId, wipe, wipe.now.coded === 1 ? 0 : 1);
    const [block] = blockStates(module, body, staging);
    if (block === undefined) throw new Error('no block');
    stageBytes(staging, module.moduleId, body, block, block.wanted.with(0, 0x5a));
    expect(staging.changes(module.moduleId)).toEqual([]);
    const [raw] = staging.rawBlocks(module.moduleId);
    expect(raw?.hex.slice(0, 2)).toBe('5A');
    expect(option(staging, 'tear-wipe').staged).not.toBeNull();
    undoOption(staging, module.moduleId, option(staging, 'tear-wipe'));
    expect(option(staging, 'tear-wipe').staged).toBeNull();
    expect(staging.rawBlocks(module.moduleId)[0]?.hex).toBe(`5A${held.slice(2)}`);
  });

  it('an option that needs a newer software is listed with its reason', () => {
    const rear = options(new Staging()).find(({ parameter }) => parameter.id === 'rear-fog-both-sides');
    expect(rear?.availability).toEqual({
      kind: 'unavailable',
      reason: { kind: 'min-software', needs: '0140', has: '0114' },
    });
  });

  it('a block of another length than the definition says shows no options', () => {
    expect(options(new Staging(), moduleWith('0011'))).toEqual([]);
  });

  it('a backup is compared with the car in values; other bytes are told as such', () => {
    const wipe = option(new Staging(), 'tear-wipe');
    const other = toHex(writeParameter(fromHex(held), wipe.parameter, wipe.now.coded === 1 ? 0 : 1));
    const backup = (hex: string) => ({ blocks: [{ service: '22', did: '0600', role: 'coding', hex }] as const });
    expect(differences(backup(held), module, body)).toBe(0);
    expect(differences(backup(other), module, body)).toBe(1);
    expect(differences(backup(other), module, null)).toBe('bytes');
    expect(differences(backup(held), { blocks: null }, body)).toBeNull();
  });

  it('bits are told as ranges, identifiers as text when they are text', () => {
    expect(bitRanges([7, 6, 5, 2, 0])).toBe('7–5, 2, 0');
    expect(identificationText('30313134FF20', 'ascii')).toBe('0114');
    expect(identificationText('3001', 'ascii')).toBe('30 01');
    expect(identificationText('240312', 'bcd')).toBe('24-03-12');
  });
});
