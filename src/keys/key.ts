import { KEY_BYTES } from '../crypto/library.ts'
import { kindOf, sealedSessionError, type SealedSessionError } from '../errors.ts'
import { keyringInternals } from './key-source.ts'

const HEX = /^[0-9a-f]{64}$/i
/** Most of a key in base64. */
const BASE64_PART = /^[0-9a-z+/]{36,}=*$/i
const HEX_PART = /^[0-9a-f]{32,}$/i
/** What is left of a key in base64 or base64url. It has digits, small and capital letters, which few paths have that begin with no slash. */
const BASE64_MIX = /^(?!\/)(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9a-zA-Z+/_-]{36,}=*$/
const BASE64 = /^(?:[0-9a-z+/]{43}=?|[0-9a-z_-]{43}=?)$/i

/**
 * The 32 bytes of a key, copied, so that later changes of the caller's buffer change nothing.
 * @param key bytes, or text in hex or base64; white space around text is ignored.
 * @param label how a message names it: `key`, or `key[1]` for the second of an array.
 */
export function readKey (key: string | Uint8Array, label: string): Buffer {
  return typeof key === 'string' ? readKeyText(key.trim(), label) : readKeyBytes(key, label)
}

/** A key of a list: its bytes, and how a message names it. */
export interface LabelledKey {
  bytes: Buffer
  label: string
}

/**
 * The bytes of one key or of an array of keys.
 * @throws `FST_SEALED_SESSION_KEY_MISSING` for an empty array, and what `readKey` throws.
 */
export function readKeys (key: unknown): LabelledKey[] {
  const list: unknown[] = Array.isArray(key) ? key : [key]
  if (list.length === 0) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING', [], 'The array of keys is empty.')
  return list.map((item, index) => {
    const label = Array.isArray(key) ? `key[${index}]` : 'key'
    assertKeyType(item, label)
    return { bytes: readKey(item, label), label }
  })
}

/**
 * Whether text may be a key, what is left of one, or what a file of keys holds: then no message shows
 * it. May be wrong where a path is as long as a key.
 */
export function mayHoldKey (text: string): boolean {
  if (/[\p{Cc}\ufffd]/u.test(text)) return true // raw bytes read as text, or several lines
  return text.split(/[\s#]+/).some(word => HEX_PART.test(word) || BASE64.test(word) || BASE64_MIX.test(word))
}

/** True where all bytes are the same: `Buffer.alloc(32)` is what tutorials and tests leave behind. */
export function isConstant (key: Uint8Array): boolean {
  return key.every(byte => byte === key[0])
}

function readKeyText (text: string, label: string): Buffer {
  if (HEX.test(text)) return Buffer.from(text, 'hex')
  if (BASE64.test(text)) return Buffer.from(text, 'base64')
  throw sealedSessionError('FST_SEALED_SESSION_KEY_TEXT', [label, `${text.length} characters`], accidentOfText(text))
}

function readKeyBytes (bytes: Uint8Array, label: string): Buffer {
  if (bytes.length !== KEY_BYTES) throw keyLength(label, bytes)
  return Buffer.from(bytes)
}

function keyLength (label: string, bytes: Uint8Array): SealedSessionError {
  return sealedSessionError('FST_SEALED_SESSION_KEY_LENGTH', [label, String(bytes.length)], accidentOfBytes(bytes))
}

/** What most likely happened to a key file that was read as bytes, or nothing where it is unknown. */
function accidentOfBytes (bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf16(buffer)) {
    return 'This is text in UTF-16, which ">" of Windows PowerShell writes; it changes raw bytes beyond repair. Use "keygen --out FILE" there, not ">".'
  }
  const text = buffer.toString('utf8').trim() // a byte order mark is white space to trim()
  if (HEX.test(text)) return 'This is the key as hex text: read the file as text, readFileSync(file, "utf8").'
  if (BASE64.test(text)) return 'This is the key as base64 text: read the file as text, readFileSync(file, "utf8").'
  if (isKeyFile(text)) return 'This is a file of keys, as "rotate" makes it: read it with "await Keyring.fromFile(path)", and no key is lost.'
  if (endsWithNewline(buffer)) return 'A newline follows the 32 bytes, which an editor or echo has added: remove it.'
  return ''
}

function accidentOfText (text: string): string {
  if (text.includes('\0') || text.startsWith('\ufffd') || text.startsWith('\ufeff')) {
    return 'This looks like UTF-16, which ">" of Windows PowerShell writes, or like raw bytes read as text: use "keygen --out FILE", and pass raw bytes as a Buffer.'
  }
  if (/^[0-9a-f]+$/i.test(text)) return `These are ${text.length} hex digits, not 64.`
  if (isPath(text)) return PATH_GIVEN
  const stray = strayOf(text)
  if (stray !== -1) return `Character ${stray + 1} is none of hex, base64 or base64url.`
  const wrongHex = text.search(/[^0-9a-f]/i)
  if (text.length > 44 && wrongHex !== -1) return `Character ${wrongHex + 1} is not a hex digit.`
  const decoded = `In base64 this is ${Buffer.from(text, 'base64').length} bytes.`
  return text.length < KEY_BYTES ? `${decoded} If it is the path of a file, ${PASS_CONTENT}` : decoded
}

const PASS_CONTENT = 'pass what the file holds: readFileSync(path) for 32 raw bytes, or "await Keyring.fromFile(path)" for any key file.'
const PATH_GIVEN = `This looks like the path of a file: ${PASS_CONTENT}`

/** Whether text begins or ends as paths do. Base64 may begin with a slash, and is long. */
function isPath (text: string): boolean {
  if (BASE64_PART.test(text)) return false
  return /^(?:~|\.{1,2}|[a-z]:)?[\\/]|\.\w{1,8}$/i.test(text)
}

/** The index of the first character that no encoding has, or -1. */
function strayOf (text: string): number {
  return text.search(/[^0-9a-z+/_=-]/i)
}

/** Whether the first line that is no comment is a key, and there is more. */
function isKeyFile (text: string): boolean {
  const line = text.split('\n').map(line => line.replace(/#.*/, '').trim()).find(line => line !== '') ?? ''
  return HEX.test(line) || BASE64.test(line)
}

function isUtf16 (buffer: Buffer): boolean {
  if (buffer.length < 2) return false
  const mark = buffer.readUInt16BE(0)
  return mark === 0xfffe || mark === 0xfeff
}

function endsWithNewline (buffer: Buffer): boolean {
  const end = buffer.subarray(KEY_BYTES).toString('latin1')
  return end === '\n' || end === '\r\n'
}

/** Checks that an item of an array of keys, or the only key, is of a type that a key can have. */
export function assertKeyType (key: unknown, label: string): asserts key is string | Uint8Array {
  if (typeof key === 'string' || key instanceof Uint8Array) return
  if (label === 'key') throw sealedSessionError('FST_SEALED_SESSION_KEY_TYPE', [], accidentOfType(key))
  throw sealedSessionError('FST_SEALED_SESSION_KEY_ITEM_TYPE', [`: ${label} is ${kindOf(key)}`], accidentOfType(key))
}

function accidentOfType (key: unknown): string {
  if (keyringInternals(key) !== undefined) return 'A Keyring has its own array of keys and is given alone, as "key: keyring".'
  if (key instanceof URL) return PATH_GIVEN
  if (key instanceof Promise) return 'It is a promise: "await" it, as in "key: await Keyring.fromFile(path)".'
  return `It is ${kindOf(key)}.`
}
