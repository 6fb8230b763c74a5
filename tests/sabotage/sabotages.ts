/** A planted fault: exact pieces of source (each found once in its file), what stands there instead, and the test that must turn red. */
export interface Sabotage {
  readonly id: string;
  readonly what: string;
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  readonly test: { readonly file: string; readonly name: string };
}

const INVARIANTS = 'tests/scenarios/invariants.test.ts';
const LATER_INVARIANTS = 'tests/scenarios/invariants-i7-i12.test.ts';
const GATE = 'tests/scenarios/invariants-gate.test.ts';
const JOB_LOCK = "const held = await this.#deps.locks.withLock('job', () =>";
const NO_LOCK = '(async (work: () => Promise<OperationOutcome>) => ({ value: await work() }))(() =>';

export const SABOTAGES: readonly Sabotage[] = [
  {
    id: 'I1-read-once',
    what: 'the backup is read once and compared with itself',
    edits: [
      {
        file: 'src/procedures/backup/take.ts',
        find: "const second = await onePass(ctx, client, definition, 'second-pass', session);",
        replace: 'const second = first;',
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I1 the original is read in two passes, the second after the whole module and in a new session',
    },
  },
  {
    id: 'I1-not-durable',
    what: 'a backup that is in memory counts, whatever the disk holds',
    edits: [
      {
        file: 'src/procedures/backup/take.ts',
        find: '    ctx.vehicle.put({',
        replace: '    Object.assign(globalThis, { taken: backup });\n    ctx.vehicle.put({',
      },
      {
        file: 'src/procedures/write-run.ts',
        find: 'job.backup = await ctx.stores.backups.get(plan.backupId);',
        replace:
          'job.backup = (await ctx.stores.backups.get(plan.backupId)) ?? (globalThis as never as { taken: never }).taken;',
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I1 the backup is gone from disk when the plan is approved: nothing is written',
    },
  },
  {
    id: 'I2-no-lock',
    what: 'the job runs without its lock',
    edits: [{ file: 'src/procedures/host.ts', find: JOB_LOCK, replace: `const held = await ${NO_LOCK}` }],
    test: {
      file: INVARIANTS,
      name: 'I2 the lock `job` is held by another tab: the approved plan does not run, nothing is written',
    },
  },
  {
    id: 'I3-not-awaited',
    what: 'the request goes out while its intent is still on the way to the disk',
    edits: [
      {
        file: 'src/procedures/gate.ts',
        find: "  await note({\n    type: 'intent',",
        replace: "  note({\n    type: 'intent',",
      },
    ],
    test: { file: INVARIANTS, name: 'I3 an intent that cannot be stored stops its step: 2E 06 00 is not sent' },
  },
  {
    id: 'I3-after',
    what: 'the intent is written when the request has been answered',
    edits: [
      {
        file: 'src/procedures/gate.ts',
        find: "  await note({\n    type: 'intent',",
        replace: "  const announce = () => note({\n    type: 'intent',",
      },
      {
        file: 'src/procedures/gate.ts',
        find: '    await send(ctx, job, step, permit);\n',
        replace: '    await send(ctx, job, step, permit);\n    await announce();\n',
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I3 each change of the module is preceded by its intent, on disk and not yet done',
    },
  },
  {
    id: 'I4-closed-although-unknown',
    what: 'a job whose end is unknown is closed',
    edits: [
      {
        file: 'src/procedures/write-run.ts',
        find: "return { ...base, state: 'unknown', proven: false };",
        replace: "return close(ctx, host, job, { state: 'unknown', proven: false, error: failure }, 'run');",
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I4 a job that ended without certainty stays open with one step, and blocks writes to its car',
    },
  },
  {
    id: 'I5-verify-skipped',
    what: 'a difference at the read-back is overlooked',
    edits: [{ file: 'src/procedures/write-run.ts', find: 'if (!equal && final)', replace: 'if (equal && !final)' }],
    test: { file: INVARIANTS, name: 'I5 a module that says yes and stores something else is never green' },
  },
  {
    id: 'I5-one-look',
    what: 'nothing is read again after the restart',
    edits: [
      {
        file: 'src/procedures/write-run.ts',
        find: "    await phase(ctx, job, 'verify-again', 'never', () => verifyAgain(ctx, job));\n",
        replace: '',
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I5 a green end has read every block back after the write, and again after the restart in a new session',
    },
  },
  {
    id: 'I6-repeated',
    what: 'a request with an effect that got no answer is sent again',
    edits: [
      {
        file: 'src/diagnostics/client/client.ts',
        find: "      if (answer.kind === 'silent')\n        throw this.#outcomeUnknown(",
        replace:
          "      if (answer.kind === 'silent' && budget.forRead(0x10, clock.now()) !== null) continue;\n      if (answer.kind === 'silent')\n        throw this.#outcomeUnknown(",
      },
    ],
    test: {
      file: INVARIANTS,
      name: 'I6 no answer to 2E 06 00 (executed: true): sent once, the state is read before anything else',
    },
  },
  {
    id: 'I7-lock-let-go',
    what: 'the lock of the job is let go before the job runs',
    edits: [
      {
        file: 'src/procedures/host.ts',
        find: JOB_LOCK,
        replace: `await this.#deps.locks.withLock('job', async () => null);\n    const held = await ${NO_LOCK}`,
      },
    ],
    test: {
      file: LATER_INVARIANTS,
      name: 'I7 the lock `job` is held at every change of the module, and let go at the end',
    },
  },
  {
    id: 'I9-control-characters',
    what: 'text of a module is taken as it comes',
    edits: [
      {
        file: 'src/procedures/reads.ts',
        find: "byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '\\ufffd',",
        replace: 'String.fromCharCode(byte),',
      },
    ],
    test: {
      file: LATER_INVARIANTS,
      name: 'I9 a serial number of markup and control characters: printable text in events, raw bytes in the backup, a plain file name',
    },
  },
  {
    id: 'I10-voltage-ignored',
    what: 'the voltage limits block nothing',
    edits: [
      {
        file: 'src/procedures/voltage.ts',
        find: 'if (reading.volts < blockBelow || reading.volts > blockAbove)',
        replace: 'if (reading.volts < 0)',
      },
    ],
    test: {
      file: LATER_INVARIANTS,
      name: 'I10 below 11.8 V nothing is written; the next write of a running job waits for nobody: it stops',
    },
  },
  {
    id: 'I11-chain-unchecked',
    what: 'the hash of a record is not compared with its content',
    edits: [
      {
        file: 'src/contract/journal.ts',
        find: 'if (record.hash !== journalHash(record))',
        replace: 'if (record.hash !== record.hash)',
      },
    ],
    test: { file: LATER_INVARIANTS, name: 'I11 a record that was changed on disk is found, with its number' },
  },
  {
    id: 'I12-unknown-bits-zeroed',
    what: 'bytes behind the last known option are set to zero',
    edits: [
      {
        file: 'src/procedures/coding/plan.ts',
        find: 'raw === undefined ? fromHex(oldHex) :',
        replace: 'raw === undefined ? fromHex(oldHex).fill(0, 26) :',
      },
    ],
    test: {
      file: LATER_INVARIANTS,
      name: 'I12 random bytes, random legal changes (seed 1): on the module no bit outside the options has moved',
    },
  },
  {
    id: 'gate-unasked',
    what: 'the client does not ask for the permit',
    edits: [
      { file: 'src/diagnostics/client/client.ts', find: 'verifier.redeem(permit, use);', replace: 'void permit;' },
    ],
    test: { file: GATE, name: 'gate: forged permits leave 0 bytes' },
  },
];
