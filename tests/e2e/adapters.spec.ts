import { VIRTUAL_ADAPTERS, type VirtualAdapter } from '#contract/simulator-control.ts';
import { expect, test } from './fixtures.ts';
import { Screen } from './screen.ts';

// A command interpreter at 38 400 bit/s takes its time, here as in the field.
test.describe.configure({ timeout: 240_000 });

/** Which adapters may write at once, after their check, after a person signed for them, or never. */
const MAY_CODE: Readonly<Record<VirtualAdapter, 'at once' | 'checked' | 'signed' | 'never'>> = {
  'canable-v1': 'at once',
  'canable-v2': 'at once',
  canusb: 'at once',
  usbtin: 'at once',
  'elm327-v14b': 'checked',
  'elm327-v23': 'checked',
  'clone-good': 'signed',
  'clone-bad': 'never',
  stn1110: 'at once',
  stn2120: 'at once',
  vlinker: 'checked',
};

/** The main job through `canable-v2` is main-job.spec.ts. */
for (const model of VIRTUAL_ADAPTERS.filter((name) => name !== 'canable-v2')) {
  const may = MAY_CODE[model];
  const title =
    may === 'never' ? 'reads, and may never write' : `the main job, ${may === 'at once' ? may : `once it is ${may}`}`;
  test(`${model}: ${title}`, async ({ page }) => {
    const screen = new Screen(page);
    const startedMs = Date.now();
    await screen.open();
    await screen.startSimulatorWith(model);
    await screen.scan();
    if (may !== 'at once') await screen.checkAdapter(may === 'signed' ? 'A. Meister' : null);
    if (may === 'never') {
      await expect(screen.heading(/ may diagnose$/)).toBeVisible();
      return;
    }
    if (may !== 'at once') {
      await expect(screen.heading(/ may diagnose and code/)).toBeVisible();
      await screen.section('Vehicle');
    }
    await screen.openModule('Body electronics');
    await screen.toggle('Mirrors fold when locking');
    await screen.review();
    await screen.keepShopCode();
    await screen.approve();
    await screen.result('Written and proven');
    await screen.undo();
    await screen.approve();
    await screen.result('Put back and proven');
    console.log(`    ${model}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  });
}
