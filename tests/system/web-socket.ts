/** The client half of RFC 6455 as far as UI DevTools needs it: text messages, no extensions, no pings of its own. */
import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import type { Socket } from 'node:net';

const FIN = 0x80;
const MASKED = 0x80;
const TEXT = 0x1;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

export interface TextSocket {
  send(text: string): void;
  close(): void;
}

/** Connects to ws://127.0.0.1:`port``path`; `onText` receives each complete text message. */
export async function connectText(port: number, path: string, onText: (text: string) => void): Promise<TextSocket> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const request = get({
      host: '127.0.0.1',
      port,
      path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    request.once('upgrade', (_response, upgraded: Socket, head: Buffer) => {
      upgraded.unshift(head);
      resolve(upgraded);
    });
    request.once('response', (response) => reject(new Error(`no upgrade: ${response.statusCode}`)));
    request.once('error', reject);
  });
  let buffered: Buffer = Buffer.alloc(0);
  let message: Buffer[] = [];
  socket.on('error', () => {}); // the browser went away; whoever waits for an answer has its own limit
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = firstFrame(buffered); frame !== undefined; frame = firstFrame(buffered)) {
      buffered = buffered.subarray(frame.size);
      if (frame.opcode > TEXT) continue; // pings and closes: the other end is a test's own browser
      message.push(frame.payload);
      if (!frame.final) continue;
      onText(Buffer.concat(message).toString('utf8'));
      message = [];
    }
  });
  return { send: (text) => void socket.write(textFrame(text)), close: () => void socket.destroy() };
}

/** The frame at the start of `bytes`, undefined while it is not complete. Frames of a server are not masked. */
function firstFrame(bytes: Buffer): { final: boolean; opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1);
  const header = short === LENGTH_16 ? 4 : short === LENGTH_64 ? 10 : 2;
  if (bytes.length < header) return undefined;
  const length = header === 2 ? short : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < header + length) return undefined;
  const first = bytes.readUInt8(0);
  return {
    final: (first & FIN) !== 0,
    opcode: first & 0x0f,
    payload: bytes.subarray(header, header + length),
    size: header + length,
  };
}

function textFrame(text: string): Buffer {
  const payload = Buffer.from(text, 'utf8');
  const mask = randomBytes(4);
  const header = Buffer.alloc(payload.length < LENGTH_16 ? 2 : 4);
  header.writeUInt8(FIN | TEXT, 0);
  if (payload.length > 0xffff) throw new RangeError(`a message of ${payload.length} bytes is not sent here`);
  if (header.length === 2) header.writeUInt8(MASKED | payload.length, 1);
  else {
    header.writeUInt8(MASKED | LENGTH_16, 1);
    header.writeUInt16BE(payload.length, 2);
  }
  const masked = payload.map((byte, index) => byte ^ mask.readUInt8(index & 3));
  return Buffer.concat([header, mask, masked]);
}
