import { Budget } from './budget.ts'
import { newestOf, type Found, type Opening, type Refused } from './candidates.ts'
import type { Codec, Opened } from '../codec.ts'
import { getOwn } from '../data/data.ts'
import { chunkName, isChunk, joinChunks } from './chunks.ts'
import { cookieValues, numberedValues, onlyText, type NumberedValues } from './find.ts'
import { unquoted } from './set-cookie.ts'
import type { SignatureCheck } from './signer.ts'

/** Settings for reading the cookie of a session. */
export interface CookieReading {
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
  readSingle ({ header, parsed }: BroughtCookies): Opened | null {
    const { codec, name, isOwnEncoding, signatures } = this.#reading
    if (parsed !== null || !isOwnEncoding || signatures !== null) return null
    const text = onlyText(header, name)
    return text === null || text.startsWith('"') || isChunk(text) ? null : codec.openEncoded(text)
  }

  /**
   * The cookie that counts: of several that open, the one written last. The others are older, or planted. A
   * cookie that a hook of the app has put into `request.cookies` counts before the header.
   * @param tried hears of each value that was tried.
   * @returns null if there is no cookie of the session.
   */
  read ({ header, parsed }: BroughtCookies, tried?: Tried): Found | Refused | null {
    const { codec, name } = this.#reading
    const budget = new Budget(codec.keyCount)
    const decode = budget.limit(this.#reading.decode)
    const { own, values } = withOwn(parsed, name, () => cookieValues(header, name, decode))
    const numbered = numberedValues(header, name, decode)
    const later: NumberedValues = (index, picks) => {
      const { own, values } = withOwn(parsed, chunkName(name, index), () => numbered(index, picks))
      return own === null ? values : [own, ...values]
    }
    const first = own === null ? null : this.#newest([own], later, budget, tried)
    if (first?.ok === true) return first
    return this.#newest(values, later, budget, tried) ?? first
  }

  #newest (values: readonly string[], later: NumberedValues, budget: Budget, tried?: Tried): Found | Refused | null {
    const { codec, signatures } = this.#reading
    const joined = joinChunks(values, later)
    const [first] = values
    if (joined.length > 0 || first === undefined) return newestOf(joined, { codec, signatures, tried }, budget)
    const refused: Refused = { ok: false, reason: 'chunk-missing' }
    tried?.(first, refused, 0)
    return refused
  }
}

/** Values of a session's cookie as they were before they were put into a header, and split. Nothing is opened. */
export function valuesIn (header: string, name: string, decode: CookieReading['decode']): readonly string[] {
  return joinChunks(cookieValues(header, name, decode), numberedValues(header, name, decode))
}

/**
 * Values of a cookie, and `own`, the one of `request.cookies` if it is not in the header. A cookie that was
 * taken out there is gone.
 */
function withOwn (parsed: BroughtCookies['parsed'], name: string, inHeader: () => string[]): { own: string | null, values: string[] } {
  const value = parsed === null ? null : getOwn(parsed, name)
  if (value === undefined) return { own: null, values: [] }
  const values = inHeader()
  const isOwn = typeof value === 'string' && !values.includes(value) && !values.includes(unquoted(value))
  return { own: isOwn ? value : null, values }
}
