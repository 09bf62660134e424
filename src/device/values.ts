import { fillNonce } from '#nonces'
import { sodium } from '#sodium'
import type { DerivedKey, KeySource } from '../keys/key-set.ts'
import { BINDING_BYTES } from '../token/claims.ts'
import { type AssociatedData, associatedDataOf, lengthOf, openMessage, sealMessage } from '../token/sealed.ts'
import { getWorkspace, MESSAGE_OFFSET } from '../token/format.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import { SESSION_ID_BYTES } from '../token/record.ts'

// Values of a binding, each in an envelope (token/sealed.ts) of its own version and context, so that none opens as
// another, nor as a session. Big-endian; times without a unit are seconds after `created`:
//
//   proof       binding 16 | created 6, ms | bound 4 | proven 4 | seconds that it counts 4
//   identifier  binding 16 | created 6, ms | bound 4 | algorithm 1 | public key
//   challenge   purpose 1 | time 6, ms | created 6, ms | [id 16] or binding 16

/** Suffix of the proof's cookie. It is no number, as those of the chunks of a session are. */
export const PROOF_SUFFIX = 'device'

const CREATED_BYTES = 6
const SECONDS_BYTES = 4

/** Proof of a device, in the cookie beside the session. Times are in milliseconds since 1970. */
export interface Proof {
  readonly binding: Buffer
  /** Time at which its session began. */
  readonly created: number
  readonly boundAt: number
  readonly provenAt: number
  readonly until: number
}

/** Identifier of a binding, which only the browser has, and sends to the endpoint alone. */
export interface Identifier {
  readonly binding: Buffer
  readonly created: number
  readonly boundAt: number
  /** Number of the algorithm. */
  readonly algorithm: number
  readonly publicKey: Buffer
}

/** Purposes of challenges: a first binding, with the session's cookie or also without; a refresh; a new identifier. */
const PURPOSES = ['register', 'register-anywhere', 'refresh', 'renew'] as const

export interface Challenge {
  readonly purpose: typeof PURPOSES[number]
  /** Milliseconds since 1970. */
  readonly time: number
  /** Session that is to be bound, by its beginning and its id if sessions have one; or the binding. */
  readonly of: Buffer
}

/** An identifier that opened, and the key that it was sealed with. */
export type OpenedIdentifier = Identifier & { readonly key: DerivedKey }

/** A challenge that opened, and the key that it was sealed with. */
type OpenedChallenge = Challenge & { readonly key: DerivedKey }

/** Seals and opens the values of the bindings of one session of an app. */
export class DeviceValues {
  readonly #proofs: Kind
  readonly #identifiers: Kind
  readonly #challenges: Kind

  constructor (keys: KeySource, context: string) {
    this.#proofs = new Kind(0x81, keys, `${context}#proof`)
    this.#identifiers = new Kind(0x82, keys, `${context}#device`)
    this.#challenges = new Kind(0x83, keys, `${context}#challenge`)
  }

  sealProof ({ binding, created, boundAt, provenAt, until }: Proof): string {
    const proven = secondsAfter(created, provenAt)
    return this.#proofs.seal([binding, milliseconds(created), seconds(secondsAfter(created, boundAt)), seconds(proven), seconds(secondsAfter(created + proven * 1000, until))])
  }

  /**
   * Null for a proof that does not open, is from the future, or does not count any more.
   * @param now milliseconds since 1970. @param leeway milliseconds that it counts beyond its time.
   */
  openProof (text: string, now: number, leeway = 0): Proof | null {
    const { bytes } = this.#proofs.open(text) ?? {}
    if (bytes === undefined || bytes.length !== BINDING_BYTES + CREATED_BYTES + 3 * SECONDS_BYTES) return null
    const created = bytes.readUIntBE(BINDING_BYTES, CREATED_BYTES)
    const at = (index: number): number => bytes.readUInt32BE(BINDING_BYTES + CREATED_BYTES + index * SECONDS_BYTES) * 1000
    const provenAt = created + at(1)
    const until = provenAt + at(2)
    if (until + leeway <= now || provenAt > now + CLOCK_TOLERANCE * 1000) return null
    return { binding: bytes.subarray(0, BINDING_BYTES), created, boundAt: created + at(0), provenAt, until }
  }

  sealIdentifier ({ binding, created, boundAt, algorithm, publicKey }: Identifier): string {
    return this.#identifiers.seal([binding, milliseconds(created), seconds(secondsAfter(created, boundAt)), Buffer.of(algorithm), publicKey])
  }

  openIdentifier (text: string): OpenedIdentifier | null {
    const opened = this.#identifiers.open(text)
    const start = BINDING_BYTES + CREATED_BYTES
    if (opened === null || opened.bytes.length <= start + SECONDS_BYTES + 1) return null
    const { bytes, key } = opened
    const created = bytes.readUIntBE(BINDING_BYTES, CREATED_BYTES)
    return {
      binding: bytes.subarray(0, BINDING_BYTES),
      created,
      boundAt: created + bytes.readUInt32BE(start) * 1000,
      algorithm: bytes.readUInt8(start + SECONDS_BYTES),
      publicKey: bytes.subarray(start + SECONDS_BYTES + 1),
      key
    }
  }

  sealChallenge ({ purpose, time, of }: Challenge): string {
    return this.#challenges.seal([Buffer.of(PURPOSES.indexOf(purpose)), milliseconds(time), of])
  }

  /** Null for a challenge that does not open, or is from the future. @param now milliseconds since 1970. */
  openChallenge (text: string, now: number): OpenedChallenge | null {
    const { bytes, key } = this.#challenges.open(text) ?? {}
    if (bytes === undefined || key === undefined || bytes.length < 1 + CREATED_BYTES) return null
    const purpose = PURPOSES[bytes.readUInt8(0)]
    const time = bytes.readUIntBE(1, CREATED_BYTES)
    return purpose === undefined || time > now + CLOCK_TOLERANCE * 1000 ? null : { purpose, time, of: bytes.subarray(1 + CREATED_BYTES), key }
  }
}

/** Session in a challenge: when it began, and its id if sessions are told apart. */
export function sessionOf (created: number, id: Buffer | null): Buffer {
  return Buffer.concat([milliseconds(created), id ?? Buffer.alloc(0)])
}

/** The inverse of `sessionOf`; null for other bytes. */
export function readSession (bytes: Buffer): { created: number, id: Buffer | null } | null {
  const id = bytes.subarray(CREATED_BYTES)
  if (bytes.length < CREATED_BYTES || ![0, SESSION_ID_BYTES].includes(id.length)) return null
  return { created: bytes.readUIntBE(0, CREATED_BYTES), id: id.length === 0 ? null : id }
}

/** Time in a field of whole milliseconds, as tokens have the beginning of a session. */
export function wholeTime (time: number | null): number {
  return Math.min(Math.max(Math.floor(time ?? 0), 0), 2 ** 48 - 1)
}

/** Values of one kind. */
class Kind {
  readonly #version: number
  readonly #keys: KeySource
  readonly #associatedData: AssociatedData

  constructor (version: number, keys: KeySource, context: string) {
    this.#version = version
    this.#keys = keys
    this.#associatedData = associatedDataOf(context)
  }

  seal (parts: readonly Buffer[]): string {
    const space = getWorkspace()
    let at = MESSAGE_OFFSET
    for (const part of parts) at += part.copy(space.bytes, at)
    return sealMessage(space, at - MESSAGE_OFFSET, this.#version, this.#keys.current.sealing(Date.now()), this.#associatedData, fillNonce, sodium())
  }

  open (text: string): { bytes: Buffer, key: DerivedKey } | null {
    const key = openMessage(text, 1, this.#version, this.#keys.current, this.#associatedData, sodium())
    if (typeof key === 'string') return null
    return { bytes: Buffer.from(getWorkspace().bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + lengthOf(text))), key }
  }
}

function milliseconds (time: number): Buffer {
  const bytes = Buffer.alloc(CREATED_BYTES)
  bytes.writeUIntBE(wholeTime(time), 0, CREATED_BYTES)
  return bytes
}

function seconds (count: number): Buffer {
  const bytes = Buffer.alloc(SECONDS_BYTES)
  bytes.writeUInt32BE(count)
  return bytes
}

function secondsAfter (created: number, time: number): number {
  return Math.min(Math.max(Math.floor((time - created) / 1000), 0), 2 ** 32 - 1)
}
