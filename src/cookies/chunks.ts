import { MAX_COOKIE_BYTES } from './set-cookie.ts'

// A value that is too long for one cookie is split over several:
//
//   session=3~k7Qd~AQAB…    number of chunks, a tag of this write, and the first part
//   session.1=~k7Qd~kTz0…   the tag, and the next part
//   session.2=~k7Qd~Qm9e…
//
// `~` needs no escape in a cookie and is in no token and no signature, so that nothing is taken for a chunk
// that is none, nor the beginning of a part for a tag. Version 0.1.0 wrote no tags.
//
// The tag says which parts were written together, so that a planted part is not even looked at: an attacker
// who plants it does not know the tag. It proves nothing. The token does, which is authenticated as a whole:
// one of which a part was exchanged does not open.

/**
 * Cookies of one name that are looked at in a request, at most. A browser sends several if a subdomain or
 * another path has set one of the same name; nobody honest has more than a few.
 */
export const MAX_CANDIDATES = 16

/** The most cookies that a value is split into; one digit says how many there are. */
export const MAX_CHUNKS = 8

/**
 * Bytes that the cookies may take in a request, for each that is allowed: 7 KiB for two, which leaves 1 KiB
 * to other cookies if a proxy takes 8 KiB a header line; 14 KiB for four, which leaves 2 KiB to other headers
 * of the 16 KiB that Node takes.
 */
export const BYTES_PER_CHUNK = 3584

/**
 * Values that are made of one first chunk without a tag, at most, if others are there several times. An
 * attacker who can plant more than that can also plant whole cookies.
 */
const MAX_COMBINATIONS = 4

const MARK = '~'
const QUOTE = '"'

/** Place of random characters in a token: of its nonce in the sealed format, of its tag in the other. */
const RANDOM_START = 8
const TAG_LENGTH = 4

/** Place of the mark behind the tag of a later part. */
const TAG_END = MARK.length + TAG_LENGTH

/** Name of a chunk; the first has the name itself. */
export function chunkName (name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/**
 * The lines of a value that is too long for one, each at most `MAX_COOKIE_BYTES` long.
 * @param lineOf writes the line of a chunk; it must let nothing but ASCII through.
 * @returns null if the value does not fit into `maxChunks` cookies.
 */
export function splitValue (value: string, maxChunks: number, lineOf: (index: number, text: string) => string): string[] | null {
  for (let count = 2; count <= maxChunks; count++) {
    const lines = splitInto(count, value, lineOf)
    if (lines !== null) return bytesInRequest(lines) <= maxChunks * BYTES_PER_CHUNK ? lines : null
  }
  return null
}

function splitInto (count: number, value: string, lineOf: (index: number, text: string) => string): string[] | null {
  const later = `${MARK}${tagOf(value)}${MARK}`
  const lines: string[] = []
  let start = 0
  while (start < value.length && lines.length < count) {
    const index = lines.length
    const mark = index === 0 ? `${count}${later}` : later
    const { size, line } = longest(value, start, part => lineOf(index, mark + part))
    lines.push(line)
    start += size
  }
  return start >= value.length && lines.length === count ? lines : null
}

/**
 * Tag of a value: another one for each write, as every token has random bytes of its own. It shows nothing
 * but some of them.
 */
function tagOf (value: string): string {
  return value.slice(RANDOM_START, RANDOM_START + TAG_LENGTH).replaceAll(/[^\w-]/g, '_')
}

/**
 * The longest part whose line fits. It has to be tried: the app's encoding makes a part longer by an unknown
 * number of bytes.
 */
function longest (value: string, start: number, lineOf: (part: string) => string): { size: number, line: string } {
  let size = Math.min(value.length - start, MAX_COOKIE_BYTES)
  let line = lineOf(value.slice(start, start + size))
  while (line.length > MAX_COOKIE_BYTES && size > 0) {
    size -= Math.ceil((line.length - MAX_COOKIE_BYTES) * size / line.length)
    line = lineOf(value.slice(start, start + size))
  }
  return { size, line }
}

/** Bytes that a browser sends for cookies: their names and values, with `; ` between them. */
function bytesInRequest (lines: readonly string[]): number {
  return lines.map(line => line.split(';', 1)[0] ?? '').join('; ').length
}

/** Reads the values of the cookies `name.1` to `name.9` of a header, by their number. */
export interface NumberedValues {
  /** @param picks chooses values, as they stand in the header, that count beside `MAX_CANDIDATES` others. */
  (number: number, picks?: (text: string) => boolean): string[]
}

/**
 * Values of a request as they were before they were split. Those that are no first chunk stay as they are; a
 * first chunk whose parts are not all there is left out. `MAX_CANDIDATES` in all, whatever a client sends.
 * @param valuesOf the request's values of the chunk with an index. `picks` chooses, by their text in the
 * header, those that must be among them.
 */
export function joinChunks (values: readonly string[], valuesOf: (...asked: Parameters<NumberedValues>) => readonly string[]): readonly string[] {
  const firsts = values.flatMap(value => firstChunk(value) ?? [])
  if (firsts.length === 0) return values
  const tags = firsts.flatMap(({ tag }) => tag ?? [])
  const found: Array<readonly string[]> = []
  const laterOf = (index: number): readonly string[] => {
    found[index] ??= valuesOf(index, picker(tags))
    return found[index]
  }
  // Values made of planted chunks must not crowd out whole ones, nor those that have a tag.
  const joined = values.filter(value => firstChunk(value) === null)
  joined.push(...joinTagged(firsts, laterOf))
  for (const first of firsts) {
    if (joined.length >= MAX_CANDIDATES) break // no work for values that would be cut off
    if (first.tag === null) joined.push(...joinUntagged(first, laterOf))
  }
  return joined.slice(0, MAX_CANDIDATES)
}

interface FirstChunk {
  /** Number of chunks, this one included. */
  count: number
  tag: string | null
  part: string
}

const FIRST = /^([2-8])~(?:([\w-]{4})~)?/
const TAGGED = /^~([\w-]{4})~/

function firstChunk (value: string): FirstChunk | null {
  const [mark, count, tag = null] = FIRST.exec(value) ?? []
  return mark === undefined ? null : { count: Number(count), tag, part: value.slice(mark.length) }
}

/** Picks the first part of each tag. */
function picker (tags: readonly string[]): ((text: string) => boolean) | undefined {
  if (tags.length === 0) return undefined
  const left = new Set(tags)
  return text => {
    const start = text[0] === QUOTE ? 1 : 0
    return text[start + TAG_END] === MARK && text[start] === MARK && left.delete(text.slice(start + MARK.length, start + TAG_END))
  }
}

/**
 * Values of the writes that are all there, one for each tag: were several first chunks joined with the same
 * parts, a client would have work done for bytes that it did not send.
 */
function joinTagged (firsts: readonly FirstChunk[], laterOf: (index: number) => readonly string[]): string[] {
  const joined = new Map<string, string>()
  for (const { count, tag, part } of firsts) {
    if (tag === null || joined.has(tag)) continue
    const mark = `${MARK}${tag}${MARK}`
    const later = Array.from({ length: count - 1 }, (_, index) => laterOf(index + 1).find(value => value.startsWith(mark))?.slice(mark.length))
    if (!later.includes(undefined)) joined.set(tag, part + later.join(''))
  }
  return [...joined.values()]
}

/**
 * All values that can be made of a first chunk without a tag, up to `MAX_COMBINATIONS`; none if another chunk
 * is missing.
 */
function joinUntagged ({ count, part }: FirstChunk, laterOf: (index: number) => readonly string[]): readonly string[] {
  const later = Array.from({ length: count - 1 }, (_, index) => laterOf(index + 1).filter(isUntagged).slice(0, MAX_COMBINATIONS))
  if (later.some(parts => parts.length === 0)) return [] // before any work is done for it
  return later.reduce(
    (joined, parts) => joined.flatMap(text => parts.map(other => text + other.slice(MARK.length))).slice(0, MAX_COMBINATIONS),
    [part])
}

/** True for a chunk that is not the first of its value. */
export function isLater (value: string): boolean {
  return value.startsWith(MARK)
}

function isUntagged (value: string): boolean {
  return isLater(value) && !TAGGED.test(value)
}

/** True if a value is a part of one that was split, the first or another. */
export function isChunk (value: string): boolean {
  return value[0] === '~' || (value[1] === '~' && /^\d/.test(value))
}
