import { mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeIfChanged } from '../../../build/generate.ts';

it('a generated file is written when it differs, and left alone (date included) when it does not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codebay-generate-'));
  try {
    const path = join(folder, 'deep/schema.json');
    expect(await writeIfChanged(path, '{}\n')).toBe('written');
    await utimes(path, 1, 1);
    expect(await writeIfChanged(path, '{}\n')).toBe('unchanged');
    expect((await stat(path)).mtimeMs).toBe(1000);
    expect(await writeIfChanged(path, '{"a":1}\n')).toBe('written');
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});
