/**
 * Parses files from outside, away from live timing. It has nothing to parse yet: backup files are small and are read by the
 * vehicle worker; images and PDX packages come with programming.
 */
export {};
