import { MAX_ENCODED_LENGTH } from '../limits.ts'

/**
 * How many cookies of one name are looked at in a request. A browser sends several where a
 * subdomain or another path has set one of the same name; nobody honest has more than a few.
 */
export const MAX_CANDIDATES = 16

const TAB = 0x09
const SPACE = 0x20
const SEMICOLON = 0x3b
const EQUALS = 0x3d

/**
 * The values of the cookies of one name in a `Cookie` header (RFC 6265 section 4.2.1), each once, in
 * their order, at most `MAX_CANDIDATES`.
 *
 * Each of them is tried, so that a cookie of the same name which somebody planted from a subdomain
 * cannot lock the user out. Only a `__Host-` name keeps such a cookie from being planted.
 * @param decode turns a value as it stands in the header into what it was before it was encoded;
 * undefined for one that is left out.
 * @param picks chooses values by their text, as it stands in the header. They come on top of the
 * others, however many of those are there before them.
 */
export function cookieValues (header: string | undefined, name: string, decode: (text: string) => string | undefined, picks?: (text: string) => boolean): string[] {
  if (typeof header !== 'string') return []
  const values: string[] = []
  let others = 0
  for (let start = valueIndex(header, name, 0); start !== -1;) {
    const end = endOfPair(header, start)
    const text = trimmed(header, start, end)
    if (picks?.(text) === true || others++ < MAX_CANDIDATES) {
      const value = text.length > MAX_ENCODED_LENGTH ? text : decode(text)
      if (value !== undefined && !values.includes(value)) values.push(value)
    } else if (picks === undefined) break
    start = valueIndex(header, name, end)
  }
  return values
}

/** The value of the only cookie of a name, as it stands in the header; null where there is none, or several. */
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
 * Where the value of the next cookie of a name begins, or -1. Looks for the name itself, so that
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

// Only spaces and tabs, unlike trim(): what a browser takes for part of a name is part of it here
// too, or a subdomain could set a name that is read as one with a `__Host-` prefix.

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
