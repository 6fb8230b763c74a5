import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) return filesOf(path);
    return /\.(ts|svelte)$/.test(name) && !name.endsWith('.d.ts') ? [path] : [];
  });
}

const sources = filesOf('src').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const layerOf = (path: string) => path.split('/')[1] ?? '';

/** Which layers a file imports, by `#layer/…`; relative paths stay inside a folder (lint). */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'#([a-z]+)\//g)].map(([, layer = '']) => layer);
}

describe('architecture', () => {
  it('no two layers import each other', () => {
    const edges = new Set(sources.flatMap(({ path, text }) => importsOf(text).map((to) => `${layerOf(path)}>${to}`)));
    const both = [...edges].filter((edge) => {
      const [from, to] = edge.split('>');
      return from !== to && edges.has(`${to}>${from}`);
    });
    expect(both).toEqual([]);
  });

  it('only the host mints permits: the office is made in procedures/host.ts and nowhere else', () => {
    const makers = sources.filter(({ text }) => text.includes('new PermitOffice(')).map(({ path }) => path);
    expect(makers).toEqual(['src/procedures/host.ts']);
  });

  it('only the diag client sends PDUs', () => {
    const senders = sources.filter(({ text }) => /\.sendPdu\(/.test(text)).map(({ path }) => path);
    expect(senders.filter((path) => !path.startsWith('src/diagnostics/client/'))).toEqual([]);
  });

  it('the simulator shares no codec with the client', () => {
    const shared = sources
      .filter(({ path }) => layerOf(path) === 'simulator')
      .flatMap(({ path, text }) =>
        importsOf(text)
          .filter((to) => !['base', 'contract', 'simulator'].includes(to))
          .map((to) => `${path} > ${to}`),
      );
    expect(shared).toEqual([]);
  });

  it('no markup is ever built from text', () => {
    expect(
      sources.filter(({ text }) => /\{@html|\.innerHTML\s*=|insertAdjacentHTML/.test(text)).map(({ path }) => path),
    ).toEqual([]);
  });
});
