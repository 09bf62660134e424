import { MAX_CANDIDATES, cookieValues } from './find.ts'
import { MAX_COOKIE_BYTES } from './set-cookie.ts'

// A value that is too long for one cookie is split over several:
//
//   session=3~AQAB…      how many there are, and the first part
//   session.1=~kTz0…     the next one
//   session.2=~Qm9e…
//
// `~` needs no escape in a cookie and is in no token and no signature, so that nothing is taken for
// a chunk that is none. What holds the parts together is the token: it is authenticated as a whole,
// so one that is missing, exchanged or from another write makes a token that does not open.

/** The most cookies that a value is split into; one digit says how many there are. */
export const MAX_CHUNKS = 8

/**
 * What the cookies may take in a request, for each that is allowed: 7 KiB for two, which leaves
 * 1 KiB to other cookies where a proxy takes 8 KiB a header line; 14 KiB for four, which leaves
 * 2 KiB to other headers of the 16 KiB that Node takes.
 */
export const BYTES_PER_CHUNK = 3584

/**
 * How many values are made of one first chunk where others are there several times. So what a client
 * sends is decoded four times at most; who can plant more than that can also plant whole cookies.
 */
const MAX_COMBINATIONS = 4

const MARK = '~'

/** The name of a chunk; the first has the name itself. */
export function chunkName (name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/**
 * The lines of a value that is too long for one, each at most `MAX_COOKIE_BYTES` long.
 * @param lineOf writes the line of a chunk; it must let nothing but ASCII through.
 * @returns null where the value does not fit into `maxChunks` cookies.
 */
export function splitValue (value: string, maxChunks: number, lineOf: (index: number, text: string) => string): string[] | null {
  for (let count = 2; count <= maxChunks; count++) {
    const lines = splitInto(count, value, lineOf)
    if (lines !== null) return bytesInRequest(lines) <= maxChunks * BYTES_PER_CHUNK ? lines : null
  }
  return null
}

function splitInto (count: number, value: string, lineOf: (index: number, text: string) => string): string[] | null {
  const lines: string[] = []
  let start = 0
  while (start < value.length && lines.length < count) {
    const index = lines.length
    const mark = index === 0 ? `${count}${MARK}` : MARK
    const { size, line } = longest(value, start, part => lineOf(index, mark + part))
    lines.push(line)
    start += size
  }
  return start >= value.length && lines.length === count ? lines : null
}

/** The longest part whose line fits; how much longer the app's encoding makes it is not known. */
function longest (value: string, start: number, lineOf: (part: string) => string): { size: number, line: string } {
  let size = Math.min(value.length - start, MAX_COOKIE_BYTES)
  let line = lineOf(value.slice(start, start + size))
  while (line.length > MAX_COOKIE_BYTES && size > 0) {
    size -= Math.ceil((line.length - MAX_COOKIE_BYTES) * size / line.length)
    line = lineOf(value.slice(start, start + size))
  }
  return { size, line }
}

/** What a browser sends of cookies: their names and values, with `; ` between them. */
function bytesInRequest (lines: readonly string[]): number {
  return lines.map(line => line.split(';', 1)[0] ?? '').join('; ').length
}

/**
 * What a request's values were before they were split. Those that are no first chunk stay as they
 * are; a first chunk whose parts are not all there is left out. Of a part that is there several
 * times, each is tried, up to `MAX_COMBINATIONS`: `MAX_CANDIDATES` in all, whatever a client sends.
 * @param valuesOf the request's values of the chunk with an index.
 */
export function joinChunks (values: readonly string[], valuesOf: (index: number) => readonly string[]): readonly string[] {
  if (!values.some(isFirst)) return values
  const parts: string[][] = []
  const partsOf = (index: number): string[] => {
    parts[index] ??= valuesOf(index).filter(isLater).slice(0, MAX_COMBINATIONS).map(value => value.slice(MARK.length))
    return parts[index]
  }
  // Whole ones first: what can be made of planted chunks must not crowd them out.
  const joined = values.filter(value => !isFirst(value))
  for (const value of values.filter(isFirst)) {
    if (joined.length >= MAX_CANDIDATES) break // no work for what would be cut off
    joined.push(...joinedWith(value, partsOf))
  }
  return joined.slice(0, MAX_CANDIDATES)
}

/** All that can be made of a first chunk; nothing where another one is missing. */
function joinedWith (first: string, partsOf: (index: number) => readonly string[]): readonly string[] {
  const later = Array.from({ length: Number(first[0]) - 1 }, (_, index) => partsOf(index + 1))
  if (later.some(parts => parts.length === 0)) return [] // before any work is done for it
  return later.reduce(
    (joined, parts) => joined.flatMap(text => parts.map(part => text + part)).slice(0, MAX_COMBINATIONS),
    [first.slice(1 + MARK.length)])
}

const FIRST = /^[2-8]~/

function isFirst (value: string): boolean {
  return FIRST.test(value)
}

function isLater (value: string): boolean {
  return value.startsWith(MARK)
}

const NONE: readonly number[] = []

/**
 * The chunks, from an index above 0 on, that a `Cookie` header has of a value: those that are stale
 * where it now needs fewer. A foreign cookie with such a name is none of them.
 */
export function chunksIn (header: string | undefined, name: string, from: number, decode: (text: string) => string | undefined): readonly number[] {
  if (typeof header !== 'string' || !hasLater(header, name)) return NONE
  const found: number[] = []
  for (let index = from; index < MAX_CHUNKS; index++) {
    if (cookieValues(header, chunkName(name, index), decode).some(isLater)) found.push(index)
  }
  return found
}

const DOT = 0x2e

/** Whether a header may have chunks; nearly none has. */
function hasLater (header: string, name: string): boolean {
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    if (header.charCodeAt(at + name.length) === DOT) return true
  }
  return false
}

/** Whether a value is a part of one that was split, the first or another. */
export function isChunk (value: string): boolean {
  return /^\d?~/.test(value)
}
