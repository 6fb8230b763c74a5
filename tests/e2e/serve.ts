/** A static host for tests: any folder, below any prefix, with only the headers asked for. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

export interface ServeOptions {
  /** Read from disk at each request, so that a test can deploy over it. */
  readonly folder: string;
  /** Begins and ends with `/`. Outside of it everything is 404. */
  readonly prefix?: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers a missing file with index.html and 200, as many hosts of single-page apps do. */
  readonly fallback?: boolean;
}

export interface Served {
  /** Of the app's root, ending in `/`. */
  readonly url: string;
  /** Paths asked for so far, without the prefix. */
  readonly requests: string[];
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

export async function serve({ folder, prefix = '/', port = 0, headers = {}, fallback }: ServeOptions): Promise<Served> {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const asked = pathname.startsWith(prefix) ? decodeURIComponent(pathname.slice(prefix.length)) : undefined;
    if (asked !== undefined) requests.push(asked);
    const path = normalize(join(folder, asked || 'index.html'));
    const isInside = asked !== undefined && path.startsWith(normalize(folder + sep));
    let body = isInside ? await read(path) : undefined;
    let type = types[extname(path)];
    if (body === undefined && isInside && fallback) {
      body = await read(join(folder, 'index.html'));
      type = types['.html'];
    }
    if (body === undefined) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
      return;
    }
    response.writeHead(200, { 'Content-Type': type ?? 'application/octet-stream', ...headers }).end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}${prefix}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch {
    return undefined;
  }
}
