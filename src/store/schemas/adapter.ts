import * as v from 'valibot';
import type { AdapterFinding, AdapterInfo, AdapterLimit } from '#contract/adapter.ts';
import type { AdapterConsent, AdapterReport, CheckResult } from '#contract/adapter-check.ts';
import { StackError } from '#contract/errors.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import type { KnownAdapter } from '#contract/vehicle-api.ts';
import { VoltageSchema } from './module.ts';
import { describeIssue, finite, id, list, type Same, text, whole } from './primitives.ts';

const LIMITS = [
  'not-qualified',
  'no-transmit-confirmation',
  'too-slow',
  'cannot-send-long-messages',
  'loses-answers',
  'clone',
  'wireless',
  'untested',
] as const satisfies readonly AdapterLimit[];

const FINDINGS = [
  'version-never-existed',
  'command-missing',
  'forgets-settings',
  'drops-bytes',
  'buffer-smaller',
  'other-speed',
] as const satisfies readonly AdapterFinding['kind'][];

/** What an adapter says of itself is foreign text: bounded here again. */
const named = text(200);
/** Driver, USB identity, serial number, product and firmware in one. */
const key = v.pipe(v.string(), v.minLength(1), v.maxLength(1000));
const bytes = whole(0, 0xffff_ffff);
const count = whole(0, 1_000_000);
const durationMs = v.pipe(finite, v.minValue(0));

const UsbSchema = v.strictObject({ vendorId: whole(0, 0xffff), productId: whole(0, 0xffff) });

const VerdictSchema = v.variant('may', [
  v.strictObject({ may: v.literal(true) }),
  v.strictObject({ may: v.literal(false), reason: v.picklist(LIMITS) }),
]);
const VerdictsSchema = v.strictObject({ read: VerdictSchema, code: VerdictSchema, program: VerdictSchema });

const InfoSchema = v.strictObject({
  driver: named,
  product: named,
  firmware: named,
  serialNumber: v.nullable(named),
  genuine: v.picklist(['genuine', 'clone', 'unknown']),
  chip: named,
  findings: list(v.strictObject({ kind: v.picklist(FINDINGS), detail: text(1000) }), 200),
  longestSendBytes: bytes,
  longestReceiveBytes: bytes,
  listenOnly: v.boolean(),
  wireless: v.boolean(),
  baudRate: v.nullable(whole(1, 100_000_000)),
  acknowledges: v.boolean(),
  transmitQueueFrames: count,
  roundTripMs: v.nullable(v.strictObject({ median: durationMs, p99: durationMs })),
  verdict: VerdictsSchema,
});

const ResultSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('passed'), count, bytes }),
  v.strictObject({ kind: v.literal('failed'), count, failed: count, bytes, why: text(1000) }),
  v.strictObject({
    kind: v.literal('not-run'),
    why: v.picklist(['no-module', 'not-possible', 'no-long-value', 'cancelled']),
  }),
]);

const TripsSchema = v.nullable(v.strictObject({ median: durationMs, p99: durationMs, count }));
const ReplugSchema = v.picklist(['yes', 'no', 'unknown']);

export const ReportSchema = v.strictObject({
  id,
  key,
  simulated: v.boolean(),
  takenAtWallMs: finite,
  toolVersion: named,
  usb: v.nullable(UsbSchema),
  info: InfoSchema,
  roundTripMs: TripsSchema,
  moduleRoundTripMs: TripsSchema,
  receiveBytesPerSecond: v.nullable(v.pipe(finite, v.minValue(0))),
  voltage: VoltageSchema,
  longReceive: ResultSchema,
  longSend: ResultSchema,
  dropFree: ResultSchema,
  survivesReplug: ReplugSchema,
  verdict: VerdictsSchema,
});

export const ConsentSchema = v.strictObject({
  key,
  job: v.literal('code'),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(80)),
  givenAtWallMs: finite,
});

export const KnownAdapterSchema = v.strictObject({
  key,
  driver: named,
  product: named,
  serialNumber: v.nullable(named),
  usb: v.nullable(UsbSchema),
  wireless: v.boolean(),
  bitRate: v.picklist([10_000, 20_000, 50_000, 83_300, 100_000, 125_000, 250_000, 500_000, 800_000, 1_000_000]),
  lastOpenedWallMs: finite,
  survivesReplug: ReplugSchema,
});

/**
 * The report as it will be read back. What would not be readable later is refused now.
 * @throws StackError `store/write-failed`
 */
export function checkedReport(report: AdapterReport): AdapterReport {
  const parsed = v.safeParse(ReportSchema, JSON.parse(JSON.stringify(report)), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const { at, why } = describeIssue(parsed.issues);
  const reason = `${at}: ${why}`;
  throw new StackError('store/write-failed', `an adapter report is not of its shape: ${reason}`, {
    table: 'adapterReports',
    reason,
  });
}

/** Does not compile when a schema and its contract type differ. */
export const adapterSchemasAreTheContract: readonly [
  Same<v.InferOutput<typeof UsbSchema>, UsbIdentity>,
  Same<v.InferOutput<typeof InfoSchema>, AdapterInfo>,
  Same<v.InferOutput<typeof ResultSchema>, CheckResult>,
  Same<v.InferOutput<typeof ReportSchema>, AdapterReport>,
  Same<v.InferOutput<typeof ConsentSchema>, AdapterConsent>,
  Same<v.InferOutput<typeof KnownAdapterSchema>, KnownAdapter>,
  Same<(typeof LIMITS)[number], AdapterLimit>,
  Same<(typeof FINDINGS)[number], AdapterFinding['kind']>,
] = [true, true, true, true, true, true, true, true];
