import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import * as areas from '#ui/messages/areas.ts';
import { messages as shownIn, text as shownText } from '#ui/messages/index.svelte.ts';

/** A fresh page. Its runes belong to a fresh runtime as well: what re-renders is tested on the page imported above. */
const load = async () => {
  vi.resetModules();
  return await import('#ui/messages/index.svelte.ts');
};

describe('the language', () => {
  const kept = new Map<string, string>();

  beforeEach(() => {
    kept.clear();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    [['de-AT', 'en'], 'de'],
    [['fr-FR', 'de-DE', 'en'], 'de'],
    [['en-US', 'de'], 'en'],
    [['fr', 'it'], 'en'],
    [[], 'en'],
  ])('is the first of the browser’s %j that the app speaks: %s', async (languages, expected) => {
    vi.stubGlobal('navigator', { languages });
    expect((await load()).messages.language).toBe(expected);
  });

  it('is the person’s choice before the browser’s, and kept', async () => {
    vi.stubGlobal('navigator', { languages: ['de'] });
    const { messages } = await load();
    messages.language = 'en';
    expect(kept.get('codebay.language')).toBe('en');
    expect((await load()).messages.language).toBe('en');
  });

  it('a stored value that is no language is not believed', async () => {
    vi.stubGlobal('navigator', { languages: ['de'] });
    kept.set('codebay.language', '__proto__');
    expect((await load()).messages.language).toBe('de');
  });

  it('works where site data is blocked', async () => {
    const blocked = () => {
      throw new Error('SecurityError');
    };
    vi.stubGlobal('localStorage', { getItem: blocked, setItem: blocked });
    vi.stubGlobal('navigator', { languages: ['en'] });
    const { messages, text } = await load();
    messages.language = 'de';
    expect(text.common.changes(2)).toBe('2 Änderungen');
  });

  it('switching it shows every word again', () => {
    shownIn.language = 'en';
    const shown: string[] = [];
    const stop = $effect.root(() => {
      $effect(() => {
        shown.push(`${shownText.common.changes(3)} ${shownText.status.module('not-answering')}`);
      });
    });
    flushSync();
    shownIn.language = 'de';
    flushSync();
    stop();
    expect(shown).toEqual(['3 changes Not answering', '3 Änderungen Antwortet nicht']);
  });

  it('every area is there in both languages with the same entries', () => {
    expect(Object.keys(shownText).sort()).toEqual(Object.keys(areas).sort());
    for (const area of Object.values(areas)) expect(Object.keys(area.de).sort()).toEqual(Object.keys(area.en).sort());
  });
});
