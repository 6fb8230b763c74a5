/** What is wrong with a JSON text and where: `line 12, column 5 ($.modules[3].label)`. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly at: string;
  readonly why: string;

  constructor(at: string, why: string) {
    super(`${at}: ${why}`);
    this.at = at;
    this.why = why;
  }
}

/** Names that reach the prototype of an ordinary object (fault I09). */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const MAX_NAME_LENGTH = 64;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS: readonly (readonly [string, null | boolean])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

/**
 * RFC 8259 JSON from a stranger: refuses what `JSON.parse` lets through (a member twice, `__proto__`, numbers beyond the
 * range of doubles, any depth) and names line, column and path of what is wrong.
 * @throws JsonError
 */
export function parseStrictJson(text: string, limits: { readonly maxDepth: number }): unknown {
  return new Reader(text, limits.maxDepth).document();
}

/** `$.modules[3].label` for `['modules', 3, 'label']`. */
export function jsonPath(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => path + (typeof key === 'number' ? `[${key}]` : `.${key}`), '$');
}

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  /** Where we are in the tree: member names and array positions. Its length is the depth. */
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): unknown {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('more text after the end of the value');
    return value;
  }

  #value(): unknown {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === undefined) this.#fail('the text ends where a value is expected');
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    if (first === '"') return this.#string();
    for (const [word, value] of WORDS)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    return this.#number();
  }

  #object(): Readonly<Record<string, unknown>> {
    this.#open();
    const members: Record<string, unknown> = {};
    while (this.#next('}', Object.keys(members).length === 0)) {
      this.#skipSpace();
      const start = this.#at;
      if (this.#text[start] !== '"') this.#fail('a member name in quotes is expected');
      const name = this.#string();
      const shown = JSON.stringify(name.slice(0, MAX_NAME_LENGTH));
      if (name.length > MAX_NAME_LENGTH) this.#fail(`the member name ${shown}… is too long`, start);
      if (FORBIDDEN_NAMES.has(name)) this.#fail(`a member named ${shown} is not allowed`, start);
      if (Object.hasOwn(members, name)) this.#fail(`the member ${shown} is there twice`, start);
      this.#skipSpace();
      if (this.#text[this.#at] !== ':') this.#fail('":" is expected');
      this.#at++;
      this.#path.push(name);
      members[name] = this.#value();
      this.#path.pop();
    }
    return members;
  }

  #array(): readonly unknown[] {
    this.#open();
    const items: unknown[] = [];
    while (this.#next(']', items.length === 0)) {
      this.#path.push(items.length);
      items.push(this.#value());
      this.#path.pop();
    }
    return items;
  }

  #open(): void {
    if (this.#path.length >= this.#maxDepth) this.#fail(`nested deeper than ${this.#maxDepth} levels`);
    this.#at++;
  }

  /** Before each member or item: past the comma, or past the closing bracket and false. */
  #next(closing: '}' | ']', isFirst: boolean): boolean {
    this.#skipSpace();
    const mark = this.#text[this.#at];
    if (mark === undefined) this.#fail(`the text ends before "${closing}"`);
    if (mark === closing) {
      this.#at++;
      return false;
    }
    if (isFirst) return true;
    if (mark !== ',') this.#fail(`"," or "${closing}" is expected`);
    this.#at++;
    return true;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (this.#text[end] !== '"') {
      const code = this.#text.charCodeAt(end);
      if (Number.isNaN(code)) this.#fail('the text ends inside a string', start);
      if (code < 0x20) this.#fail('a control character inside a string', end);
      end += code === 0x5c ? 2 : 1;
    }
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return String(value);
    } catch {
      // The quotes are balanced and control characters are out: only an escape can be wrong.
      return this.#fail('a string with an unknown escape', start);
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) this.#fail('a value is expected');
    const value = Number(digits);
    if (!Number.isFinite(value)) this.#fail(`the number ${digits.slice(0, 20)} is out of range`);
    this.#at += digits.length;
    return value;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #fail(why: string, at = this.#at): never {
    const before = this.#text.slice(0, Math.min(at, this.#text.length)).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new JsonError(`line ${before.length}, column ${column} (${jsonPath(this.#path)})`, why);
  }
}
