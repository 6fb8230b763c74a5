import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type InlineConfig } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPrecached, listFiles, offline, precacheOf, sha256Hex } from '../../../build/offline.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'codebay-offline-'));
  await writeFile(join(root, 'index.html'), '<script type="module" src="/main.js"></script>');
  await writeFile(join(root, 'main.js'), "import { shared } from './shared.js'; console.log(shared);");
  await writeFile(join(root, 'shared.js'), "export const shared = 'a'.repeat(Number(location.hash));");
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Builds the page above with this service worker and gives back `sw.js`. */
async function buildWith(serviceWorker: string, plugins: InlineConfig['plugins'] = []): Promise<string> {
  await writeFile(join(root, 'sw.js'), serviceWorker);
  const result = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [offline({ release: 'r1' }), plugins],
    build: {
      rolldownOptions: {
        input: { index: join(root, 'index.html'), sw: join(root, 'sw.js') },
        output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
      },
    },
  });
  if (!('output' in result)) throw new Error('expected one build');
  const worker = result.output.find((file) => file.fileName === 'sw.js');
  if (worker?.type !== 'chunk') throw new Error('no sw.js');
  return worker.code;
}

describe('the list of files for offline use', () => {
  it('gives the same version for the same files in any order', () => {
    const a = precacheOf(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
      'code',
      'r1',
    );
    const b = precacheOf(
      new Map([
        ['b', '2'],
        ['a', '1'],
      ]),
      'code',
      'r1',
    );
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
  });

  it('gives another version when a file, the code or the release differs', () => {
    const files = new Map([['a', '1']]);
    const versions = [
      precacheOf(files, 'code', 'r1'),
      precacheOf(new Map([['a', '2']]), 'code', 'r1'),
      precacheOf(files, 'edoc', 'r1'),
      precacheOf(files, 'code', 'r2'),
    ].map((list) => list.version);
    expect(new Set(versions).size).toBe(4);
  });

  it('leaves out the service worker, source maps and hidden files', () => {
    expect(
      ['index.html', 'sw.js', 'assets/a.js', 'assets/a.js.map', '.well-known/x', 'definitions/uds.json'].filter(
        isPrecached,
      ),
    ).toEqual(['index.html', 'assets/a.js', 'definitions/uds.json']);
  });

  it('hashes as SHA-256 in lower-case hex (FIPS 180-4, "abc")', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('lists files of subfolders with slashes, and none of a folder that is not there', async () => {
    expect(await listFiles(root)).toEqual(['index.html', 'main.js', 'shared.js']);
    expect(await listFiles(join(root, 'none'))).toEqual([]);
  });
});

describe('the build', () => {
  it('puts every file with its hash into sw.js, and the policy into the page', async () => {
    const code = await buildWith('self.list = __PRECACHE__;');
    expect(code).not.toContain('__PRECACHE__');
    const files = JSON.parse(/"files":(\{[^}]*\})/.exec(code)?.[1] ?? '{}') as Record<string, string>;
    expect(Object.keys(files)).toEqual([expect.stringMatching(/^assets\/index-.*\.js$/), 'index.html']);
    expect(Object.values(files).every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
  });

  it('fails when sw.js imports something: a classic script cannot', async () => {
    await expect(
      buildWith("import { shared } from './shared.js'; self.list = [__PRECACHE__, shared];"),
    ).rejects.toThrow(/sw\.js must be self-contained/);
  });

  it('fails when sw.js does not use the list', async () => {
    await expect(buildWith('self.list = [];')).rejects.toThrow(/__PRECACHE__ exactly once/);
  });

  it('fails when a file is written differently from its hash', async () => {
    const late = {
      name: 'late',
      writeBundle: () => writeFile(join(root, 'dist/index.html'), 'changed after hashing'),
    };
    await expect(buildWith('self.list = __PRECACHE__;', [late])).rejects.toThrow(/index\.html was written differently/);
  });
});
