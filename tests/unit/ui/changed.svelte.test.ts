import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromHex, toHex } from '#base/hex.ts';
import type { Backup } from '#contract/backup.ts';
import type { Definition, DefinitionMatch, DefinitionPack } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { writeParameter } from '#definitions/codec.ts';
import type { OperationSummary } from '#store/reading.ts';
import { Staging } from '#ui/state/staging.svelte.ts';
import { changedOptions } from '#ui/views/module/changed.ts';
import { blockStates, type OptionState, optionStates } from '#ui/views/module/options.ts';
import { backup, coding, moduleView, VIN } from '../ui-backups/fixtures.ts';

const pack = JSON.parse(readFileSync('public/definitions/virtual-v1.json', 'utf8')) as DefinitionPack;
const body = pack.definitions.find(({ id }) => id === 'v1-body') as Definition;
/** Block 0600 of the body electronics, 30 bytes: tear wipe on. */
const HELD = '09190012242600 0E 3004A8004010 0000 8A02005C0000 0133 0080000000 12'.replaceAll(' ', '').padEnd(60, '0');
const module: ModuleView = moduleView({
  blocks: { entries: [coding(HELD)], unreadable: [], readAtWallMs: 5000 },
});
const options: readonly OptionState[] = optionStates(module, body, blockStates(module, body, new Staging()));
const wipe = options.find(({ parameter }) => parameter.id === 'tear-wipe') as OptionState;
const WIPE_OTHERWISE = toHex(writeParameter(fromHex(HELD), wipe.parameter, wipe.now.coded === 1 ? 0 : 1));

const received = (hex: string, over: Partial<Backup> = {}) =>
  backup({ blocks: [coding(hex)], pinned: 'as-received', ...over });

interface Job {
  readonly state?: string;
  readonly moduleKey?: string;
  readonly vin?: string;
  readonly parameterId?: string;
}

function job({ state = 'written-verified', moduleKey = 'CBAYBCM0000015', vin = VIN, parameterId }: Job = {}) {
  return {
    plan: {
      kind: 'coding',
      vin,
      module: { moduleId: module.moduleId, moduleKey },
      changes: [{ parameterId: parameterId ?? 'tear-wipe', blockDid: '0600' }],
    },
    ended: { kind: 'closed', wallMs: 7000, outcome: { state } },
  } as unknown as OperationSummary;
}

const changed = (backups: readonly Backup[], jobs: readonly OperationSummary[]) => [
  ...changedOptions(module, VIN, options, backups, jobs),
];

describe('changed by us', () => {
  it('an option that is not as received tells its value then; one that is has nothing to tell', () => {
    const [[id, how] = [], ...others] = changed([received(WIPE_OTHERWISE)], []);
    expect(others).toEqual([]);
    expect(id).toBe('tear-wipe');
    expect(how).toEqual({ received: { en: 'Off', de: 'Aus' }, writtenWallMs: null });
    expect(changed([received(HELD)], [])).toEqual([]);
  });

  it('only the pinned backup is as received, and only a block of the same length is compared', () => {
    expect(changed([received(WIPE_OTHERWISE, { pinned: null })], [])).toEqual([]);
    expect(changed([received('0919')], [])).toEqual([]);
  });

  it('an option that a job of ours wrote is told with its time, also when it is as received again', () => {
    expect(changed([received(HELD)], [job()])).toEqual([['tear-wipe', { received: null, writtenWallMs: 7000 }]]);
  });

  it('a job that changed nothing, another car, another module at the address and another option do not count', () => {
    const none = [
      job({ state: 'untouched' }),
      job({ vin: '0CBV1000000000018' }),
      job({ moduleKey: 'CBAYBCM0000099' }),
      job({ parameterId: 'comfort-turn-signal' }),
    ].map((other) => changed([], [other]).filter(([id]) => id === 'tear-wipe'));
    expect(none).toEqual([[], [], [], []]);
  });
});

describe('favourites', () => {
  const exact = (definitionId: string): DefinitionMatch => ({
    kind: 'exact',
    packId: 'virtual-v1',
    definitionId,
    sha256: '00',
  });

  /** A browser with this in its storage; null: site data is blocked. */
  async function opened(stored: string | null) {
    const data = new Map(stored === null ? [] : [['codebay.favourites', stored]]);
    const blocked = () => {
      throw new DOMException('blocked', 'SecurityError');
    };
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => (stored === null ? blocked() : (data.get(key) ?? null)),
      setItem: (key: string, value: string) => (stored === null ? blocked() : data.set(key, value)),
    });
    vi.resetModules();
    const { favourites } = await import('#ui/views/module/favourites.svelte.ts');
    return { favourites, kept: () => data.get('codebay.favourites') };
  }

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('a star is kept by definition and taken away by the same press', async () => {
    const { favourites, kept } = await opened('[]');
    favourites.toggle(exact('v1-body'), 'tear-wipe');
    expect(favourites.has(exact('v1-body'), 'tear-wipe')).toBe(true);
    expect(favourites.has(exact('v1-doors'), 'tear-wipe')).toBe(false);
    expect(kept()).toBe('[["virtual-v1/v1-body",["tear-wipe"]]]');
    favourites.toggle(exact('v1-body'), 'tear-wipe');
    expect(kept()).toBe('[]');
  });

  it('foreign content and blocked site data mean no stars, and stars last as long as the page', async () => {
    expect((await opened('{"a":1}')).favourites.has(exact('v1-body'), 'tear-wipe')).toBe(false);
    expect((await opened('[["virtual-v1/v1-body",[1]]]')).favourites.has(exact('v1-body'), '1')).toBe(false);
    const { favourites } = await opened(null);
    favourites.toggle(exact('v1-body'), 'tear-wipe');
    expect(favourites.has(exact('v1-body'), 'tear-wipe')).toBe(true);
  });
});
