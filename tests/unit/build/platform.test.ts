import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Observable } from '#ui/platform/observable.ts';

const publicFolder = join(import.meta.dirname, '../../../public');

describe('the web manifest', () => {
  const manifest = JSON.parse(readFileSync(join(publicFolder, 'manifest.webmanifest'), 'utf8'));

  it('is relative throughout, so that the app installs from any sub-path', () => {
    expect([manifest.id, manifest.start_url, manifest.scope]).toEqual(['./', './', './']);
    for (const icon of manifest.icons) expect(icon.src).toMatch(/^icons\//);
  });

  it('names PNG icons that exist and have the size it says (IHDR, bytes 16 to 23)', () => {
    const icons = manifest.icons.filter((icon: { type: string }) => icon.type === 'image/png');
    expect(icons.map((icon: { sizes: string }) => icon.sizes)).toEqual(['192x192', '512x512', '512x512']);
    for (const icon of icons) {
      const bytes = readFileSync(join(publicFolder, icon.src));
      expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(icon.sizes);
    }
    expect(existsSync(join(publicFolder, 'icons/codebay.svg'))).toBe(true);
  });
});

describe('an observable value', () => {
  it('tells a new listener the value at once, then each change, and not the same value twice', () => {
    const value = new Observable('a');
    const seen: string[] = [];
    const stop = value.subscribe((next) => seen.push(next));
    value.set('a');
    value.set('b');
    stop();
    value.set('c');
    expect(seen).toEqual(['a', 'b']);
    expect(value.value).toBe('c');
  });

  it('ends two subscriptions of one listener apart', () => {
    const value = new Observable(1);
    let calls = 0;
    const listener = () => calls++;
    const stop = value.subscribe(listener);
    value.subscribe(listener);
    stop();
    value.set(2);
    expect(calls).toBe(3);
  });
});
