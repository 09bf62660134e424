// SessionData and Sessions of files that load this package with `require()`: `declare module` in them extends these, and
// types.ts takes them over. All other declarations for `require()` are made from the exports of index.ts, by
// scripts/build.js.
export interface SessionData {}
export interface Sessions {}
