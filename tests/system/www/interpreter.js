// What the minimal tester says to a command interpreter (ELM327, STN): lines, prompts and ISO-TP by hand.
const PROMPT = '>';
const ANSWER_LIMIT_MS = 8000;

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
const bytesOf = (text) =>
  Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** `write(text)` sends; feed `take(text)` with what comes in. */
export function interpreter(write) {
  let text = '';
  let arrived = () => {};
  let lost; // why nothing comes any more

  /** What came up to and with `end`, taken out; fails with what there is after the limit. */
  async function upTo(end, limitMs = ANSWER_LIMIT_MS) {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const at = text.indexOf(end);
      if (at >= 0) {
        const found = text.slice(0, at + end.length);
        text = text.slice(at + end.length);
        return found;
      }
      if (lost !== undefined) throw new Error(`no ${end}: ${lost}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${end} but ${JSON.stringify(text)}`);
      await new Promise((resolve) => {
        arrived = resolve;
        setTimeout(resolve, left);
      });
    }
  }

  /** The lines of the answer to one command. */
  async function ask(line, limitMs) {
    text = '';
    await write(`${line}\r`);
    const said = await upTo(PROMPT, limitMs);
    return said
      .slice(0, -1)
      .replaceAll('\0', '')
      .split('\r')
      .filter((each) => each !== '');
  }

  const framesOf = (lines, id) => lines.filter((line) => line.startsWith(id)).map((line) => bytesOf(line.slice(3)));

  /** A whole message out of frames, as hex text. */
  function joined(frames) {
    const [first, ...rest] = frames;
    if (first === undefined) throw new Error('no answer');
    if (first[0] >> 4 === 0) return hex(first.slice(1, 1 + first[0]));
    const length = ((first[0] & 0xf) << 8) | first[1];
    return hex([...first.slice(2), ...rest.flatMap((frame) => [...frame.slice(1)])].slice(0, length));
  }

  /** The settings under which this tester works: whole frames, no blanks, flow control by the chip. */
  async function setUp(requestId, responseId) {
    const commands = ['E0', 'L0', 'SP6', 'CAF0', 'S0', 'AL', 'H1', `SH${requestId}`, `CRA${responseId}`];
    commands.push(`FCSH${requestId}`, 'FCSD300000', 'FCSM1', 'AT0', 'ST32', 'R1');
    for (const command of commands) {
      const answer = (await ask(`AT${command}`)).at(-1);
      if (answer !== 'OK') throw new Error(`AT${command}: ${answer}`);
    }
  }

  /** A request longer than one frame: first frame, and the others as the module lets them (reference adapters A.5). */
  async function sendLong(responseId, request) {
    const frames = [[0x10 | (request.length >> 8), request.length & 0xff, ...request.slice(0, 6)]];
    for (let at = 6; at < request.length; at += 7) {
      frames.push([0x20 | (frames.length & 0xf), ...request.slice(at, at + 7)]);
    }
    const lineOf = (frame) => hex(frame).padEnd(16, 'C');
    let at = 1;
    let lines = await ask(lineOf(frames[0]));
    while (at < frames.length) {
      const [flow] = framesOf(lines, responseId);
      if (flow === undefined || flow[0] !== 0x30) return joined(framesOf(lines, responseId));
      const end = flow[1] === 0 ? frames.length : Math.min(frames.length, at + flow[1]);
      await ask('ATR0');
      for (; at < end - 1; at += 1) await ask(lineOf(frames[at]));
      await ask('ATR1');
      lines = await ask(lineOf(frames[at]));
      at += 1;
    }
    return joined(framesOf(lines, responseId));
  }

  return {
    take(piece) {
      text += piece;
      arrived();
    },
    /** The port is open, or gone with a reason. */
    connected(reason) {
      lost = reason;
      arrived();
    },
    operations: {
      ask,
      setUp,
      upTo,
      /** A request and its answer as hex text, by frames. */
      async elmRequest(responseId, request) {
        const bytes = bytesOf(request);
        if (bytes.length > 7) return await sendLong(responseId, bytes);
        return joined(framesOf(await ask(hex([bytes.length, ...bytes]).padEnd(16, 'C')), responseId));
      },
    },
  };
}
