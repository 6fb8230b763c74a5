import { fromHex, toHex } from '#base/hex.ts';
import type { FaultEntry, IdentRead } from '#contract/backup.ts';
import type { Definition, DidText, IdentificationItem } from '#contract/definition.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import { isNegativeResponse, isStackError } from '#contract/errors.ts';
import { openSession, readDataByIdentifier, readDtcInformation } from '#diagnostics/index.ts';

/**
 * Reads one identifier; a refusal is an answer and silence is one too, everything else (adapter lost, cancelled, wrong echo)
 * is an error.
 */
export async function readIdentifier(client: DiagClient, did: DidText, signal: AbortSignal): Promise<IdentRead> {
  try {
    const data = await client.call(readDataByIdentifier, { did: Number.parseInt(did, 16) }, { signal });
    return { did, kind: 'bytes', hex: toHex(data.data) };
  } catch (error) {
    if (isNegativeResponse(error)) return { did, kind: 'refused', nrc: error.details.nrc };
    if (isStackError(error, 'diag/timeout')) return { did, kind: 'silent' };
    throw error;
  }
}

/** Reads identifiers one by one. Three silent ones in a row mean that the module is gone (reference: diagnostics B.1). */
export async function readIdentifiers(
  client: DiagClient,
  dids: readonly DidText[],
  signal: AbortSignal,
  onRead?: (read: IdentRead) => void,
): Promise<readonly IdentRead[]> {
  const reads: IdentRead[] = [];
  let silent = 0;
  for (const did of dids) {
    const read = await readIdentifier(client, did, signal);
    reads.push(read);
    onRead?.(read);
    silent = read.kind === 'silent' ? silent + 1 : 0;
    if (silent === 3) break;
  }
  return reads;
}

/** Opens a session the plan or a block needs, if it is not open already. Sessions 01, 03 and equals: no permit. */
export async function ensureSession(client: DiagClient, session: number, signal: AbortSignal): Promise<void> {
  if (client.state.session !== session) await client.call(openSession, { session }, { signal });
}

/** A session opened anew: back to default first, so that nothing cached by the old one is read. */
export async function freshSession(client: DiagClient, session: number, signal: AbortSignal): Promise<void> {
  await client.call(openSession, { session: 0x01 }, { signal });
  if (session !== 0x01) await client.call(openSession, { session }, { signal });
}

const DTC_STORED = 0x2f;

/**
 * Fault codes worth showing: failing, pending, confirmed or failed since clear (reference: diagnostics A.4, 19).
 * Null when the module refuses to tell.
 */
export async function readFaults(client: DiagClient, signal: AbortSignal): Promise<readonly FaultEntry[] | null> {
  try {
    const answer = await client.call(readDtcInformation, { kind: 'by-status-mask', mask: 0xff }, { signal });
    return answer.dtcs
      .filter((dtc) => (dtc.status & DTC_STORED) !== 0)
      .map((dtc) => ({ code: toHex(dtc.code), status: dtc.status }));
  } catch (error) {
    if (isNegativeResponse(error) || isStackError(error, 'diag/timeout')) return null;
    throw error;
  }
}

/** Text of an identification read for people: trailing 00, 20 and FF stripped; raw bytes stay in the record. */
export function identText(read: IdentRead | undefined, format: IdentificationItem['format'] = 'ascii'): string | null {
  if (read?.kind !== 'bytes') return null;
  if (format !== 'ascii') return read.hex;
  const bytes = fromHex(read.hex);
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x00 || bytes[end - 1] === 0x20 || bytes[end - 1] === 0xff)) end--;
  const text = Array.from(bytes.subarray(0, end), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '\ufffd',
  ).join('');
  return text === '' ? null : text;
}

export function findRead(reads: readonly IdentRead[], did: DidText): IdentRead | undefined {
  return reads.find((read) => read.did === did);
}

/** Identifiers whose loss a write to this module could cause beside the coding: prelude stamps and where they are mirrored. */
export function preludeIdentifiers(definition: Definition): readonly DidText[] {
  const dids = definition.prelude.flatMap((step) =>
    step.value.kind === 'shop-code' ? [step.did, step.value.currentFrom] : [step.did],
  );
  return [...new Set(dids)];
}
