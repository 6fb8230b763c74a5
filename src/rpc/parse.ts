import { StackError } from '#contract/errors.ts';

/**
 * Small checkers for what crosses from the page: commands are data from another realm and are parsed, not cast.
 * Each throws `rpc/malformed-call` with the place.
 */
export class CommandParser {
  readonly #method: string;

  constructor(method: string) {
    this.#method = method;
  }

  fail(why: string): never {
    throw new StackError('rpc/malformed-call', `${this.#method}: ${why}`, { method: this.#method, why });
  }

  object(value: unknown, where = 'argument'): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(`${where} is no object`);
    return value as Readonly<Record<string, unknown>>; // an object that is no array: its members are still unknown
  }

  text(value: unknown, where: string, maxLength = 200): string {
    if (typeof value !== 'string' || value.length === 0 || value.length > maxLength)
      this.fail(`${where} is no text of 1 to ${maxLength} characters`);
    return value;
  }

  optionalText(value: unknown, where: string, maxLength = 200): string | null {
    if (value === null || value === undefined) return null;
    if (typeof value !== 'string' || value.length > maxLength)
      this.fail(`${where} is no text up to ${maxLength} characters`);
    return value;
  }

  hex(value: unknown, where: string, maxBytes = 4095): string {
    const text = this.text(value, where, maxBytes * 2).toUpperCase();
    if (!/^(?:[0-9A-F]{2})+$/.test(text)) this.fail(`${where} is no hex`);
    return text;
  }

  flag(value: unknown, where: string): boolean {
    if (typeof value !== 'boolean') this.fail(`${where} is not true or false`);
    return value;
  }

  whole(value: unknown, where: string, least: number, most: number): number {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      this.fail(`${where} is no whole number from ${least} to ${most}`);
    return value;
  }

  list<T>(value: unknown, where: string, maxItems: number, item: (value: unknown, where: string) => T): readonly T[] {
    if (!Array.isArray(value) || value.length > maxItems) this.fail(`${where} is no list of at most ${maxItems}`);
    return value.map((one: unknown, i) => item(one, `${where}[${i}]`));
  }

  oneOf<T extends string>(value: unknown, where: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === value);
    if (found === undefined) this.fail(`${where} is none of ${allowed.join(', ')}`);
    return found;
  }
}
