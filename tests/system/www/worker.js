// A minimal tester in a dedicated worker: Web Serial, slcan, commands with a prompt, ISO-TP and nothing else. It exists so that
// the lane can be proven without the product; it shares no line with it.
import { interpreter } from './interpreter.js';

const ANSWER_LIMIT_MS = 3000;
const BEL = 0x07;
const CR = 0x0d;

let port;
let writer;
let reader;
let reading;
let received = 0; // bytes
let tokens = []; // what came in, one entry per line; 'BEL' for a BEL
let arrived = () => {};
const happened = []; // events and failures, in order
const known = new Map(); // SerialPort object → number, to tell a new object from the old one

const failure = (error) => `${error.name}: ${error.message}`;
const attempt = async (action) => {
  try {
    return (await action()) ?? 'ok';
  } catch (error) {
    return failure(error);
  }
};
const numberOf = (object) => {
  if (!known.has(object)) known.set(object, known.size + 1);
  return known.get(object);
};

navigator.serial.addEventListener('connect', ({ target }) => happened.push(`connect ${numberOf(target)}`));
navigator.serial.addEventListener('disconnect', ({ target }) => happened.push(`disconnect ${numberOf(target)}`));

async function readLoop(readable) {
  reader = readable.getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      received += value.length;
      prompted.take(String.fromCharCode(...value));
      for (const byte of value) {
        if (byte === CR) {
          tokens.push(text);
          text = '';
        } else if (byte === BEL) tokens.push('BEL');
        else text += String.fromCharCode(byte);
      }
      arrived();
    }
  } catch (error) {
    happened.push(`read ${failure(error)}`);
    prompted.connected(failure(error));
  } finally {
    reader.releaseLock();
  }
}

/** The first received line that `wanted` accepts; takes it out, and fails after the limit. */
async function take(wanted, limitMs = ANSWER_LIMIT_MS) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const index = tokens.findIndex(wanted);
    if (index >= 0) return tokens.splice(index, 1)[0];
    const left = deadline - performance.now();
    if (left <= 0) throw new Error('no answer');
    await new Promise((resolve) => {
      arrived = resolve;
      setTimeout(resolve, left);
    });
  }
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
const bytesOf = (text) =>
  Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const frame = (id, bytes) => `t${id}8${hex(bytes).padEnd(16, 'C')}\r`;
const write = (text) => writer.write(new TextEncoder().encode(text));
const prompted = interpreter(write);
const isFrameOf = (id) => (token) => token.startsWith(`t${id}`);

/** Waits for the clear-to-send of the ECU; a single frame instead is its refusal and is returned. */
async function clearToSend(responseId) {
  for (;;) {
    const bytes = bytesOf((await take(isFrameOf(responseId))).slice(5));
    if (bytes[0] === 0x30) return { blockSize: bytes[1], gapMs: bytes[2] };
    if (bytes[0] >> 4 === 0) return { refusal: bytes.slice(1, 1 + bytes[0]) };
  }
}

async function sendLong(requestId, responseId, request) {
  await write(frame(requestId, [0x10 | (request.length >> 8), request.length & 0xff, ...request.slice(0, 6)]));
  let flow = await clearToSend(responseId);
  if (flow.refusal) return flow.refusal;
  let left = flow.blockSize;
  for (let at = 6, number = 1; at < request.length; at += 7, number += 1) {
    if (flow.blockSize !== 0 && left === 0) {
      flow = await clearToSend(responseId);
      left = flow.blockSize;
    }
    await new Promise((resolve) => setTimeout(resolve, flow.gapMs));
    await write(frame(requestId, [0x20 | (number & 0xf), ...request.slice(at, at + 7)]));
    left -= 1;
  }
  return undefined;
}

/** One complete message of an ECU; a first frame is answered with flow control on `requestId`. */
async function receive(requestId, responseId, limitMs) {
  const first = bytesOf((await take(isFrameOf(responseId), limitMs)).slice(5));
  if (first[0] >> 4 === 0) return first.slice(1, 1 + first[0]);
  if (first[0] >> 4 !== 1) return receive(requestId, responseId, limitMs);
  const length = ((first[0] & 0xf) << 8) | first[1];
  await write(frame(requestId, [0x30, 0, 0]));
  const message = [...first.slice(2)];
  while (message.length < length) message.push(...bytesOf((await take(isFrameOf(responseId))).slice(5)).slice(1));
  return Uint8Array.from(message.slice(0, length));
}

const operations = {
  ...prompted.operations,
  async ports() {
    return (await navigator.serial.getPorts()).map((each) => ({ ...each.getInfo(), object: numberOf(each) }));
  },
  async open(baudRate) {
    [port] = await navigator.serial.getPorts();
    await port.open({ baudRate, bufferSize: 65536 });
    await port.setSignals({ dataTerminalReady: true, requestToSend: true });
    writer = port.writable.getWriter();
    tokens = [];
    prompted.connected(undefined);
    reading = readLoop(port.readable);
    return numberOf(port);
  },
  close: () =>
    attempt(async () => {
      writer.releaseLock();
      await reader.cancel();
      await reading;
      await port.close();
    }),
  reopenLost: () => attempt(() => port.open({ baudRate: 115200 })),
  happened: () => happened,
  text: (text) => write(text),
  take: (start) => take((token) => token.startsWith(start)),
  tokens: () => tokens,
  received: () => received,
  /** Sends lines one by one and returns the answer to each: 'OK' for a bare carriage return. */
  async commands(lines) {
    const answers = [];
    tokens = [];
    for (const line of lines) {
      await write(`${line}\r`);
      answers.push((await take((token) => !/^t[0-9A-F]{3}8/.test(token))) || 'OK');
    }
    return answers;
  },
  async request(requestId, responseId, text, limitMs) {
    const request = bytesOf(text);
    tokens = tokens.filter((token) => !isFrameOf(responseId)(token));
    if (request.length <= 7) await write(frame(requestId, [request.length, ...request]));
    else {
      const refusal = await sendLong(requestId, responseId, request);
      if (refusal) return hex(refusal);
    }
    return hex(await receive(requestId, responseId, limitMs));
  },
  /** The next message of an ECU, without a request. */
  async next(requestId, responseId, limitMs) {
    return hex(await receive(requestId, responseId, limitMs));
  },
  /** A functional single frame and the answers of the given responders, each a single frame. */
  async functional(requestId, text, responseIds) {
    const request = bytesOf(text);
    await write(frame(requestId, [request.length, ...request]));
    const answers = {};
    for (const id of responseIds) {
      const bytes = bytesOf((await take(isFrameOf(id))).slice(5));
      answers[id] = hex(bytes.slice(1, 1 + bytes[0]));
    }
    return answers;
  },
};

addEventListener('message', async ({ data: { id, operation, args } }) => {
  try {
    postMessage({ id, value: await operations[operation](...args) });
  } catch (error) {
    postMessage({ id, error: failure(error) });
  }
});
