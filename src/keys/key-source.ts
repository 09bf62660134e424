import type { KeySet } from './key-set.ts'

/** Where a codec has its keys from: another set after each rotation. */
export interface KeySource {
  readonly current: KeySet
}

/** What happened to the file that a keyring follows. */
export type KeyFileEvent =
  | { type: 'read' | 'dropped', path: string, ids: readonly string[] }
  | { type: 'failed', path: string, error: Error }

/** What is behind a `Keyring`, for the code that seals and opens. */
export interface KeyringInternals extends KeySource {
  /** The file that the keys were read from, if users may read or write it who should not; else null. */
  readonly exposed: { readonly path: string, readonly mode: number, readonly exposure: string } | null
  /** Has `listener` told what happens to the file; returns how to stop it. */
  subscribe (listener: (event: KeyFileEvent) => void): () => void
}

/**
 * Reaches the internals of a `Keyring`. Registered, since the keyring may have been made by the
 * other copy of this package, ESM or CommonJS, than the one that uses it.
 */
export const kKeyring: unique symbol = Symbol.for('fastify-sealed-session.keyring')

/** The internals of a `Keyring`, or undefined for anything else. */
export function keyringInternals (value: unknown): KeyringInternals | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { [kKeyring]?: KeyringInternals })[kKeyring]
}
