import { describe, expect, it } from 'vitest';
import { type ConsoleEvent, InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { isStackError } from '#contract/errors.ts';
import { FakeSerialPort } from '../../../support/fake-serial.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** A device that is a script: what it says to each text that arrives. */
async function bench(answer: (text: string, say: (text: string, afterMs?: number) => void) => void) {
  const clock = new VirtualClock();
  const port = new FakeSerialPort({ vendorId: 0x0403, productId: 0x6015 });
  const written: string[] = [];
  const send = (text: string) => port.send(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  const say = (text: string, afterMs = 5) => void clock.sleep(afterMs).then(() => send(text));
  port.onWrite((bytes) => {
    const text = String.fromCharCode(...bytes);
    written.push(text);
    answer(text, say);
  });
  const transport = await openWebSerial(port, { baudRate: 38_400 }, { clock });
  const console = new InterpreterConsole(transport, clock);
  const events: ConsoleEvent[] = [];
  console.onEvent((event) => events.push(event));
  return { clock, port, written, say, send, console, events };
}

const OK = (text: string, say: (text: string) => void) => {
  if (text.endsWith('\r')) say(text === 'ATI\r' ? 'ELM327 v1.4b\r\r>' : 'OK\r\r>');
};

describe('console of a command interpreter', () => {
  it('writes a command with CR and resolves with its lines at the prompt', async () => {
    const { clock, console, written } = await bench((_, say) => say('\0SEARCHING...\r\n7E8037F2231\r\n\r\n>'));
    const { lines, prompt } = await clock.run(console.ask('22F190'));
    expect([written, lines, prompt]).toEqual([['22F190\r'], ['SEARCHING...', '7E8037F2231'], '>']);
  });

  it('one command at a time: the second leaves after the prompt of the first', async () => {
    const { clock, console, written } = await bench((text, say) => say(text === 'ATI\r' ? 'OK\r\r>' : 'OK\r\r>', 200));
    const both = Promise.all([console.ask('ATH1'), console.ask('ATS0')]);
    await clock.advance(150);
    expect(written).toEqual(['ATH1\r']);
    await clock.run(both);
    expect(written).toEqual(['ATH1\r', 'ATS0\r']);
  });

  it('strips the echo while it is on, and knows that it stayed on', async () => {
    const { clock, console } = await bench((text, say) => say(`${text}OK\r\r>`));
    const first = await clock.run(console.ask('ATE0'));
    const second = await clock.run(console.ask('ATS0'));
    expect([first.lines, first.echoed, second.lines, second.echoed]).toEqual([['OK'], true, ['OK'], true]);
    expect(console.echo).toBe('on');
  });

  it.each(['', '  '])('refuses the empty line %j: it would repeat the last command', async (command) => {
    const { clock, console, written } = await bench(OK);
    expect(await clock.run(caught(console.ask(command)))).toBeInstanceOf(RangeError);
    expect(written).toEqual([]);
  });

  it.each(['ATE0\r', 'AT\nE0', 'AT>', 'ÄT'])('refuses %j: not one line of printable ASCII', async (command) => {
    const { clock, console, written } = await bench(OK);
    expect(await clock.run(caught(console.ask(command)))).toBeInstanceOf(RangeError);
    expect(written).toEqual([]);
  });

  it('no prompt: adapter/no-answer, and the next command is preceded by four spaces and ATI', async () => {
    let mute = true;
    const { clock, console, written } = await bench((text, say) => {
      if (!mute) OK(text, say);
    });
    expect(isStackError(await clock.run(caught(console.ask('22F190'))), 'adapter/no-answer')).toBe(true);
    expect(clock.now()).toBe(1500);
    mute = false;
    expect((await clock.run(console.ask('ATS0'))).lines).toEqual(['OK']);
    expect(written).toEqual(['22F190\r', '    ', 'ATI\r', 'ATS0\r']);
  });

  it('a label stands for the command in errors, else its first 24 characters', async () => {
    const { clock, console } = await bench(() => undefined);
    const long = 'STPX H:7E0,D:2704AABBCCDDEEFF00112233';
    const plain = caught(console.ask(long));
    const text = (error: unknown) => (isStackError(error, 'adapter/no-answer') ? error.details.command : '');
    expect(text(await clock.run(plain))).toBe('STPX H:7E0,D:2704AABBCCD…');
    const again = await bench(() => undefined);
    const alone = caught(again.console.ask(long, { label: 'a message to 7E0' }));
    expect(text(await again.clock.run(alone))).toBe('a message to 7E0');
  });

  it('resync repeats ATI when a stale half line made it ?', async () => {
    let asked = 0;
    const { clock, console, written } = await bench((text, say) => {
      if (text === 'ATI\r') say(asked++ === 0 ? '?\r\r>' : 'ELM327 v1.4b\r\r>');
    });
    expect(await clock.run(console.resync())).toEqual(['ELM327 v1.4b']);
    expect(written).toEqual(['    ', 'ATI\r', 'ATI\r']);
  });

  it('a late prompt of a given-up command makes resync unnecessary', async () => {
    const { clock, console, written, say } = await bench((text, answer) => {
      if (text === 'ATS0\r') answer('OK\r\r>');
    });
    await clock.run(caught(console.ask('0100', { timeoutMs: 100 })));
    say('NO DATA\r\r>');
    await clock.advance(20);
    await clock.run(console.ask('ATS0'));
    expect(written).toEqual(['0100\r', 'ATS0\r']);
  });

  it('an interrupt sends one space and resolves at the prompt without STOPPED', async () => {
    const { clock, console, written } = await bench((text, say) => {
      if (text === ' ') say('STOPPED\r\r>');
      else say('7E8037F2278\r');
    });
    const asked = console.ask('ATMA', { timeoutMs: 60_000 });
    await clock.advance(100);
    await Promise.all([console.interrupt(), console.interrupt()]);
    const { lines, interrupted } = await clock.run(asked);
    expect([lines, interrupted, written]).toEqual([['7E8037F2278'], true, ['ATMA\r', ' ']]);
  });

  it('an interrupt that nobody heeds ends in a second with adapter/no-answer', async () => {
    const { clock, console } = await bench(() => undefined);
    const asked = caught(console.ask('ATMA', { timeoutMs: 60_000 }));
    await clock.advance(100);
    await console.interrupt();
    expect(isStackError(await clock.run(asked), 'adapter/no-answer')).toBe(true);
    expect(clock.now()).toBe(1100);
  });

  it('STOPPED that we did not ask for is adapter/stopped', async () => {
    const { clock, console } = await bench((_, say) => say('7E8 10 14\rSTOPPED\r\r>'));
    expect(isStackError(await clock.run(caught(console.ask('22F190'))), 'adapter/stopped')).toBe(true);
  });

  it('a line glued to STOPPED is half a line: it is told to nobody', async () => {
    const { clock, console } = await bench((text, say) => say(text === ' ' ? '1462STOPPED\r\r>' : '7E8065003\r7E810'));
    const told: string[] = [];
    const asked = console.ask('ATMA', { onLine: (line) => told.push(line), quietMs: 5000 });
    await clock.advance(100);
    await console.interrupt();
    const { lines, malformed } = await clock.run(asked);
    expect([told, lines, malformed]).toEqual([['7E8065003'], ['7E8065003'], 1]);
  });

  it.each(['LV RESET', 'ERR94', 'ELM327 v1.5', 'STN1110 v4.0.4'])(
    '%s in an answer is adapter/reset',
    async (banner) => {
      const { clock, console, events } = await bench((_, say) => say(`7E8 10 14\r\r${banner}\r\r>`));
      const error = await clock.run(caught(console.ask('22F190')));
      expect(isStackError(error, 'adapter/reset') && error.details.banner).toBe(banner);
      expect(events).toEqual([{ type: 'reset', banner }]);
    },
  );

  it('a banner between two commands is told as a reset', async () => {
    const { clock, send, events } = await bench(OK);
    send('\r\rELM327 v1.5\r\r>');
    await clock.advance(10);
    expect(events).toEqual([{ type: 'reset', banner: 'ELM327 v1.5' }]);
  });

  it('a restart between two commands of a turn lets no further one of it out', async () => {
    const { clock, console, written, send } = await bench(OK);
    const turn = caught(
      console.turn(async (ask) => {
        await ask('ATSH7E0');
        await clock.sleep(50);
        await ask('0322F190CCCCCCCC');
      }),
    );
    await clock.advance(30);
    send('\r\rELM327 v1.5\r\r>');
    expect(isStackError(await clock.run(turn), 'adapter/reset')).toBe(true);
    await clock.run(console.ask('ATE0'));
    expect(written).toEqual(['ATSH7E0\r', 'ATE0\r']);
  });

  it('an echo where echo was off is a reset without a word', async () => {
    let echo = '';
    const { clock, console, events } = await bench((text, say) => say(`${echo === '' ? '' : text}OK\r\r>`));
    await clock.run(console.ask('ATE0'));
    await clock.run(console.ask('ATS0'));
    echo = 'on';
    expect(isStackError(await clock.run(caught(console.ask('ATH1'))), 'adapter/reset')).toBe(true);
    expect(events[0]?.type).toBe('reset');
  });

  it.each(['LP ALERT', '!ACT ALERT'])('%s is adapter/asleep', async (banner) => {
    const { clock, console, events } = await bench((_, say) => say(`${banner}\r`));
    expect(isStackError(await clock.run(caught(console.ask('22F190'))), 'adapter/asleep')).toBe(true);
    expect(events).toEqual([{ type: 'asleep', banner }]);
  });

  it('a device that never stops talking ends with adapter/garbage', async () => {
    const { clock, console, send } = await bench(() => undefined);
    const asked = caught(console.ask('ATI'));
    for (let i = 0; i < 70; i++) send(`${'7'.repeat(1000)}\r`);
    expect(isStackError(await clock.run(asked), 'adapter/garbage')).toBe(true);
  });

  it('lines that are not kept may be any number', async () => {
    let heard = 0;
    const { clock, console, send } = await bench(() => undefined);
    const asked = console.ask('ATMA', { keepLines: false, onLine: () => heard++, timeoutMs: 10_000 });
    await clock.advance(10);
    for (let i = 0; i < 5000; i++) send('7E8037F2231AAAAAAAA\r');
    send('BUFFER FULL\r\r>');
    expect((await clock.run(asked)).lines).toEqual([]);
    expect(heard).toBe(5001);
  });

  it('quietMs counts from the last byte', async () => {
    const { clock, console } = await bench((_, say) => {
      for (let i = 1; i <= 5; i++) say('7E8037F2278\r', i * 900);
    });
    const error = await clock.run(caught(console.ask('22F190', { quietMs: 1000 })));
    expect(isStackError(error, 'adapter/no-answer') && clock.now()).toBe(5500);
  });

  it('interruptAfterMs ends a command that has no end', async () => {
    const { clock, console } = await bench((text, say) => {
      if (text === ' ') say('STOPPED\r\r>');
    });
    const { interrupted } = await clock.run(console.ask('ATMA', { interruptAfterMs: 2000, timeoutMs: 5000 }));
    expect([interrupted, clock.now()]).toEqual([true, 2005]);
  });

  it('a command that yields is interrupted when another turn waits, not before its hold is over', async () => {
    const { clock, console, written } = await bench((text, say) => {
      if (text === ' ') say('STOPPED\r\r>');
      else if (text === 'ATRV\r') say('12.3V\r\r>');
    });
    const listening = console.ask('ATMA', { timeoutMs: 60_000, yieldAfterMs: () => 500 });
    await clock.advance(100);
    const volts = console.ask('ATRV');
    await clock.advance(300);
    expect(written).toEqual(['ATMA\r']);
    expect((await clock.run(volts)).lines).toEqual(['12.3V']);
    expect((await listening).interrupted).toBe(true);
    expect(written).toEqual(['ATMA\r', ' ', 'ATRV\r']);
    expect(clock.now()).toBeLessThan(520);
  });

  it('nobody comes between the commands of a turn', async () => {
    const { clock, console, written } = await bench(OK);
    const turn = console.turn(async (ask) => {
      await ask('ATSH7E0');
      await clock.sleep(50);
      await ask('22F190');
    });
    await clock.run(Promise.all([turn, console.ask('ATRV')]));
    expect(written).toEqual(['ATSH7E0\r', '22F190\r', 'ATRV\r']);
  });

  it('aborting ends the wait at once; a command whose turn has not come is never written', async () => {
    const { clock, console, written } = await bench(() => undefined);
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = caught(console.ask('0100', { signal: first.signal }));
    const queued = caught(console.ask('0900', { signal: second.signal }));
    await clock.advance(10);
    second.abort();
    first.abort();
    expect(isStackError(await clock.run(asked), 'call/aborted')).toBe(true);
    expect(isStackError(await clock.run(queued), 'call/aborted')).toBe(true);
    expect([written, clock.now()]).toEqual([['0100\r'], 10]);
  });

  it('a DATA> prompt asks for bytes, which go out without CR', async () => {
    const { clock, console, written } = await bench((text, say) => say(text.endsWith('\r') ? 'DATA>' : '7E87601\r\r>'));
    const first = await clock.run(console.ask('STPX H:7E0,L:3,T:5000'));
    const second = await clock.run(console.ask('360155', { ending: 'none' }));
    expect([first.prompt, second.prompt, second.lines]).toEqual(['DATA>', '>', ['7E87601']]);
    expect(written).toEqual(['STPX H:7E0,L:3,T:5000\r', '360155']);
  });

  it('losing the adapter ends the running command with transport/lost, and every later one', async () => {
    const { clock, console, port } = await bench(() => undefined);
    const asked = caught(console.ask('22F190'));
    await clock.advance(10);
    port.unplug();
    expect(isStackError(await clock.run(asked), 'transport/lost')).toBe(true);
    expect(isStackError(await clock.run(caught(console.ask('ATI'))), 'transport/lost')).toBe(true);
  });

  it('bytes lost on the line cost the line they were in, never a wrong line', async () => {
    const { clock, console, port, send } = await bench(() => undefined);
    const asked = console.ask('22F190');
    await clock.advance(10);
    send('7E8 03 7F ');
    await clock.advance(1);
    port.softError('FramingError');
    await clock.advance(50);
    send('22 31\r7E8 03 7F 22 78\r\r>');
    expect(await clock.run(asked)).toMatchObject({ lines: ['7E8 03 7F 22 78'], malformed: 1 });
  });

  it('after release another reader gets what comes', async () => {
    const { clock, console, send } = await bench(() => undefined);
    console.release();
    const reader = console.transport.chunks.getReader();
    send('z\r');
    const { value } = await clock.run(reader.read());
    expect(value?.bytes).toEqual(Uint8Array.of(0x7a, 0x0d));
    expect(isStackError(await clock.run(caught(console.ask('ATI'))), 'transport/closed')).toBe(true);
  });
});
