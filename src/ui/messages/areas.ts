/**
 * The areas of words; a file here is one of them, and a line below joins it to `text` (index.svelte.ts). Each exports
 * `en` and `de: typeof en`, so that a missing German entry does not compile.
 */
export * as adapter from './adapter.ts';
export * as backups from './backups.ts';
export * as common from './common.ts';
export * as connect from './connect.ts';
export * as errors from './errors.ts';
export * as format from './format.ts';
export * as help from './help.ts';
export * as module from './module.ts';
export * as operation from './operation.ts';
export * as plan from './plan.ts';
export * as recovery from './recovery.ts';
export * as sessions from './sessions.ts';
export * as shell from './shell.ts';
export * as status from './status.ts';
export * as vehicle from './vehicle.ts';
