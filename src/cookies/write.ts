import type { CookieSerializeOptions } from '@fastify/cookie'
import { BYTES_PER_CHUNK, chunkName, splitValue } from './chunks.ts'
import { fail } from '../errors.ts'
import { attributesEnd, deleteCookieLine, MAX_COOKIE_BYTES, type Serialize } from './set-cookie.ts'
import { chunksIn } from './read.ts'

type Attributes = CookieSerializeOptions

/** Lines of the header `Set-Cookie`: that of a session's cookie, or of each chunk, and deletions of stale chunks. */
export type Lines = readonly string[]

/** Settings for writing the cookie of a session. */
interface CookieWriting {
  /** Name of the session, for errors. */
  sessionName: string
  name: string
  /** The most cookies that a session is split over; 1 for no splitting. */
  maxChunks: number
  encode: (value: string) => string
  decode: (text: string) => string | undefined
  serialize: Serialize
}

/** Rest of a line behind the value: as text, or as attributes that have an encoding of the app's own. */
export type LineEnd = string | Attributes

/** Writes the cookie of a session: signed values into lines, split if they are too long. The inverse of `CookieReader`. */
export class CookieWriter {
  readonly #writing: CookieWriting
  /** Text before the value in a line. */
  readonly start: string

  constructor (writing: CookieWriting) {
    this.#writing = writing
    this.start = `${writing.name}=`
  }

  /** @throws `FST_SEALED_SESSION_COOKIE_INVALID` for attributes that the serializer refuses */
  endOf (attributes: Attributes): LineEnd {
    const { name, serialize } = this.#writing
    return attributes.encode === undefined ? this.#checked(() => attributesEnd(name, attributes, serialize)) : attributes
  }

  /**
   * The lines of a value, and deletions of the chunks of a longer one.
   * @param header the request's `Cookie`: the chunks that the browser has.
   * @param attributesOf attributes of deletions, which are rarely needed.
   * @throws `FST_SEALED_SESSION_COOKIE_TOO_LARGE`, `FST_SEALED_SESSION_COOKIE_INVALID`
   */
  write (value: string, end: LineEnd, header: string | undefined, attributesOf: () => Attributes): Lines {
    const { name } = this.#writing
    const line = this.#line(name, value, end)
    // The serializer lets nothing but ASCII through, so characters are bytes.
    const lines = line.length <= MAX_COOKIE_BYTES ? [line] : this.#chunks(value, end, line.length)
    return this.#withDeletions(lines, lines.length, header, attributesOf)
  }

  /** The same of the line of a value. Null if it is not all: a value of several cookies, or one in the place of several. */
  linesOf (line: string, header: string | undefined): Lines | null {
    const { name, decode } = this.#writing
    return line.length <= MAX_COOKIE_BYTES && chunksIn(header, name, 1, decode).length === 0 ? [line] : null
  }

  /** The lines that have the browser drop the cookie. */
  delete (attributes: Attributes, header: string | undefined): Lines {
    return this.#withDeletions([this.#deletion(this.#writing.name, attributes)], 1, header, () => attributes)
  }

  /** True for a `Set-Cookie` line with the name of the cookie, or of one of its chunks. */
  isOwn (line: string): boolean {
    const { name } = this.#writing
    return line.startsWith(name) && /^(?:\.[1-7])?=/.test(line.slice(name.length))
  }

  #line (name: string, value: string, end: LineEnd): string {
    // An encoding of the app's own is left to the serializer, which checks what it returns.
    return typeof end === 'string' ? `${name}=${this.#writing.encode(value)}${end}` : this.#serializeWhole(name, value, end)
  }

  #chunks (value: string, end: LineEnd, bytes: number): Lines {
    const { sessionName, name, maxChunks } = this.#writing
    const lines = splitValue(value, maxChunks, (index, text) => this.#line(chunkName(name, index), text, end))
    if (lines !== null) return lines
    const limit = maxChunks === 1 ? MAX_COOKIE_BYTES : maxChunks * BYTES_PER_CHUNK
    throw fail('COOKIE_TOO_LARGE', [sessionName, bytes, maxChunks, limit])
  }

  /** Has the browser drop the chunks that it sent of the cookie, from an index on. */
  #withDeletions (lines: Lines, from: number, header: string | undefined, attributesOf: () => Attributes): Lines {
    const { name, decode } = this.#writing
    const stale = chunksIn(header, name, from, decode)
    if (stale.length === 0) return lines
    const attributes = attributesOf()
    return [...lines, ...stale.map(index => this.#deletion(chunkName(name, index), attributes))]
  }

  #deletion (name: string, attributes: Attributes): string {
    return this.#checked(() => deleteCookieLine(name, attributes, this.#writing.serialize))
  }

  /** Result of the serializer; its refusal of an attribute gets a code. */
  #checked (write: () => string): string {
    try {
      return write()
    } catch (error) {
      throw fail('COOKIE_INVALID', [this.#writing.name, (error as Error).message])
    }
  }

  #serializeWhole (name: string, value: string, attributes: Attributes): string {
    try {
      return this.#writing.serialize(name, value, attributes)
    } catch {
      // The serializer's message has the token in it.
      throw fail('COOKIE_INVALID', [name, 'what "encode" returns, or an attribute, is refused by the cookie serializer'])
    }
  }
}
