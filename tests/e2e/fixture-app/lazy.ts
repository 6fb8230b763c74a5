import { release } from '../../../src/ui/platform/release.ts';

export const text = `lazy chunk of release ${release}`;
