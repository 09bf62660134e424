/**
 * How many cookies of one name are looked at in a request. A browser sends several where a
 * subdomain or another path has set one of the same name; nobody honest has more than a few.
 */
export const MAX_CANDIDATES = 16

/** Names and values of cookies. */
export type Cookies = Record<string, string | undefined>

/**
 * The `name=value` pairs of one name in a `Cookie` header, as they stand there (RFC 6265 section
 * 4.2.1), at most `MAX_CANDIDATES`.
 */
export function findPairs (header: string, name: string): string[] {
  const pairs: string[] = []
  let start = 0
  while (start < header.length && pairs.length < MAX_CANDIDATES) {
    const semicolon = header.indexOf(';', start)
    const end = semicolon === -1 ? header.length : semicolon
    const pair = header.slice(start, end).trim()
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trimEnd() === name) pairs.push(pair)
    start = end + 1
  }
  return pairs
}

/**
 * The values that the session's cookie may have, the likeliest first: the one in `request.cookies`,
 * which a hook of the app may have put there, then the others in the header.
 *
 * Each of them is tried, so that a cookie of the same name which somebody planted from a subdomain
 * cannot lock the user out. Only a `__Host-` name keeps such a cookie from being planted.
 * @param parsed `request.cookies`, or null as long as nothing has parsed the header.
 * @param read reads the value of a pair with the app's own settings.
 */
export function candidateValues (
  name: string,
  header: string | undefined,
  parsed: Cookies | null,
  read: (pair: string, name: string) => string | undefined
): string[] {
  const values: string[] = []
  if (parsed !== null) {
    const value = Object.hasOwn(parsed, name) ? parsed[name] : undefined
    if (typeof value !== 'string') return values // there is none, or the app has taken it away
    values.push(value)
  }
  if (header === undefined) return values
  for (const pair of findPairs(header, name)) {
    const value = read(pair, name)
    if (typeof value === 'string' && !values.includes(value)) values.push(value)
  }
  return values.length > MAX_CANDIDATES ? values.slice(0, MAX_CANDIDATES) : values
}
