import type { ExportedFile } from '#contract/vehicle-api.ts';

/** Hands a file to the browser's downloads. The address lives long enough for the slowest dialog, then is given back. */
export function download(file: Pick<ExportedFile, 'name' | 'mime' | 'text'>): void {
  const url = URL.createObjectURL(new Blob([file.text], { type: file.mime }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
