import { dexieHarness, memoryHarness } from './store-harness.ts';
import { storeSuite } from './store-suite.ts';

storeSuite('memory', memoryHarness);
storeSuite('Dexie, training', () => dexieHarness('training'));
storeSuite('Dexie, real cars', () => dexieHarness('real'));
