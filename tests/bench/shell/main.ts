/// <reference types="svelte" />
import { wrap } from 'comlink';
import { Dexie } from 'dexie';
import { mount } from 'svelte';
import Shell from './Shell.svelte';

/** The least that a page with these three can be: one button, one worker behind Comlink, one database. What `npm run bench` compares with. */
const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
const database = new Dexie('bare-shell');
database.version(1).stores({ rows: 'key' });

interface ShellApi {
  add(a: number, b: number): number;
}
const startWorker = () => wrap<ShellApi>(new Worker(new URL('./shell.worker.ts', import.meta.url), { type: 'module' }));
mount(Shell, { target, props: { startWorker, count: () => database.table('rows').count() } });
