import { hintOfBytes, hintOfText, hintOfType } from '#key-hints'
import { types } from '#runtime'
import { KEY_BYTES } from '../crypto/library.ts'
import { kindOf, fail, type SealedSessionError } from '../errors.ts'
import { BASE64, HEX } from './key-text.ts'

// Refusals of one key, its type, length and text, and of a list that is empty. Those of two keys with one id are in key-set.ts, of
// the keyring in keyring.ts, of a file in key-file.ts, of passphrases in passphrase.ts, and of the option in options/keys.ts.

/**
 * The 32 bytes of a key, copied, so that later changes of the caller's buffer change nothing.
 * @param key bytes, or text in hex or base64; white space around text is ignored.
 * @param label how a message names it: `key`, or `key[1]` for the second of an array.
 */
export function readKey (key: string | Uint8Array, label: string): Buffer {
  return typeof key === 'string' ? readKeyText(key.trim(), label) : readKeyBytes(key, label)
}

/** A key of a list: its bytes, and how a message names it. */
interface LabelledKey {
  bytes: Buffer
  label: string
}

/**
 * Bytes of one key or of an array of keys.
 * @throws `FST_SEALED_SESSION_KEY_MISSING` for an empty array, and the errors of `readKey`.
 */
export function readKeys (key: unknown): LabelledKey[] {
  const list: unknown[] = Array.isArray(key) ? key : [key]
  if (list.length === 0) throw fail('KEY_MISSING', [], { detail: 'The array of keys is empty.' })
  return list.map((item, index) => {
    const label = Array.isArray(key) ? `key[${index}]` : 'key'
    assertKeyType(item, label)
    return { bytes: readKey(item, label), label }
  })
}

/** True if all bytes are the same: `Buffer.alloc(32)` is left behind by tutorials and tests. */
export function isConstant (key: Uint8Array): boolean {
  return key.every(byte => byte === key[0])
}

function readKeyText (text: string, label: string): Buffer {
  if (HEX.test(text)) return Buffer.from(text, 'hex')
  if (BASE64.test(text)) return Buffer.from(text, 'base64')
  throw fail('KEY_TEXT', [label, `${text.length} characters`], { detail: hintOfText(text) })
}

function readKeyBytes (bytes: Uint8Array, label: string): Buffer {
  if (bytes.length !== KEY_BYTES) throw keyLength(label, bytes)
  return Buffer.from(bytes)
}

function keyLength (label: string, bytes: Uint8Array): SealedSessionError {
  return fail('KEY_LENGTH', [label, String(bytes.length)], { detail: hintOfBytes(bytes) })
}

/** Checks that an item of an array of keys, or the only key, is of a type that a key can have. */
export function assertKeyType (key: unknown, label: string): asserts key is string | Uint8Array {
  if (typeof key === 'string' || types.isUint8Array(key)) return
  if (label === 'key') throw fail('KEY_TYPE', [], { detail: hintOfType(key) })
  throw fail('KEY_ITEM_TYPE', [`: ${label} is ${kindOf(key)}`], { detail: hintOfType(key) })
}
