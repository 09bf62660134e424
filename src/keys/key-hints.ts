import { types } from '#runtime'
import { KEY_BYTES } from '../crypto/library.ts'
import { kindOf } from '../errors.ts'
import { keyringInternals } from './key-set.ts'
import { BASE64, HEX, hrefOf } from './key-text.ts'

// Hints for values that are not keys: words for the hint of an error, which say what most likely happened and
// never show the value.

/** Most of a key in base64. */
const BASE64_PART = /^[0-9a-z+/]{36,}=*$/i

/** Text with digits, small and capital letters, as base64 of random bytes has them. */
const BASE64_RANDOM = /^(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])/

/** Hex digits, more in a row than words have. */
const HEX_PIECE = /[0-9a-f]{16}/i

/** Hint for a key file that was read as bytes; empty if nothing is known. */
export function hintOfBytes (bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf16(buffer)) {
    return 'This is text in UTF-16, which ">" of Windows PowerShell writes. It changes raw bytes beyond repair. Use "keygen --out FILE" there, not ">".'
  }
  const text = buffer.toString('utf8').trim() // a byte order mark is white space to trim()
  if (HEX.test(text)) return 'This is the key as hex text: read the file as text, readFileSync(file, "utf8").'
  if (BASE64.test(text)) return 'This is the key as base64 text: read the file as text, readFileSync(file, "utf8").'
  if (isKeyFile(text)) return 'This is a file of keys, as "rotate" makes it: read it with "await Keyring.fromFile(path)", and no key is lost.'
  if (endsWithNewline(buffer)) return 'A newline follows the 32 bytes, which an editor or echo has added: remove it.'
  return hintAround(text)
}

/** Hint for a text that is no key. */
export function hintOfText (text: string): string {
  if (text.includes('\0') || text.startsWith('\ufffd') || text.startsWith('\ufeff')) {
    return 'This looks like UTF-16, which ">" of Windows PowerShell writes, or like raw bytes read as text: use "keygen --out FILE", and pass raw bytes as a Buffer.'
  }
  const around = hintAround(text)
  if (around !== '') return around
  if (/^[0-9a-f]+$/i.test(text)) return `These are ${text.length} hex digits, not 64.`
  if (isPath(text)) return PATH_GIVEN
  const stray = strayOf(text)
  if (stray !== -1) return `Character ${stray + 1} is none of hex, base64 or base64url. ${PASSPHRASE}`
  const wrongHex = text.search(/[^0-9a-f]/i)
  if (text.length > 44 && wrongHex !== -1) return `Character ${wrongHex + 1} is not a hex digit.${orPassphrase(text)}`
  const decoded = `In base64 this is ${Buffer.from(text, 'base64').length} bytes.`
  return text.length < KEY_BYTES ? `${decoded} If it is the path of a file, ${PASS_CONTENT} ${PASSPHRASE}` : decoded + orPassphrase(text)
}

/** People who come from iron-session or express-session pass a passphrase in place of a key. */
const PASSPHRASE = 'If it is a passphrase, give it as "secret" in place of "key", with a "salt" of 16 bytes.'

/**
 * Advice on passphrases, unless text has what random base64 or hex nearly always has: words and digits have
 * not.
 */
function orPassphrase (text: string): string {
  return BASE64_RANDOM.test(text) || HEX_PIECE.test(text) ? '' : ` ${PASSPHRASE}`
}

/** Hint for a key that was copied together with text around it; empty for another text. */
function hintAround (text: string): string {
  const pieces = text.split(/[,;]/)
  const parts = pieces.map(withoutQuotes).filter(part => part !== '')
  if (!parts.every(isKey)) return hintOfLine(text)
  if (parts.length > 1) return `These are ${parts.length} keys in one text: give an array of them, or give each a line of its own in a key file.`
  if (parts.length === 0) return ''
  if (pieces.length > 1) return 'The comma or semicolon beside the key is part of the text here: remove it, and quotes, if there are any.'
  return 'The quotes around the key are part of the text here: remove them. "docker --env-file" keeps quotes, where a shell takes them away.'
}

/** A line as shells, PowerShell, files of environment variables, YAML and JSON have it. The name is shorter than a key in base64, which may have `=` at its end. */
const LINE = /^(?:(?:export|set)\s+|\$env:)?["']?(?<name>[a-z_][\w.-]{0,40})["']?\s*[=:]\s*(?<value>[^\s=].*)$/is
const ENVIRONMENT_LINE = /^(?:export\s+)?[A-Z_][A-Z0-9_]{2,}=/

/** Hint for a whole line `NAME=value`; empty for another text. */
function hintOfLine (text: string): string {
  const value = LINE.exec(text)?.groups?.value
  if (value === undefined) return ''
  const advice = 'a whole line NAME=value: give the value alone, without quotes.'
  if (isKey(withoutQuotes(value.replace(/[,;]$/, '')))) return `This is ${advice}`
  return ENVIRONMENT_LINE.test(text) ? `This looks like ${advice} ${PASSPHRASE}` : ''
}

function isKey (text: string): boolean {
  return HEX.test(text) || BASE64.test(text)
}

const QUOTES = /^["'`\u2018-\u201f]|["'`\u2018-\u201f]$/g

/** Text without the quotes around it, or without the one that it has. */
function withoutQuotes (text: string): string {
  return text.trim().replace(QUOTES, '').trim()
}

const PASS_CONTENT = 'pass its content: readFileSync(path) for 32 raw bytes, or "await Keyring.fromFile(path)" for any key file.'
const PATH_GIVEN = `This looks like the path of a file. You have to ${PASS_CONTENT}`

/** True if text begins or ends as paths do. Base64 may begin with a slash, and is long. */
function isPath (text: string): boolean {
  if (BASE64_PART.test(text)) return false
  return /^(?:~|\.{1,2}|[a-z]:)?[\\/]|\.\w{1,8}$/i.test(text)
}

/** Index of the first character that no encoding has; -1 without one. */
function strayOf (text: string): number {
  return text.search(/[^0-9a-z+/_=-]/i)
}

/** True if the first line that is no comment is a key, and there is more. */
function isKeyFile (text: string): boolean {
  const line = text.split('\n').map(line => line.replace(/#.*/, '').trim()).find(line => line !== '') ?? ''
  return isKey(line)
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

/** Hint for a value of a type that no key has. */
export function hintOfType (key: unknown): string {
  if (keyringInternals(key) !== undefined) return 'A Keyring has its own array of keys and is given alone, as "key: keyring".'
  if (hrefOf(key) !== null) return PATH_GIVEN
  if (types.isPromise(key)) return 'It is a promise: "await" it, as in "key: await Keyring.fromFile(path)".'
  return `It is ${kindOf(key)}.`
}
