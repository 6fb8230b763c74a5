import { describe, expect, it } from 'vitest';
import type { ErrorRecord } from '#contract/errors.ts';
import { isOnTheCar, restorability } from '#ui/views/backups/restorable.ts';
import { backup, car, coding, connected, definition, identity, moduleView, stamp } from './fixtures.ts';

describe('"on the car now" is said only of values just read', () => {
  it('holds when every coding byte is the same, whatever the stamps say', () => {
    expect(isOnTheCar(backup(), car())).toBe(true);
    expect(isOnTheCar(backup({ blocks: [coding('0A10'), stamp('010101')] }), car())).toBe(true);
  });

  it('does not hold for one other bit', () => {
    expect(isOnTheCar(backup({ blocks: [coding('0A11')] }), car())).toBe(false);
  });

  it('does not hold when the values were read before the adapter was lost', () => {
    expect(isOnTheCar(backup(), car({ module: moduleView({ stale: true }) }))).toBe(false);
    expect(isOnTheCar(backup(), car({ connection: { kind: 'none' } }))).toBe(false);
  });

  it('does not hold when a job began after the values were read', () => {
    expect(isOnTheCar(backup(), car({ lastJobWallMs: () => 4999 }))).toBe(true);
    expect(isOnTheCar(backup(), car({ lastJobWallMs: () => 5000 }))).toBe(false);
    expect(isOnTheCar(backup(), car({ lastJobWallMs: () => Number.POSITIVE_INFINITY }))).toBe(false);
  });

  it('does not hold for another serial number, another car, or a block the backup does not have', () => {
    expect(isOnTheCar(backup({ module: { serial: 'OTHER' } }), car())).toBe(false);
    expect(isOnTheCar(backup(), car({ vin: '0CBV1000000000099' }))).toBe(false);
    const more = moduleView({
      blocks: { entries: [coding('0A10'), coding('01', '0411')], unreadable: [], readAtWallMs: 5000 },
    });
    expect(isOnTheCar(backup(), car({ module: more }))).toBe(false);
  });

  it('does not hold for a backup without settings', () => {
    const bare = moduleView({ blocks: { entries: [], unreadable: [], readAtWallMs: 5000 } });
    expect(isOnTheCar(backup({ blocks: [] }), car({ module: bare }))).toBe(false);
  });
});

describe('may a backup go back', () => {
  it('says what is missing, in the order in which a person can mend it', () => {
    const missing = (now: ReturnType<typeof car>) => restorability(backup(), now, definition);
    expect(missing(car({ connection: { kind: 'none' }, vehicle: null }))).toEqual({
      kind: 'missing',
      what: 'connection',
    });
    expect(missing(car({ vehicle: null }))).toEqual({ kind: 'missing', what: 'scan' });
    expect(missing(car({ vin: '0CBV1000000000099' }))).toEqual({ kind: 'missing', what: 'other-car' });
    expect(missing(car({ module: moduleView({ moduleId: '714-77E' }) }))).toEqual({ kind: 'missing', what: 'module' });
    expect(missing(car({ module: moduleView({ identity: null }) }))).toEqual({
      kind: 'missing',
      what: 'module-silent',
    });
    const error: ErrorRecord = { code: 'store/quota', message: '', details: { neededBytes: 1 } };
    expect(missing(car({ store: { kind: 'read-only', error } }))).toEqual({ kind: 'missing', what: 'storage' });
  });

  it('asks for the adapter that may code', () => {
    if (connected.kind !== 'open') throw new Error('the fixture is connected');
    const verdict = { ...connected.adapter.verdict, code: { may: false, reason: 'wireless' } as const };
    const connection = { ...connected, adapter: { ...connected.adapter, verdict } };
    expect(restorability(backup(), car({ connection }), definition)).toEqual({ kind: 'missing', what: 'adapter' });
  });

  it('counts what differs from the values just read', () => {
    const verdict = restorability(backup({ blocks: [coding('0500')] }), car(), definition);
    expect(verdict).toMatchObject({ kind: 'ready' });
    if (verdict.kind !== 'ready') return;
    expect(verdict.comparison?.differences.map(({ from, to }) => [from.en, to.en])).toEqual([
      ['10 ×', '5 ×'],
      ['On', 'Off'],
    ]);
  });

  it('is ready without a comparison when the values are not read', () => {
    const unread = car({ module: moduleView({ blocks: null }) });
    expect(restorability(backup(), unread, definition)).toMatchObject({ kind: 'ready', comparison: null });
  });

  it('says when there is nothing to put back', () => {
    expect(restorability(backup(), car(), definition)).toMatchObject({ kind: 'equal' });
  });

  it.each([
    ['other-serial', { serial: 'OTHER' }],
    ['other-hardware', { hardware: 'OTHER' }],
    ['other-hardware', { part: 'OTHER' }],
    ['other-software', { softwareVersion: '0115' }],
    ['other-vin', { vin: '0CBV1000000000099' }],
    ['other-definition', { match: { kind: 'none' } as const }],
  ] as const)('D09 refuses a backup with %s and says both', (reason, module) => {
    const verdict = restorability(backup({ module }), car(), definition);
    expect(verdict).toMatchObject({ kind: 'refused', error: { code: 'restore/refused', details: { reason } } });
  });

  it('refuses a module that a definition fits only nearly, or none', () => {
    const near = { kind: 'near', packId: 'p', definitionId: 'd', sha256: '00', differs: ['software'] } as const;
    const nearly = car({ module: moduleView({ identity: { ...identity, match: near } }) });
    expect(restorability(backup(), nearly, definition)).toMatchObject({ error: { code: 'definition/near-match' } });
    const none = car({ module: moduleView({ identity: { ...identity, match: { kind: 'none' } } }) });
    expect(restorability(backup(), none, definition)).toMatchObject({ error: { code: 'definition/no-match' } });
  });
});
