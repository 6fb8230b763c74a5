import * as areas from './areas.ts';
import { keepLanguage, type Language, preferredLanguage } from './language.ts';

export { LANGUAGES, type Language } from './language.ts';

/** Every area of words in the language in force: `text.errors.of(record)`, `text.plan.title(plan)`. */
export type Texts = { readonly [Area in keyof typeof areas]: (typeof areas)[Area]['en'] };

class Messages {
  #language = $state<Language>(preferredLanguage());

  get language(): Language {
    return this.#language;
  }

  /** Everything that reads `text` is rendered again; the choice is kept. */
  set language(language: Language) {
    this.#language = language;
    keepLanguage(language);
  }
}

/** The language in force: read it, bind it, set it. */
export const messages = new Messages();

const inLanguage: Readonly<Record<Language, Texts>> = { en: textsIn('en'), de: textsIn('de') };

/** Words for views. Read it where it is shown (in markup, `$derived` or `$effect`), never into a constant: it follows the language. */
export const text: Texts = Object.defineProperties(
  {},
  Object.fromEntries(
    (Object.keys(areas) as (keyof Texts)[]).map((area) => [
      area,
      { enumerable: true, get: () => inLanguage[messages.language][area] },
    ]),
  ),
) as Texts;

function textsIn(language: Language): Texts {
  // The areas by their names again; that each has both languages is what `Texts` and `de: typeof en` say.
  return Object.fromEntries(Object.entries(areas).map(([area, words]) => [area, words[language]])) as unknown as Texts;
}
