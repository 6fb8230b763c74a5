/** The languages the app speaks. Tags as in BCP 47; `en` is written the British way (`3 May`). */
export type Language = 'en' | 'de';

export const LANGUAGES: readonly { readonly language: Language; readonly name: string }[] = [
  { language: 'en', name: 'English' },
  { language: 'de', name: 'Deutsch' },
];

const KEY = 'codebay.language';

/** The person's choice; else the first language of the browser that the app speaks; else English. */
export function preferredLanguage(): Language {
  const known = (tag: string | null) =>
    LANGUAGES.find(({ language }) => tag?.toLowerCase().split('-')[0] === language)?.language;
  const wanted = typeof navigator === 'undefined' ? [] : (navigator.languages ?? []);
  return known(stored()) ?? wanted.map(known).find((language) => language !== undefined) ?? 'en';
}

/** Keeps the choice for the next start. Where site data is blocked it holds until the page is closed. */
export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Site data is blocked: in force now, forgotten later.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Site data is blocked (or there is none): the browser's languages decide.
    return null;
  }
}
