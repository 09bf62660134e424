/**
 * The keys of a session, newest first: the first one seals, all of them open.
 *
 * The bytes are in a private field: neither `console.log` nor a logger shows them.
 */
export class Keyring {
  readonly #keys: readonly Buffer[]

  /** @param keys at least one, each of 32 bytes; they belong to the keyring from now on. */
  constructor (keys: readonly Buffer[]) {
    this.#keys = keys
  }

  /** The key that seals. */
  get first (): Buffer {
    return this.#keys[0]! // a keyring has at least one
  }

  /** The keys that open, the sealing one first. */
  get all (): readonly Buffer[] {
    return this.#keys
  }
}
