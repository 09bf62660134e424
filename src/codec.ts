import { fillNonce } from './crypto/nonces.ts'
import { openSecretbox, sealSecretbox, type SecretboxRefusal } from './formats/secretbox.ts'
import type { Data } from './data.ts'
import type { Keyring } from './keys/keyring.ts'
import { lifetimeRefusal, type LifetimeRefusal } from './lifetime.ts'

/** What a token holds. */
export interface Content {
  data: Data
  /** Time of the last write, in seconds. */
  lastWrite: number
}

/** Why a token was refused. For logs only: the client learns nothing but that its session is empty. */
export type Refusal = SecretboxRefusal | LifetimeRefusal

export type Opened =
  | { ok: true, content: Content, stale: boolean }
  | { ok: false, reason: Refusal }

/** Where time and randomness come from; tests bring their own. */
export interface Surroundings {
  /** Milliseconds since 1970. Called whenever the time is needed, so that a test's clock counts. */
  now: () => number
  fillRandom: (nonce: Uint8Array) => void
}

export const SURROUNDINGS: Surroundings = { now: () => Date.now(), fillRandom: fillNonce }

export interface CodecOptions {
  keyring: Keyring
  /** Seconds that a session is valid after its last write. */
  expiry: number
}

/** Seals sessions into tokens and opens them again. Knows nothing of HTTP. */
export class Codec {
  readonly #keyring: Keyring
  readonly #expiry: number
  readonly #surroundings: Surroundings

  constructor ({ keyring, expiry }: CodecOptions, surroundings: Surroundings = SURROUNDINGS) {
    this.#keyring = keyring
    this.#expiry = expiry
    this.#surroundings = surroundings
  }

  /**
   * The token of a session, sealed with the first key.
   * @throws `FST_SEALED_SESSION_VALUE_UNSTORABLE`, `FST_SEALED_SESSION_TOO_LARGE`
   */
  seal (content: Content): string {
    return sealSecretbox(content, this.#keyring, this.#surroundings.fillRandom)
  }

  /**
   * The session of a token. Never throws: whatever a client sends is refused with a reason.
   * `stale` says that a token made now would have another key.
   */
  open (token: string): Opened {
    const opened = openSecretbox(token, this.#keyring)
    if (!opened.ok) return opened
    const reason = lifetimeRefusal(opened.content.lastWrite, this.#expiry, this.#surroundings.now())
    if (reason !== null) return { ok: false, reason }
    // lifetimeRefusal has checked that the time is a number
    return { ok: true, content: opened.content as Content, stale: opened.keyIndex > 0 }
  }

  /** How many keys a token that looks right may have to be tried with. */
  get keyCount (): number {
    return this.#keyring.all.length
  }
}
