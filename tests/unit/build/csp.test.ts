import { describe, expect, it } from 'vitest';
import { csp } from '../../../build/csp.ts';

describe('the content security policy', () => {
  it('is, in the meta tag, exactly the agreed line', () => {
    expect(csp({ delivery: 'meta' })).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
        "worker-src 'self'; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; manifest-src 'self'; " +
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; " +
        'trusted-types svelte-trusted-html app-worker',
    );
  });

  it('is, in the header, the same and frame-ancestors, which a meta tag cannot carry', () => {
    const header = csp({ delivery: 'header' }).split('; ');
    const meta = csp({ delivery: 'meta' }).split('; ');
    expect(header.filter((directive) => !meta.includes(directive))).toEqual(["frame-ancestors 'none'"]);
    expect(meta.filter((directive) => !header.includes(directive))).toEqual([]);
  });

  it('is widened in development by inline styles and by nothing else', () => {
    const development = csp({ delivery: 'meta', development: true }).split('; ');
    const production = csp({ delivery: 'meta' }).split('; ');
    expect(development.filter((directive) => !production.includes(directive))).toEqual([
      "style-src 'self' 'unsafe-inline'",
    ]);
  });
});
