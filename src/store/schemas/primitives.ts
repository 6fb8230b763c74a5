import * as v from 'valibot';

/**
 * What records are made of, bounded everywhere. The bounds are far above anything the stack makes: they keep a damaged or
 * foreign record from growing without limit, and are checked when a record is written as well as when it is read.
 */
const MAX_TEXT = 16_384;
/** Longest value of one identifier is 4092 bytes (ISO 15765-2 classic length); whole requests stay below this too. */
const MAX_HEX_BYTES = 8192;
const MAX_LIST = 20_000;

export const text = (most = MAX_TEXT) => v.pipe(v.string(), v.maxLength(most));
export const id = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
export const list = <Item extends v.GenericSchema>(item: Item, most = MAX_LIST) =>
  v.pipe(v.array(item), v.maxLength(most));
export const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
export const finite = v.pipe(v.number(), v.finite());
export const localized = v.strictObject({ en: text(), de: text() });
/** Whole bytes as upper-case hex. */
export const hex = v.pipe(
  v.string(),
  v.maxLength(MAX_HEX_BYTES * 2),
  v.regex(/^(?:[0-9A-F]{2})*$/, 'not upper-case hex bytes'),
);
export const did = v.pipe(v.string(), v.regex(/^[0-9A-F]{4}$/, 'not four upper-case hex digits'));
export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256'));
export const moduleId = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
export const byte = whole(0, 0xff);
/** A place in an order; leaves room to go on counting. */
export const sequence = whole(1, 2 ** 52);

export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** `true` only when schema and contract agree in every member, optional ones included: else the line does not compile. */
export type Same<A, B> =
  (<T>() => T extends DeepReadonly<A> ? 1 : 2) extends <T>() => T extends DeepReadonly<B> ? 1 : 2 ? true : false;

/** Where a value differs from its schema, for people: `$.body.plan.steps[2].newHex: not upper-case hex bytes`. */
export function describeIssue(issues: readonly [v.GenericIssue, ...v.GenericIssue[]]): {
  readonly at: string;
  readonly why: string;
} {
  const [issue] = issues;
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return { at: `$${path}`.slice(0, 200), why: issue.message.slice(0, 200) };
}
