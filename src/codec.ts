import { fillRandom } from './crypto/sodium.ts'
import { sealedSessionError } from './errors.ts'
import { openSecretbox, sealSecretbox, type SecretboxRefusal } from './formats/secretbox.ts'
import type { Keyring } from './keys/keyring.ts'
import { lifetimeRefusal, type LifetimeRefusal } from './lifetime.ts'
import type { Data } from './serializer.ts'

/**
 * The longest token that is looked at, in characters. Node takes 16 KiB of request headers unless
 * told otherwise, so no honest cookie is longer; the bound is for whoever raised that limit.
 */
export const MAX_TOKEN_LENGTH = 65536

/** What a token holds. */
export interface Content {
  data: Data
  /** Time of the last write, in seconds. */
  lastWrite: number
}

/** Why a token was refused. For logs only: the client learns nothing but that its session is empty. */
export type Refusal = 'too-long' | SecretboxRefusal | LifetimeRefusal

export type Opened =
  | { ok: true, content: Content, stale: boolean }
  | { ok: false, reason: Refusal }

/** Where time and randomness come from; tests bring their own. */
export interface Surroundings {
  /** Milliseconds since 1970. Called whenever the time is needed, so that a test's clock counts. */
  now: () => number
  fillRandom: (buffer: Uint8Array) => void
}

export const SURROUNDINGS: Surroundings = { now: () => Date.now(), fillRandom }

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
    // 1. data and time to a payload, 2. encrypt it, 3. encode it
    const token = sealSecretbox(content, this.#keyring, this.#surroundings.fillRandom)
    // 4. never write what `open` would refuse
    if (token.length > MAX_TOKEN_LENGTH) {
      throw sealedSessionError('FST_SEALED_SESSION_TOO_LARGE', [token.length, MAX_TOKEN_LENGTH])
    }
    return token
  }

  /**
   * The session of a token. Never throws: whatever a client sends is refused with a reason.
   * `stale` says that a token made now would have another key.
   */
  open (token: string): Opened {
    // 4. bound the work before anything is decoded
    if (token.length > MAX_TOKEN_LENGTH) return { ok: false, reason: 'too-long' }
    // 3. decode, 2. decrypt, 1. payload to data and time
    const opened = openSecretbox(token, this.#keyring)
    if (!opened.ok) return opened
    const { data, lastWrite } = opened.content
    const reason = lifetimeRefusal(lastWrite, this.#expiry, this.#surroundings.now())
    if (reason !== null) return { ok: false, reason }
    // lifetimeRefusal has checked that the time is a number
    return { ok: true, content: { data, lastWrite: lastWrite as number }, stale: opened.keyIndex > 0 }
  }

  /** How many keys a token may have to be tried with. */
  get attempts (): number {
    return this.#keyring.all.length
  }
}
