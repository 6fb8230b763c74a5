declare const __RELEASE__: string | undefined;

/** The release this page was built as: the build's `RELEASE`, else the package's version. */
export const release: string = typeof __RELEASE__ === 'string' ? __RELEASE__ : 'development';
