import { inspect } from 'node:util'
import { KEY_BYTES } from '../crypto/library.ts'
import { sodium } from '../crypto/sodium.ts'

/** Separates the subkeys of this package from those of any other use of the same key. */
const KDF_CONTEXT = 'fsealses'

// Numbers of the subkeys.
const ENCRYPTION = 1
const IDENTIFICATION = 2

/** The shortest subkey that crypto_kdf gives; the id is its beginning. */
const ID_SUBKEY_BYTES = 16

/**
 * Key with everything derived from it: a subkey that encrypts, so that the key itself is used by one cipher
 * only (the secretbox format's), and an id that says nothing about either.
 *
 * The bytes are in private fields: neither `console.log` nor a logger shows them.
 */
export class DerivedKey {
  readonly #bytes: Buffer
  readonly #activeFrom: number
  #encryption: Buffer | null = null
  #id: { number: number, text: string } | null = null

  /**
   * @param bytes 32 of them; they belong to the key from now on.
   * @param activeFrom milliseconds since 1970 at which it may begin to seal. It opens at once.
   */
  constructor (bytes: Buffer, activeFrom: number = -Infinity) {
    this.#bytes = bytes
    this.#activeFrom = activeFrom
  }

  get activeFrom (): number { return this.#activeFrom }

  /** The key itself. */
  get bytes (): Buffer { return this.#bytes }

  /** The subkey of the sealed format. */
  get encryption (): Buffer {
    this.#encryption ??= sodium().deriveSubkey(this.#bytes, ENCRYPTION, KDF_CONTEXT, KEY_BYTES)
    return this.#encryption
  }

  /** Id of the key, as tokens have it: four bytes. */
  get idNumber (): number { return this.#identity.number }

  /** Id of the key as text: eight hex characters. */
  get id (): string { return this.#identity.text }

  /** @param other may be of the other copy of this package, ESM or CommonJS. */
  equals (other: DerivedKey): boolean {
    return this.#bytes.equals(other.bytes)
  }

  get #identity (): { number: number, text: string } {
    if (this.#id === null) {
      const subkey = sodium().deriveSubkey(this.#bytes, IDENTIFICATION, KDF_CONTEXT, ID_SUBKEY_BYTES)
      this.#id = { number: subkey.readUInt32BE(), text: subkey.toString('hex', 0, 4) }
    }
    return this.#id
  }

  [inspect.custom] (): string { return 'DerivedKey {}' }
}
