import { AEAD_NONCE_BYTES } from '../crypto/library.ts'
import type { Data } from '../data/data.ts'
import type { Serializer } from '../data/serializer.ts'
import type { DerivedKey, KeySet } from '../keys/key-set.ts'
import type { FormatOpened, SessionRecord } from './record.ts'
import type { Format } from '../types.ts'

/** Format of tokens, with the settings of one codec. */
export interface TokenFormat<Refusal extends string = string> {
  readonly name: Format
  /** @throws `FST_SEALED_SESSION_TOO_LARGE`, and the errors of the serializer */
  seal (record: SessionRecord, key: DerivedKey): string
  /** The same token as it stands in a cookie, percent-encoded as `encodeValue` does, between two texts of ASCII. */
  sealLine (record: SessionRecord, key: DerivedKey, before: string, after: string): string
  open (token: string, keys: KeySet): FormatOpened<DerivedKey, Refusal>
  /**
   * The same of a token as `sealLine` writes it. Null if it is spelt otherwise, or is no token: then it
   * has to be decoded first.
   */
  openEncoded (text: string, keys: KeySet): FormatOpened<DerivedKey, Refusal> | null
  /** The same with one key: the one with this index, of those that `decryptions` counts. */
  openWith (token: string, keys: KeySet, index: number): FormatOpened<DerivedKey, Refusal>
  /** Data of a payload that has opened before; null if the serializer does not read it any more. */
  dataOf (text: string): Data | null
  /** Number of decryptions that are tried for a token, at most. */
  decryptions (keys: KeySet): number
}

/** Settings that all formats of a codec share. */
export interface FormatSettings {
  /** Context that sealed tokens are bound to. */
  context: string
  serializer: Serializer
  fillRandom: (nonce: Uint8Array) => void
  /**
   * True if something depends on when a session began. A secretbox token then says it:
   * @fastify/secure-session shows it as data. It may become true while the format is in use.
   */
  saysCreated: boolean
}

/**
 * The longest token that is looked at, in characters. Node takes 16 KiB of request headers unless told
 * otherwise, so no honest cookie is longer; the bound is for servers that raised that limit.
 */
export const MAX_TOKEN_LENGTH = 65536

/** Room for a signature behind a token. */
export const MAX_SIGNED_LENGTH = MAX_TOKEN_LENGTH + 1024

/** The longest value that is decoded. No value that a codec would open is longer, however it is encoded. */
export const MAX_ENCODED_LENGTH = 3 * MAX_TOKEN_LENGTH

/** Offset of the message in the workspace, encrypted or not: room for nonce and tag is before it. */
export const MESSAGE_OFFSET = 32

/**
 * Memory in which sealing and opening are done, laid out like a token. libsodium gets views of it, which cost
 * less than buffers of their own.
 *
 * All formats of a thread share one. So no code of the app's (a `toJSON`, a serializer) runs between writing
 * to it and reading from it.
 */
export interface Workspace {
  bytes: Buffer
  /** View of the bytes, for the encoder of base64. */
  view: DataView
  /** The 16 bytes before the message. */
  mac: Uint8Array
  /** Beside the bytes, for the format that has its nonce in a part of its own. */
  nonce: Buffer
  nonceView: DataView
  /** Views of the message, by length: the lengths of cookies are few and soon all made. `messageOf` makes one. */
  messages: Array<Uint8Array | undefined>
}

const MAX_KEPT = 4096

/** Null until it is first needed, so that a startup snapshot holds none: `workspace ?? getWorkspace()`. */
export let workspace: Workspace | null = null

export function getWorkspace (): Workspace {
  if (workspace === null) {
    const bytes = Buffer.allocUnsafeSlow(MESSAGE_OFFSET + MAX_TOKEN_LENGTH)
    const nonce = Buffer.allocUnsafeSlow(AEAD_NONCE_BYTES)
    workspace = {
      bytes,
      view: new DataView(bytes.buffer),
      mac: bytes.subarray(MESSAGE_OFFSET - 16, MESSAGE_OFFSET),
      nonce,
      nonceView: new DataView(nonce.buffer),
      messages: new Array<undefined>(MAX_KEPT + 1)
    }
  }
  return workspace
}

/** View of the message, which begins at `MESSAGE_OFFSET`. */
export function messageOf ({ bytes, messages }: Workspace, length: number): Uint8Array {
  if (length > MAX_KEPT) return bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  messages[length] ??= bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  return messages[length]
}
