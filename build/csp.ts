/**
 * The Content Security Policy of the app, in one place. The page carries it in a meta tag (a static host sends no
 * headers), the service worker as a header on everything it serves, which then covers the workers too.
 */

/** Names of the Trusted Types policies that may exist: Svelte's own, and the one in `src/ui/platform/scripts.ts`. */
export const trustedTypesPolicies = ['svelte-trusted-html', 'app-worker'] as const;

export interface CspOptions {
  /** `frame-ancestors` has no effect in a meta tag and logs a warning there, so only the header carries it. */
  readonly delivery: 'meta' | 'header';
  /** Vite's development server injects `<style>` elements. Nothing else is widened. */
  readonly development?: boolean;
}

/** The policy as one line, as `http-equiv` and the header want it (CSP Level 3, Trusted Types). */
export function csp({ delivery, development = false }: CspOptions): string {
  const directives: [name: string, ...values: string[]][] = [
    ['default-src', "'none'"],
    ['script-src', "'self'"],
    ['style-src', "'self'", ...(development ? ["'unsafe-inline'"] : [])],
    ['img-src', "'self'", 'data:', 'blob:'],
    ['font-src', "'self'"],
    ['worker-src', "'self'"],
    ['connect-src', "'self'", 'ws://127.0.0.1:*', 'ws://localhost:*'],
    ['manifest-src', "'self'"],
    ['base-uri', "'none'"],
    ['form-action', "'none'"],
    ...(delivery === 'header' ? [['frame-ancestors', "'none'"] as [string, string]] : []),
    ['require-trusted-types-for', "'script'"],
    ['trusted-types', ...trustedTypesPolicies],
  ];
  return directives.map((directive) => directive.join(' ')).join('; ');
}
