/** The URL of `workers/<name>.worker.ts` (build/workers.ts). Resolve it against `document.baseURI`. */
declare module 'worker:*' {
  const url: string;
  export default url;
}
