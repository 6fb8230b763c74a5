import type { PreprocessorGroup } from 'svelte/compiler';

/** What an icon of the first screen may be made of; anything else stops the build instead of being left out. */
const TAGS: ReadonlySet<string> = new Set(['path', 'circle', 'rect', 'line', 'polyline', 'polygon', 'ellipse']);
const ICON_FILE = /[\\/]@lucide[\\/]svelte[\\/]dist[\\/]icons[\\/][a-z0-9-]+\.svelte$/;

/**
 * Lucide's components build each icon at run time, element by element with spread attributes; some thirty of them are a third of
 * the time to the first screen (goal P12). Here each becomes what it is: static markup that Svelte clones from a template.
 * Takes `class` and `fill`; an icon is decoration (`aria-hidden`): what it means stands beside it in words.
 */
export function staticIcons(): PreprocessorGroup {
  return {
    name: 'static-icons',
    markup: ({ content, filename }) =>
      filename !== undefined && ICON_FILE.test(filename) ? { code: staticIcon(content, filename) } : undefined,
  };
}

/** @throws Error when the package's file is not of the shape that is known */
export function staticIcon(source: string, filename: string): string {
  const json = /const iconData = (\{.*\});/.exec(source)?.[1];
  if (json === undefined) throw new Error(`${filename}: no icon data`);
  const data = JSON.parse(json) as { readonly name: string; readonly size: number; readonly node: unknown };
  if (!Array.isArray(data.node)) throw new Error(`${filename}: no icon node`);
  const children = data.node.map((child: unknown) => element(child, filename)).join('');
  const box = `0 0 ${data.size} ${data.size}`;
  return [
    '<script lang="ts">',
    "const { class: name = undefined, fill = 'none' } = $props();",
    '</script>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${data.size}" height="${data.size}" viewBox="${box}" {fill}`,
    ' stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"',
    ` class={name} aria-hidden="true">${children}</svg>`,
  ].join('\n');
}

function element(child: unknown, filename: string): string {
  if (!Array.isArray(child) || child.length !== 2) throw new Error(`${filename}: an element that is no pair`);
  const [tag, attributes] = child as [unknown, unknown];
  if (typeof tag !== 'string' || !TAGS.has(tag) || typeof attributes !== 'object' || attributes === null)
    throw new Error(`${filename}: element ${JSON.stringify(tag)} is not known`);
  const written = Object.entries(attributes).map(([name, value]) => {
    if (!/^[a-z][a-z0-9-]*$/.test(name) || !/^[\w .,#()-]*$/.test(String(value)))
      throw new Error(`${filename}: attribute ${name} is not known`);
    return ` ${name}="${String(value)}"`;
  });
  return `<${tag}${written.join('')}/>`;
}
