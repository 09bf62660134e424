import { AEAD_NONCE_BYTES as NONCE_BYTES, AEAD_TAG_BYTES as TAG_BYTES, type SodiumLibrary } from '../crypto/library.ts'
import { getWorkspace, MAX_TOKEN_LENGTH, MESSAGE_OFFSET, messageOf, SPARE_BITS_ZERO, workspace, type Workspace } from './format.ts'
import type { DerivedKey, KeySet } from '../keys/key-set.ts'

// Envelope of all that this package seals in a layout of its own, as one base64url string without padding:
//
//   version 1 | key id 4 | nonce 24 | ciphertext | tag 16
//   └──────┬──────────┘
//          └─ associated data, followed by a context in UTF-8
//
// The version, the key's id and the context are authenticated with the rest: a text opens only as what it was
// sealed for. The key is one that is derived for this format; see keys/key-set.ts.
//
// The cipher does not commit to its key: an attacker who has two keys can make a text that opens with both.
// Nothing here relies on that: the id names one key, and an attacker who has a key can make any text anyway.

const VERSION_BYTES = 1
const KEY_ID_BYTES = 4
const NAME_BYTES = VERSION_BYTES + KEY_ID_BYTES // bytes that the associated data begins with

// Offsets of the parts in the workspace.
const NONCE_START = MESSAGE_OFFSET - NONCE_BYTES
const KEY_ID_START = NONCE_START - KEY_ID_BYTES
const START = KEY_ID_START - VERSION_BYTES

/** Bytes beside the message. */
export const ENVELOPE_BYTES = NAME_BYTES + NONCE_BYTES + TAG_BYTES

/** Reason for which an envelope was not opened, in the order in which it is found out. */
export type EnvelopeRefusal = 'too-long' | 'malformed' | 'version-unknown' | 'key-unknown' | 'not-authentic'

/** A message that was opened, in the workspace; or the reason to refuse it. */
type MessageOpened = { ok: true, key: DerivedKey, length: number } | { ok: false, reason: EnvelopeRefusal }

/**
 * Associated data of an envelope: room for its first five bytes, which are filled in each time, then the
 * context.
 */
export type AssociatedData = Buffer

/** Associated data of a context, such as a cookie's name. */
export function associatedDataOf (context: string): AssociatedData {
  return Buffer.concat([Buffer.alloc(NAME_BYTES), Buffer.from(context)])
}

/** Seals the message of a length in the workspace. */
export function sealMessage (space: Workspace, length: number, version: number, key: DerivedKey, associatedData: AssociatedData, fillRandom: (nonce: Uint8Array) => void, library: SodiumLibrary): string {
  const { bytes } = space
  bytes[START] = version
  bytes.writeUInt32BE(key.idNumber, KEY_ID_START)
  const nonce = nonceOf(bytes)
  fillRandom(nonce)
  const sealed = space.messages[length + TAG_BYTES] ?? messageOf(space, length + TAG_BYTES)
  library.aeadSeal(sealed, space.messages[length] ?? messageOf(space, length), complete(associatedData, bytes), nonce, key.encryption)
  return bytes.toString('base64url', START, MESSAGE_OFFSET + length + TAG_BYTES)
}

/**
 * Opens a text with the key that it names. The message stands in the workspace then.
 * @param least bytes that the message has at least.
 */
export function openMessage (text: string, least: number, version: number, keys: KeySet, associatedData: AssociatedData, library: SodiumLibrary): MessageOpened {
  // A bound on the work
  if (text.length > MAX_TOKEN_LENGTH) return refused('too-long')
  const space = workspace ?? getWorkspace()
  const { bytes } = space
  const end = START + bytes.write(text, START, 'base64url')
  if (end - START < least + ENVELOPE_BYTES || !isCanonicalUrl(text, end - START)) return refused('malformed')
  if (bytes[START] !== version) return refused('version-unknown')
  const key = keys.find(bytes.readUInt32BE(KEY_ID_START))
  if (key === undefined) return refused('key-unknown')
  const length = end - MESSAGE_OFFSET - TAG_BYTES
  const message = space.messages[length] ?? messageOf(space, length)
  const sealed = space.messages[length + TAG_BYTES] ?? messageOf(space, length + TAG_BYTES)
  const isAuthentic = library.aeadOpen(message, sealed, complete(associatedData, bytes), nonceOf(bytes), key.encryption)
  return isAuthentic ? { ok: true, key, length } : refused('not-authentic')
}

function refused (reason: EnvelopeRefusal): MessageOpened {
  return { ok: false, reason }
}

/** Completes the associated data with the version and key id of the envelope in the workspace. */
function complete (associatedData: AssociatedData, bytes: Buffer): AssociatedData {
  for (let i = 0; i < NAME_BYTES; i++) associatedData[i] = bytes[START + i]! // the workspace is longer
  return associatedData
}

let nonceView: Uint8Array | null = null

/** The nonce in the workspace, of which a thread has one. */
function nonceOf (bytes: Buffer): Uint8Array {
  nonceView ??= bytes.subarray(NONCE_START, MESSAGE_OFFSET)
  return nonceView
}

/**
 * True if base64url without padding (RFC 4648 section 5) is the one spelling of the bytes that Node decoded from it. Its
 * decoder skips stray characters, and takes the other alphabet, padding and spare bits that are set.
 */
export function isCanonicalUrl (text: string, byteCount: number): boolean {
  const rest = text.length % 4
  // Characters that Node skips are missing in the count.
  if (rest === 1 || byteCount !== Math.floor(text.length / 4 * 3) || Buffer.byteLength(text) !== text.length) return false
  if (rest !== 0 && !SPARE_BITS_ZERO[4 - rest]!.includes(text[text.length - 1]!)) return false // it has 1 and 2
  return !text.includes('+') && !text.includes('/')
}
