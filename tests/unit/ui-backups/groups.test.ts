import { describe, expect, it } from 'vitest';
import { comparableWith, groupBackups } from '#ui/views/backups/groups.ts';
import { backup, VIN } from './fixtures.ts';

const other = '0CBV1000000000099';
const all = [
  backup({ id: 'n3' }),
  backup({ id: 'e1', module: { moduleId: '7E0-7E8', shortName: 'ECM' } }),
  backup({ id: 'n2', module: { serial: 'SWAPPED' } }),
  backup({ id: 'n1' }),
  backup({ id: 'x1', vehicle: { vin: other, sources: [] } }),
];
const textOf = ({ module, vehicle }: (typeof all)[number]) => `${vehicle.vin} ${module.shortName} ${module.serial}`;

describe('backups by car, module and time', () => {
  it('keeps the order of time and tells a swapped module apart', () => {
    const groups = groupBackups(all, { search: '', textOf });
    expect(groups.map(({ vin, count }) => [vin, count])).toEqual([
      [VIN, 4],
      [other, 1],
    ]);
    expect(groups[0]?.modules.map((module) => module.backups.map(({ id }) => id))).toEqual([
      ['n3', 'n1'],
      ['e1'],
      ['n2'],
    ]);
  });

  it('shows one car only', () => {
    expect(groupBackups(all, { search: '', vin: other, textOf }).map(({ vin }) => vin)).toEqual([other]);
  });

  it('finds every word in any order and case, and leaves no empty group', () => {
    const groups = groupBackups(all, { search: ' swapped  bcm ', textOf });
    expect(groups.flatMap(({ modules }) => modules.flatMap((module) => module.backups.map(({ id }) => id)))).toEqual([
      'n2',
    ]);
    expect(groupBackups(all, { search: 'nothing', textOf })).toEqual([]);
  });

  it('compares only with backups of the same place in the same car', () => {
    const [first] = all;
    if (first === undefined) throw new Error('the list has a first');
    expect(comparableWith(first, all).map(({ id }) => id)).toEqual(['n2', 'n1']);
  });
});
