/** What the tests of this lane change on Body electronics, and the way there through the screens. */
import { strict as assert } from 'node:assert';
import path from 'node:path';
import { Screen } from '../e2e/screen.ts';
import type { InterpreterVariant } from './device-process.ts';
import type { Harness, Preparation } from './harness.ts';

/** Where the built product is: PRODUCT names another folder than `dist`. */
export const PRODUCT = process.env.PRODUCT ?? path.join(import.meta.dirname, '../../dist');

export const MODULE = 'Body electronics';
/** Byte 2, mask 01 of the 32-byte block 0600. */
export const OPTION = 'Mirrors fold when locking';
export const BCM_CODING = '0959A03C1E1400FF417E1035008843005AC301629D0004012CF00F660012AB30';
export const BCM_CODING_FOLDING = '0959A13C1E1400FF417E1035008843005AC301629D0004012CF00F660012AB30';

/** The adapter check on a slow line and a busy machine. */
const CHECK_MS = 240_000;

/** Today's date and the shop code the module holds, written before each 0600. The car's own clock is this machine's. */
export const PRELUDE_WRITES = [
  { did: 'F199', hex: bcdDate(new Date()) },
  { did: 'F198', hex: '000008F63039' },
] as const;

function bcdDate(now: Date): string {
  return [now.getFullYear() % 100, now.getMonth() + 1, now.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('');
}

/**
 * Until the adapter that the browser knows is open. On a machine that is busy with other things the app may miss an answer
 * (it waits 0.3 s); then this does, once, what a person would, and says so: the button that is offered, or loading the page again.
 */
export async function connected(screen: Screen): Promise<void> {
  const ready = screen.heading(/ is ready$/);
  const again = screen.page.getByRole('alert').filter({ hasText: 'did not answer' }).getByRole('button', {
    name: 'Reconnect adapter',
  });
  const unknown = screen.page.getByRole('status').filter({ hasText: 'did not open by itself' });
  await ready.or(again).or(unknown).first().waitFor();
  if (!(await ready.isVisible())) {
    console.log('        note: the adapter was too slow at the first try');
    if (await again.isVisible()) await again.click();
    else await screen.page.reload();
  }
  await ready.waitFor();
}

/** From the start to the plan of one change, which waits for its approval. */
export async function toThePlan(screen: Screen): Promise<void> {
  await connected(screen);
  await screen.scan();
  await planOption(screen);
}

/** From Vehicle to the plan of one change. */
async function planOption(screen: Screen): Promise<void> {
  await screen.openModule(MODULE);
  await screen.toggle(OPTION);
  await screen.review();
  await screen.keepShopCode();
}

/**
 * A browser in which the adapter has passed its check; for a copy a person has answered by name. The check takes a minute or
 * more on a slow line, so all tests of a run begin with what one check left.
 */
export function checkedBefore(adapter: InterpreterVariant, acceptedBy: string | null): Preparation {
  return {
    name: `${adapter} checked`,
    root: PRODUCT,
    device: { adapter },
    async run(h) {
      const screen = new Screen(h.page);
      await connected(screen);
      await screen.scan();
      await screen.section('Connect');
      await screen.press(h.page.getByRole('link', { name: 'Check this adapter' }).first());
      const accept = screen.button('Let this copy change options');
      const passed = acceptedBy === null ? screen.heading(/ may diagnose and code$/) : accept;
      await check(screen, 'Check adapter');
      if (!(await passed.isVisible())) {
        const missed = await h.page.getByRole('listitem').filter({ hasText: 'went wrong' }).allTextContents();
        console.log(
          `        note: the check missed something on this machine and is made once more: ${missed.join(' · ')}`,
        );
        await check(screen, 'Check adapter again');
      }
      if (acceptedBy !== null) {
        await screen.press(accept);
        await screen.dialog.getByRole('textbox', { name: 'Your name' }).fill(acceptedBy);
        await screen.pressInDialog(screen.dialog, 'Let it change options');
      }
      await screen.heading(/ may diagnose and code$/).waitFor();
      assert.deepEqual((await h.memory('bcm')).writes, [], 'a check reads only');
      assert.deepEqual(h.unread('repeat'), []);
    },
  };
}

async function check(screen: Screen, button: string): Promise<void> {
  await screen.press(screen.button(button));
  await screen.page.getByText('Parts of the check').waitFor();
  await screen.button('Check adapter again').waitFor({ timeout: CHECK_MS });
  await screen.heading(/ (may diagnose|is not fit)/).waitFor();
}

/** The one next step, again and again until the job is closed, by a person who only reads what the card says. */
export async function closed(screen: Screen, end: string): Promise<void> {
  await screen.finishJob();
  await screen.result(end);
  await screen.press(screen.button(/^(Back to Body electronics|Go to Vehicle)$/));
  await screen.page.getByText('No job', { exact: true }).waitFor();
}

export async function noOpenJobAfterReload(h: Harness): Promise<void> {
  await h.page.reload();
  await h.page.getByText('No job', { exact: true }).waitFor();
}
