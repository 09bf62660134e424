/**
 * How many cookies of one name are looked at in a request. A browser sends several where a
 * subdomain or another path has set one of the same name; nobody honest has more than a few.
 */
export const MAX_CANDIDATES = 16

/** Names and values of cookies. */
export type Cookies = Record<string, string | undefined>

/**
 * The values that the session's cookie may have, the likeliest first: the one in `request.cookies`,
 * which a hook of the app may have put there, then the others in the header.
 *
 * Each of them is tried, so that a cookie of the same name which somebody planted from a subdomain
 * cannot lock the user out. Only a `__Host-` name keeps such a cookie from being planted.
 * @param parsed `request.cookies`, or null as long as nothing has parsed the header.
 * @param decode turns a value as it stands in the header into what it was before it was encoded.
 */
export function candidateValues (
  name: string,
  header: string | undefined,
  parsed: Cookies | null,
  decode: (text: string) => string | undefined
): string[] {
  const values: string[] = []
  if (parsed !== null) {
    const value = Object.hasOwn(parsed, name) ? parsed[name] : undefined
    if (typeof value !== 'string') return values // there is none, or the app has taken it away
    values.push(value)
  }
  if (typeof header !== 'string') return values
  let start = valueIndex(header, name, 0)
  for (let seen = 0; start !== -1 && seen < MAX_CANDIDATES; seen++) {
    const semicolon = header.indexOf(';', start)
    const value = decode(header.slice(start, semicolon === -1 ? header.length : semicolon).trim())
    if (value !== undefined && !values.includes(value)) values.push(value)
    start = semicolon === -1 ? -1 : valueIndex(header, name, semicolon)
  }
  return values
}

/**
 * Where the value of the next cookie of a name begins in a `Cookie` header (RFC 6265 section 4.2.1),
 * or -1. Looks for the name itself, so that other cookies cost nothing.
 */
export function valueIndex (header: string, name: string, from: number): number {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + 1)) {
    const end = skipSpace(header, at + name.length)
    if (header[end] === '=' && startsPair(header, at)) return end + 1
  }
  return -1
}

function startsPair (header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isSpace(header[before])) before--
  return before < 0 || header[before] === ';'
}

function skipSpace (header: string, at: number): number {
  while (isSpace(header[at])) at++
  return at
}

function isSpace (character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
