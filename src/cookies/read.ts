import { Budget, type Found, type Judge, judged, newestOf, type Opening, type Refused } from './candidates.ts'
import { chunkName, isLater, joinChunks, MAX_CANDIDATES, MAX_CHUNKS, type NumberedValues } from './chunks.ts'
import { getOwn } from '../data/data.ts'
import type { SignatureCheck } from './signature.ts'
import { unquoted } from './set-cookie.ts'
import type { Codec } from '../token/codec.ts'
import { MAX_ENCODED_LENGTH } from '../token/format.ts'

/** Settings for reading the cookie of a session. */
interface CookieReading {
  codec: Codec
  name: string
  /** Inverse of the encoding of values in headers; undefined if a function of the app's fails. */
  decode: (text: string) => string | undefined
  /** Null if the cookie is not signed, or nobody checks it. */
  signatures: SignatureCheck | null
  /** True if cookies stand in the header as `encodeValue` writes them. */
  isOwnEncoding: boolean
}

/** Cookies that a request brings. */
export interface BroughtCookies {
  header: string | undefined
  /** `request.cookies` if something has parsed the header: hooks of the app may have changed it. Otherwise null. */
  parsed: Record<string, string | undefined> | null
}

type Tried = NonNullable<Opening['tried']>

/**
 * Reads the cookie of a session: finds its values in a header, puts those together that were split, checks
 * signatures, decrypts, and chooses. The inverse of `CookieWriter`.
 */
export class CookieReader {
  readonly #reading: CookieReading

  constructor (reading: CookieReading) {
    this.#reading = reading
  }

  /**
   * Session of a request that brings one cookie, which we wrote, as nearly every request does; without a copy
   * of the token. Null if there is more to it. `read` says the same, and more slowly.
   */
  readSingle ({ header, parsed }: BroughtCookies, judge?: Judge): Found | Refused | null {
    const { codec, name, isOwnEncoding, signatures } = this.#reading
    if (parsed !== null || !isOwnEncoding || signatures !== null) return null
    const text = onlyText(header, name)
    const opened = text === null ? null : codec.openEncoded(text)
    // A part of a value that was split is malformed by itself, and so is a quoted one.
    return opened === null || (!opened.ok && opened.reason === 'malformed') ? null : judge === undefined ? opened : judged(opened, judge)
  }

  /**
   * The cookie that counts: of several that open, the one written last. The others are older, or planted. A
   * cookie that a hook of the app has put into `request.cookies` counts before the header.
   * @param tried hears of each value that was tried.
   * @param judge has a say in each that opens.
   * @returns null if there is no cookie of the session.
   */
  read ({ header, parsed }: BroughtCookies, tried?: Tried, judge?: Judge): Found | Refused | null {
    const { codec, name, signatures } = this.#reading
    const opening = { codec, signatures, tried, judge }
    const budget = new Budget(codec.keyCount)
    const decode = budget.limit(this.#reading.decode)
    const { own, values } = withOwn(parsed, name, () => cookieValues(header, name, decode))
    const numbered = numberedValues(header, name, decode)
    const later: NumberedValues = (index, picks) => {
      const { own, values } = withOwn(parsed, chunkName(name, index), () => numbered(index, picks))
      return own === null ? values : [own, ...values]
    }
    const first = own === null ? null : newestIn([own], later, opening, budget)
    if (first?.ok === true) return first
    return newestIn(values, later, opening, budget) ?? first
  }
}

function newestIn (values: readonly string[], later: NumberedValues, opening: Opening, budget: Budget): Found | Refused | null {
  const joined = joinChunks(values, later)
  const [first] = values
  if (joined.length > 0 || first === undefined) return newestOf(joined, opening, budget)
  const refused: Refused = { ok: false, reason: 'chunk-missing' }
  opening.tried?.(first, refused, 0)
  return refused
}

/** Values of a session's cookie as they were before they were put into a header, and split. Nothing is opened. */
export function valuesIn (header: string, name: string, decode: CookieReading['decode']): readonly string[] {
  return joinChunks(cookieValues(header, name, decode), numberedValues(header, name, decode))
}

/**
 * Values of a cookie, and `own`, the one of `request.cookies` if it is not in the header. A cookie that was
 * taken out there is gone.
 */
export function withOwn (parsed: BroughtCookies['parsed'], name: string, inHeader: () => string[]): { own: string | null, values: string[] } {
  const value = parsed === null ? null : getOwn(parsed, name)
  if (value === undefined) return { own: null, values: [] }
  const values = inHeader()
  const isOwn = typeof value === 'string' && !values.includes(value) && !values.includes(unquoted(value))
  return { own: isOwn ? value : null, values }
}

// The values of one name in a header.

const TAB = 0x09
const SPACE = 0x20
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const ZERO = 0x30

/**
 * Values of the cookies of one name in a `Cookie` header (RFC 6265 section 4.2.1), each once, in their order,
 * at most `MAX_CANDIDATES`.
 *
 * Each of them is tried, so that a cookie of the same name which somebody planted from a subdomain cannot
 * lock the user out. Only a `__Host-` name keeps such a cookie from being planted.
 * @param decode inverse of the encoding of values in the header; it returns undefined for one that is left
 * out.
 */
export function cookieValues (header: string | undefined, name: string, decode: Decode): string[] {
  if (typeof header !== 'string') return []
  const values: string[] = []
  let start = valueIndex(header, name, 0)
  for (let seen = 0; start !== -1 && seen < MAX_CANDIDATES; seen++) {
    const end = endOfPair(header, start)
    addValue(values, trimmed(header, start, end), decode)
    start = valueIndex(header, name, end)
  }
  return values
}

type Decode = (text: string) => string | undefined

function addValue (values: string[], text: string, decode: Decode): void {
  const value = text.length > MAX_ENCODED_LENGTH ? text : decode(text)
  if (value !== undefined && !values.includes(value)) values.push(value)
}

/** The header is searched once for all of them, when the first is asked for: hostile ones are long. */
export function numberedValues (header: string | undefined, name: string, decode: Decode): NumberedValues {
  let texts: readonly string[][] | null = null
  return (number, picks) => {
    texts ??= numberedTexts(header, `${name}.`)
    const values: string[] = []
    let others = 0
    for (const text of texts[number] ?? []) {
      if (picks?.(text) === true || others++ < MAX_CANDIDATES) addValue(values, text, decode)
    }
    return values
  }
}

function numberedTexts (header: string | undefined, prefix: string): readonly string[][] {
  const texts: string[][] = Array.from({ length: 10 }, () => [])
  if (typeof header !== 'string') return texts
  for (let at = header.indexOf(prefix); at !== -1; at = header.indexOf(prefix, at)) {
    const start = at
    at += prefix.length
    const number = header.charCodeAt(at) - ZERO
    const equals = skipSpace(header, at + 1)
    if (!(number > 0 && number < 10) || header.charCodeAt(equals) !== EQUALS || !startsPair(header, start)) continue
    at = endOfPair(header, equals + 1)
    texts[number]?.push(trimmed(header, equals + 1, at))
  }
  return texts
}

/** Value of the only cookie of a name, as it stands in the header; null if there is none, or several. */
export function onlyText (header: string | undefined, name: string): string | null {
  if (typeof header !== 'string') return null
  const start = valueIndex(header, name, 0)
  if (start === -1) return null
  const end = endOfPair(header, start)
  return valueIndex(header, name, end) === -1 ? trimmed(header, start, end) : null
}

function endOfPair (header: string, at: number): number {
  const semicolon = header.indexOf(';', at)
  return semicolon === -1 ? header.length : semicolon
}

/**
 * Index at which the value of the next cookie of a name begins, or -1. Looks for the name itself, so that
 * other cookies cost nothing.
 */
function valueIndex (header: string, name: string, from: number): number {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + 1)) {
    const end = skipSpace(header, at + name.length)
    if (header.charCodeAt(end) === EQUALS && startsPair(header, at)) return end + 1
  }
  return -1
}

function startsPair (header: string, at: number): boolean {
  let before = at - 1
  while (isSpace(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

// Only spaces and tabs, unlike trim(): all characters that a browser takes for part of a name are part of it
// here, too, or a subdomain could set a name that is read as one with a `__Host-` prefix.

function trimmed (header: string, start: number, end: number): string {
  const first = skipSpace(header, start)
  let last = end
  while (last > first && isSpace(header.charCodeAt(last - 1))) last--
  return header.slice(first, Math.max(first, last))
}

function skipSpace (header: string, at: number): number {
  while (isSpace(header.charCodeAt(at))) at++
  return at
}

function isSpace (code: number): boolean {
  return code === SPACE || code === TAB
}

const NONE: readonly number[] = []

/**
 * Numbers of the chunks, from an index above 0 on, that a `Cookie` header has of a value: those that are
 * stale if it now needs fewer. A foreign cookie with such a name is none of them.
 */
export function chunksIn (header: string | undefined, name: string, from: number, decode: (text: string) => string | undefined): readonly number[] {
  if (typeof header !== 'string' || !hasLater(header, name)) return NONE
  const valuesOf = numberedValues(header, name, decode)
  const found: number[] = []
  for (let index = from; index < MAX_CHUNKS; index++) if (valuesOf(index).some(isLater)) found.push(index)
  return found
}

const DOT = 0x2e

/** True if a header may have chunks; nearly none has. */
function hasLater (header: string, name: string): boolean {
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    if (header.charCodeAt(at + name.length) === DOT) return true
  }
  return false
}
