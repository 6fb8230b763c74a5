import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { staticIcon } from '../../../build/icons-markup.ts';
import { projectRoot } from '../../../build/shell.ts';

const folder = join(projectRoot, 'node_modules/@lucide/svelte/dist/icons');
const read = (name: string) => readFileSync(join(folder, `${name}.svelte`), 'utf8');

describe('icons as static markup', () => {
  it('is the drawing of the package, with class and fill to set and nothing built at run time', () => {
    const markup = staticIcon(read('key-round'), 'key-round.svelte');
    expect(markup).toContain('viewBox="0 0 24 24"');
    expect(markup).toContain('<circle cx="16.5" cy="7.5" r=".5" fill="currentColor"/>');
    expect(markup).toContain('class={name} aria-hidden="true"');
    expect(markup).not.toMatch(/svelte:element|\{\.\.\./);
  });

  it('every icon that the app shows can be made so', () => {
    const used = new Set<string>();
    const views = join(projectRoot, 'src/ui');
    for (const path of readdirSync(views, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(svelte|ts)$/.test(name),
    ))
      for (const [, name] of readFileSync(join(views, path), 'utf8').matchAll(/@lucide\/svelte\/icons\/([a-z0-9-]+)/g))
        if (name !== undefined) used.add(name);
    expect(used.size).toBeGreaterThan(20);
    for (const name of used) expect(staticIcon(read(name), name), name).toMatch(/<(path|circle|rect|line)/);
  });

  it('no view gives an icon more than a class and a fill: the rest would be left out silently', () => {
    const views = join(projectRoot, 'src/ui');
    for (const path of readdirSync(views, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.svelte'),
    )) {
      const source = readFileSync(join(views, path), 'utf8');
      for (const [, name] of source.matchAll(/import (\w+) from '@lucide\/svelte\/icons\//g))
        for (const [, attributes = ''] of source.matchAll(new RegExp(`<${name}((?:\\s+[^>]*?)?)\\s*/>`, 'g')))
          expect(attributes.replaceAll(/\b(class|fill)=("[^"]*"|\{[^}]*\})/g, '').trim(), `${path}: ${name}`).toBe('');
    }
  });

  it('refuses a file of another shape by its name', () => {
    expect(() => staticIcon('<svg/>', 'x.svelte')).toThrow('x.svelte: no icon data');
    expect(() => staticIcon('const iconData = {"name":"x","size":24,"node":[["script",{}]]};', 'x.svelte')).toThrow(
      '"script"',
    );
    expect(() =>
      staticIcon('const iconData = {"name":"x","size":24,"node":[["path",{"d":"\\"/>"}]]};', 'x.svelte'),
    ).toThrow('attribute d');
  });
});
