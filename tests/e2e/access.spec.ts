import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 240_000 });

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The body module takes its time and then restarts in the middle of the write, half of the bytes stored. */
const BROKEN_WRITE = [
  { on: { ecu: '09', sid: 0x2e, did: 0x0600, nth: 1 }, effect: { kind: 'pending', count: 16, everyMs: 500 } },
  { on: { ecu: '09', sid: 0x2e, did: 0x0600, nth: 1 }, effect: { kind: 'reset', memory: 'half', silentMs: 500 } },
] as const;

/** All rules in the dark theme, contrast in the light one as well. */
async function findings(page: Page, state: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expect(page.locator(`html[data-theme="${theme}"]`)).toHaveCount(1);
    // There is one frame: the way without a second page for each look is faster.
    const builder = new AxeBuilder({ page }).setLegacyMode(true);
    const { violations } = await (theme === 'dark'
      ? builder.withTags(TAGS)
      : builder.withRules('color-contrast')
    ).analyze();
    found.push(
      ...violations.map(({ id, nodes }) => `${state}, ${theme}: ${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    );
  }
  return found;
}

test('axe and the policy find nothing on any screen in any of its states, dark and light', async ({ page }) => {
  const screen = new Screen(page);
  const look = async (state: string) => expect.soft(await findings(page, state)).toEqual([]);
  const tab = async (name: string) => {
    await screen.press(page.getByRole('tab', { name: new RegExp(`^${name}`) }));
    await expect(page.getByRole('tab', { name: new RegExp(`^${name}`) })).toHaveAttribute('aria-selected', 'true');
  };

  await test.step('Connect', async () => {
    await screen.open();
    await look('Connect, nothing connected');
    await screen.press(screen.button('Show checks'));
    await look('Connect, checks shown');
    await screen.startSimulator();
    await look('Connect, connected');
  });

  await test.step('Vehicle', async () => {
    await screen.section('Vehicle');
    await look('Vehicle, no car known');
    await screen.press(screen.button('Scan this car'));
    await expect(page.getByRole('treeitem').first()).toBeVisible({ timeout: 30_000 });
    await look('Vehicle, reading');
    await screen.scanned();
    await look('Vehicle, read');
  });

  await test.step('Module', async () => {
    await screen.press(screen.module('Body electronics'));
    await expect(screen.heading('Body electronics')).toBeVisible();
    await look('Module, reading');
    await expect(screen.button('Read again')).toBeEnabled({ timeout: 30_000 });
    await look('Module, options');
    for (const name of ['Staged', 'Raw', 'Faults', 'Identity', 'History'] as const) {
      await screen.tab(name);
      await look(`Module, ${name}`);
    }
    await screen.tab('Options');
    await screen.toggle('Mirrors fold when locking');
    await screen.toggle('Windows close when it rains'); // far from the other one: half a write is a mixture
    await look('Module, options staged');
    await screen.tab('Staged');
    await look('Module, Staged with a change');
    await screen.tab('Raw');
    await screen.press(screen.button('Turn on expert mode'));
    await expect(screen.button('Turn off expert mode')).toBeVisible();
    await look('Module, Raw in expert mode');
  });

  await test.step('Plan and job', async () => {
    await screen.review();
    await look('Question for the shop code');
    await screen.keepShopCode();
    await look('Plan');
    await screen.faults(BROKEN_WRITE);
    await screen.approve();
    await screen.midWrite();
    await look('Job, running');
    await screen.recoveryShown();
    await look('Unfinished job');
    await screen.press(screen.button(/^Set aside/));
    await expect(screen.dialog).toBeVisible();
    await look('Unfinished job, to be set aside');
    await screen.pressInDialog(screen.dialog, 'Keep it here');
    expect((await screen.finishJob()).at(-1)).toMatch(/^Put Body electronics back/);
    await screen.result('Put back and proven');
    await look('Job, proven');
    await screen.leaveResult();
  });

  await test.step('An error', async () => {
    await screen.control({ type: 'unplug' });
    await screen.section('Connect');
    await expect(screen.heading('The adapter went away')).toBeVisible();
    await look('Connect, adapter lost');
  });

  await test.step('Backups', async () => {
    await screen.section('Backups');
    await expect(page.getByRole('option').first()).toBeVisible();
    await look('Backups');
    await screen.press(
      page.getByRole('link', { name: 'Everything in this backup' }).or(screen.button('Compare with the car')).first(),
    );
    for (const name of ['Compare', 'Values', 'Record']) {
      await tab(name);
      await look(`Backup, ${name}`);
    }
  });

  await test.step('Sessions', async () => {
    await screen.section('Sessions');
    await expect(page.getByRole('list').getByRole('link', { name: /Writing changes/ })).toBeVisible();
    await look('Sessions');
    await screen.press(page.getByRole('list').getByRole('link', { name: /Writing changes/ }));
    await expect(screen.heading('What happened')).toBeVisible();
    await look('Record of a job');
    await screen.section('Sessions');
    await tab('Connections');
    await look('Sessions, connections');
    await screen.press(page.getByRole('list').getByRole('link', { name: /Trace/ }).first());
    await expect(page.getByRole('region', { name: 'Trace, one message per line' })).toBeVisible();
    await look('Trace');
  });

  await test.step('Help', async () => {
    await screen.section('Help');
    for (const name of ['Settings', 'This computer', 'Virtual car', 'Guide', 'About']) {
      await tab(name);
      await look(`Help, ${name}`);
    }
  });
});
