/**
 * Drives the app as a person does: by the names of its controls. Every press is counted, nothing is typed unless the
 * method says so, and each method ends when the screen shows what the press brings.
 */
import { expect, type Locator, type Page } from '@playwright/test';
import type { FaultScript, SimulatorControl, VirtualAdapter } from '#contract/simulator-control.ts';

export type SectionName = 'Connect' | 'Vehicle' | 'Backups' | 'Sessions' | 'Help';
export type TabName = 'Options' | 'Staged' | 'Raw' | 'Faults' | 'Identity' | 'History';
type Worker = ReturnType<Page['workers']>[number];

/** A dialog takes no press of its acting button for this long after it opened: gloves press twice (src/ui/components/Dialog.svelte). */
const DIALOG_GUARD_MS = 600;
/** Scans, backups and jobs on a real bus, on a busy machine. */
const WORK_MS = 45_000;
/** Check, put back, and one to spare: an unfinished job that asks for more goes in circles. */
const MAX_STEPS = 3;

export class Screen {
  readonly page: Page;
  /** Presses so far: what the main job may cost is counted here. */
  clicks = 0;

  constructor(page: Page) {
    this.page = page;
  }

  /** One press of a person, as soon as the control can be pressed. */
  async press(control: Locator): Promise<void> {
    this.clicks++;
    await control.click();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { name, exact: typeof name === 'string' });
  }

  /** The one dialog that is open. */
  get dialog(): Locator {
    return this.page.getByRole('alertdialog');
  }

  /** Operable: the first screen stands and its worker has answered. */
  async open(url = './'): Promise<void> {
    await this.page.goto(url);
    await expect(this.button('Start simulator').or(this.button('Start simulator again'))).toBeEnabled();
  }

  async startSimulator(): Promise<void> {
    await this.press(this.button('Start simulator'));
    await expect(this.heading(/ is ready$/)).toBeVisible();
  }

  /** The virtual car behind another adapter than the usual one: it takes effect with the next port. */
  async startSimulatorWith(model: VirtualAdapter): Promise<void> {
    await this.startSimulator();
    await this.control({ type: 'adapter', firmware: model, tickMs: 1 });
    await this.press(this.button('Start simulator again'));
    await expect(this.page.getByText('Looking for the adapter')).toHaveCount(0);
    await expect(this.heading(/ is ready$/)).toBeVisible({ timeout: WORK_MS });
  }

  /** From a scanned car to the end of the adapter check; a copy may also get a person's word. */
  async checkAdapter(signedBy: string | null): Promise<void> {
    await this.section('Connect');
    await this.press(this.page.getByRole('link', { name: 'Check this adapter' }));
    await this.press(this.button('Check adapter'));
    await expect(this.button('Check adapter again')).toBeVisible({ timeout: 3 * WORK_MS });
    if (signedBy === null) return;
    await this.press(this.button('Let this copy change options'));
    await this.dialog.getByRole('textbox', { name: 'Your name' }).fill(signedBy);
    await this.pressInDialog(this.dialog, 'Let it change options');
    await expect(this.dialog).toHaveCount(0);
  }

  /** From Connect or Vehicle, until the car has been read. */
  async scan(): Promise<void> {
    await this.press(this.button(/^Scan (this car|again)$/));
    await this.scanned();
  }

  async scanned(): Promise<void> {
    await expect(this.page.getByRole('tree', { name: 'Modules' })).toBeVisible({ timeout: WORK_MS });
    await expect(this.page.locator('[role="tree"][aria-busy="true"]')).toHaveCount(0, { timeout: WORK_MS });
    await expect(this.button('Scan again')).toBeEnabled({ timeout: WORK_MS });
  }

  module(name: string): Locator {
    return this.page.getByRole('treeitem').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** From Vehicle, until its values are read and its backup as received is stored. */
  async openModule(name: string): Promise<void> {
    await this.press(this.module(name));
    await expect(this.heading(name)).toBeVisible();
    await expect(this.button(/^(Read again|Read faults again)$/)).toBeEnabled({ timeout: WORK_MS });
  }

  async tab(name: TabName): Promise<void> {
    await this.press(this.page.getByRole('tab', { name: new RegExp(`^${name}`) }));
    await expect(this.page.getByRole('tab', { name: new RegExp(`^${name}`) })).toHaveAttribute('aria-selected', 'true');
  }

  async section(name: SectionName): Promise<void> {
    await this.press(
      this.page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: new RegExp(`^${name}`) }),
    );
  }

  option(name: string): Locator {
    return this.page.getByRole('group', { name, exact: true });
  }

  /** Stages the other value of an option with two values. */
  async toggle(name: string): Promise<void> {
    await this.press(this.option(name).getByRole('switch'));
    await expect(this.button(/^Review \d+ changes?$/)).toBeVisible();
  }

  /** Until the plan is shown, or the question which shop code goes into the module. */
  async review(): Promise<void> {
    await this.press(this.button(/^Review \d+ changes?$/));
    await expect(this.dialog).toBeVisible({ timeout: WORK_MS });
  }

  get shopCodeQuestion(): Locator {
    return this.page.getByRole('alertdialog', { name: /^Which shop code/ });
  }

  get planDialog(): Locator {
    return this.page.getByRole('alertdialog', { name: /^(Write|Put|Finish|Clear) / });
  }

  /** Answers the question for the shop code with the code the module holds; ends with the plan shown. */
  async keepShopCode(): Promise<void> {
    await this.pressInDialog(this.shopCodeQuestion, 'Use the code this module holds');
    await this.planShown();
  }

  async planShown(): Promise<void> {
    await expect(this.planDialog).toBeVisible({ timeout: WORK_MS });
  }

  /** Approves the plan that is shown: the button that writes. */
  async approve(): Promise<void> {
    await this.pressInDialog(this.planDialog, /^(Write|Put back|Prove|Restart and prove|Clear) \d/);
  }

  /** Waits as a person does who reads before pressing: a press in the first instant does not count. */
  async pressInDialog(dialog: Locator, name: string | RegExp): Promise<void> {
    await expect(dialog).toBeVisible();
    await dialog.evaluate((_, guardMs) => {
      const openedMs = performance.now();
      return new Promise<void>((resolve) => {
        const look = () => (performance.now() - openedMs > guardMs ? resolve() : requestAnimationFrame(look));
        look();
      });
    }, DIALOG_GUARD_MS);
    await this.press(dialog.getByRole('button', { name, exact: typeof name === 'string' }));
  }

  /** The module has taken a request and says "not done yet": the middle of a slow write. */
  async midWrite(): Promise<void> {
    await expect(this.page.getByText(/^The module is working/).first()).toBeVisible({ timeout: WORK_MS });
  }

  /** How the job ended, in the words of its result. */
  async result(title: string | RegExp): Promise<void> {
    await expect(this.page.getByRole('heading', { level: 1, name: title })).toBeVisible({ timeout: WORK_MS });
  }

  /** Leaves the result of a job. Where the car is not scanned there is no module to go back to. */
  async leaveResult(): Promise<void> {
    await this.press(this.button(/^(Back to .+|Go to Vehicle)$/));
    await expect(this.page.getByRole('navigation', { name: 'Sections' })).toBeVisible();
  }

  /** From the result of a coding job: plans the way back. */
  async undo(): Promise<void> {
    await this.press(this.button('Put back as it was'));
    await this.planShown();
  }

  /** The part of an unfinished job's card that says what to do. */
  get nextStep(): Locator {
    return this.page.getByRole('region', { name: 'Next step' });
  }

  /** An unfinished job has the screen, with exactly one next step (I4), which can be pressed. */
  async recoveryShown(): Promise<void> {
    await expect(this.page.getByText(/^Unfinished job of /)).toBeVisible({ timeout: WORK_MS });
    await expect(this.nextStep).toHaveCount(1);
    await expect(this.nextStep.getByRole('button')).toHaveCount(1);
    await expect(this.nextStep.getByRole('button')).toBeEnabled({ timeout: WORK_MS });
  }

  /** Takes the one next step of an unfinished job, and the next, until none is left. Returns the buttons pressed. */
  async finishJob(): Promise<readonly string[]> {
    const taken: string[] = [];
    const over = this.page.getByRole('heading', {
      level: 1,
      name: /^(Nothing was changed|Written and proven|Put back and proven)$/,
    });
    const card = this.nextStep.getByRole('button', { disabled: false });
    for (let step = 0; step < MAX_STEPS; step++) {
      await expect(over.or(card).first()).toBeVisible({ timeout: WORK_MS });
      if (await over.isVisible()) break;
      await this.recoveryShown();
      const button = this.nextStep.getByRole('button');
      taken.push((await button.textContent())?.trim() ?? '');
      await this.press(button);
      // The button is out of use from the press until what it brings is here: a plan to approve, another step, or the end.
      await expect(this.planDialog.or(over).or(card).first()).toBeVisible({ timeout: WORK_MS });
      if (!(await this.planDialog.isVisible())) continue;
      taken.push((await this.planDialog.getByRole('heading').textContent())?.trim() ?? '');
      await this.approve();
      await expect(this.nextStep).toHaveCount(0);
    }
    await expect(over).toBeVisible({ timeout: WORK_MS });
    return taken;
  }

  /** The whole way to an approved coding job: one switch of one module. Ends while it runs. */
  async startCoding(module: string, option: string): Promise<void> {
    await this.planCoding(module, option);
    await this.approve();
  }

  /** From Connect to the plan of one switch. */
  async planCoding(module: string, option: string): Promise<void> {
    await this.startSimulator();
    await this.scan();
    await this.openModule(module);
    await this.toggle(option);
    await this.review();
    await this.keepShopCode();
  }

  /** Waits for a worker of the page by the name of its file. */
  async worker(name: 'vehicle' | 'simulator'): Promise<Worker> {
    const find = () => this.page.workers().find((worker) => new URL(worker.url()).pathname.includes(name));
    await expect.poll(() => find() !== undefined, { message: `a ${name} worker` }).toBe(true);
    const worker = find();
    if (worker === undefined) throw new Error(`no ${name} worker`);
    return worker;
  }

  /** Tells the virtual car's worker something, as the page would. */
  async control(control: SimulatorControl): Promise<void> {
    const car = await this.worker('simulator');
    await car.evaluate((data) => {
      self.dispatchEvent(new MessageEvent('message', { data: { control: data } }));
    }, control);
  }

  async faults(script: FaultScript): Promise<void> {
    await this.control({ type: 'faults', script });
  }
}
