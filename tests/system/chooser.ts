/**
 * Answers the real chooser of `navigator.serial.requestPort()` in headless Chromium, through UI DevTools:
 * the browser's own tree of views, with synthetic mouse events switched on.
 */
import { createServer } from 'node:net';
import { until, within } from './wait.ts';
import { connectText, type TextSocket } from './web-socket.ts';

interface ViewNode {
  readonly nodeId: number;
  readonly attributes?: readonly string[];
  readonly children?: readonly ViewNode[];
}

const CALL_LIMIT_MS = 5_000;
const CLICK_APART_MS = 700;
// The last --enable-features wins, so the two that Playwright passes are repeated.
const FEATURES = 'CDPScreenshotNewSurface,SkipListAccountsWithoutGaiaCookies,ui-debug-tools-enable-synthetic-events';

/** A port for UI DevTools and the browser arguments that switch it on. */
export async function chooserArguments(): Promise<{ port: number; args: readonly string[] }> {
  const port = await new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(address)));
    });
  });
  return { port, args: [`--enable-ui-devtools=${port}`, `--enable-features=${FEATURES}`] };
}

/** The chooser of one browser. `accept` and `cancel` wait until it is there and return when it is gone. */
export class Chooser {
  readonly #port: number;
  readonly #waiting = new Map<number, (reply: Record<string, unknown>) => void>();
  #socket: TextSocket | undefined;
  #count = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Connects to the first port of the list. */
  accept(): Promise<void> {
    return this.#answer(async (bubble) => {
      const rows = named(bubble, 'TableView')[0];
      const connect = named(bubble, 'MdTextButton')[1]; // Cancel, Connect
      if (rows === undefined || connect === undefined) return;
      await this.#click(rows);
      await this.#click(connect);
    });
  }

  /** Closes it without a choice. */
  cancel(): Promise<void> {
    return this.#answer(async (bubble) => {
      const cancel = named(bubble, 'MdTextButton')[0];
      if (cancel !== undefined) await this.#click(cancel);
    });
  }

  close(): void {
    this.#socket?.close();
  }

  /**
   * Clicks until the bubble is gone. Against click-jacking the browser ignores clicks that come within its
   * double-click time of the bubble's appearance or of each other, so every attempt is that far apart.
   */
  async #answer(click: (bubble: ViewNode) => Promise<void>): Promise<void> {
    await until('the chooser', () => this.#bubble());
    await until('the chooser to close', async () => {
      const bubble = await this.#bubble();
      if (bubble === undefined) return true;
      await new Promise((resolve) => setTimeout(resolve, CLICK_APART_MS));
      await click(bubble).catch(() => {}); // a view that closes meanwhile has no node any more
      return false;
    });
  }

  async #bubble(): Promise<ViewNode | undefined> {
    await this.#call('DOM.disable').catch(() => {});
    await this.#call('DOM.enable');
    const { root } = (await this.#call('DOM.getDocument')) as { root: ViewNode };
    return named(root, 'ChooserBubbleUiViewDelegate')[0];
  }

  async #click(node: ViewNode): Promise<void> {
    for (const type of ['mousePressed', 'mouseReleased']) {
      const event = { type, x: 20, y: 10, button: 'left', wheelDirection: 'none' };
      await this.#call('DOM.dispatchMouseEvent', { nodeId: node.nodeId, event });
    }
  }

  async #call(method: string, params: object = {}): Promise<unknown> {
    this.#socket ??= await connectText(this.#port, '/0', (text) => {
      const reply = JSON.parse(text) as Record<string, unknown>;
      this.#waiting.get(reply.id as number)?.(reply);
      this.#waiting.delete(reply.id as number);
    });
    const id = ++this.#count;
    const reply = new Promise<Record<string, unknown>>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { error, result } = await within(method, CALL_LIMIT_MS, reply);
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }
}

/** All views below `node` that carry this name. */
function named(node: ViewNode, name: string): readonly ViewNode[] {
  const below = (node.children ?? []).flatMap((child) => named(child, name));
  return (node.attributes ?? []).includes(name) ? [node, ...below] : below;
}
