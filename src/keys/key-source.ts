import type { KeySet } from './key-set.ts'

/** Source of a codec's keys: another set after each rotation. */
export interface KeySource {
  readonly current: KeySet
}

/** Event of the file that a keyring follows. */
export type KeyFileEvent =
  | { type: 'read' | 'dropped', path: string, ids: readonly string[] }
  | { type: 'failed', path: string, error: Error }

/** Internals of a `Keyring`, for the code that seals and opens. */
export interface KeyringInternals extends KeySource {
  /** The file that the keys were read from, if users may read or write it who should not; null otherwise. */
  readonly exposed: { readonly path: string, readonly mode: number, readonly exposure: string } | null
  /** Has `listener` hear of each event of the file; returns a function that stops it. */
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
