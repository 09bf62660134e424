// SessionData of files that load this package with `require()`: `declare module` in them extends this one, and types.ts
// takes it over. All other declarations for `require()` are made from the exports of index.ts, by scripts/build.js.
export interface SessionData {}
