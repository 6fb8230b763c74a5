import type { ErrorCode, ErrorDetails } from '#contract/errors.ts';

/** What happened · state of the car · do this now. The middle one must be true for the code alone, whatever ran. */
export type Sentences = readonly [happened: string, car: string, doNow: string];

/** One entry per code of some layers; a missing or an unknown code does not compile. */
export type Entries<Layer extends string> = {
  readonly [C in Extract<ErrorCode, `${Layer}/${string}`>]: (details: ErrorDetails[C]) => Sentences;
};

/**
 * States of the car that an error alone can vouch for. `idle`: it only happens where nothing with an effect is under way.
 * `read`: only a read failed. `notSent`: a check before sending failed. `refused`: the module said no. `cut`: it can happen in
 * the middle of anything.
 */
export const CAR = {
  en: {
    idle: 'The car is unchanged.',
    read: 'Only reading was asked; the car is unchanged by it.',
    notSent: 'This step sent nothing to the car.',
    refused: 'The module did not carry this request out and changed nothing.',
    cut: 'Reading changes nothing; a write that was under way counts as not proven until the module is read again.',
  },
  de: {
    idle: 'Das Auto ist unverändert.',
    read: 'Es sollte nur gelesen werden; das Auto ist dadurch unverändert.',
    notSent: 'Dieser Schritt hat nichts an das Auto gesendet.',
    refused: 'Das Modul hat diese Anfrage nicht ausgeführt und nichts geändert.',
    cut: 'Lesen ändert nichts; ein begonnenes Schreiben gilt als nicht bewiesen, bis das Modul erneut gelesen ist.',
  },
} as const;
