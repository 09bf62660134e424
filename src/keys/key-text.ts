// Forms of a key as text, and of texts that may hold one.

export const HEX = /^[0-9a-f]{64}$/i
/**
 * 43 hex digits are no base64, but hex that was cut off, which would be another key that opens and
 * seals. A random key looks like that in base64 once in 1e20 times.
 */
export const BASE64 = /^(?![0-9a-f]{43}$)(?:[0-9a-z+/]{43}=?|[0-9a-z_-]{43}=?)$/i

const HEX_PART = /^[0-9a-f]{32,}$/i
/**
 * Rest of a key in base64 or base64url. It has digits, small and capital letters, which few paths have that
 * begin with no slash.
 */
const BASE64_MIX = /^(?!\/)(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9a-zA-Z+/_-]{36,}=*$/

/** Separators between a key and the name, quotes or comment that it was copied with. */
const AROUND = /[\s#,;=:"'`\u2018-\u201f]+/

/**
 * True if text may be a key, the rest of one, or the content of a file of keys: then no message shows it. May
 * be wrong if a path is as long as a key.
 */
export function mayHoldKey (text: string): boolean {
  if (/[\p{Cc}\ufffd]/u.test(text)) return true // raw bytes read as text, or several lines
  return text.split(AROUND).some(word => HEX_PART.test(word) || BASE64.test(word) || BASE64_MIX.test(word))
}

/** Text of a URL, also of one that the `URL` of another realm has made, as in jsdom; null for anything else. */
export function hrefOf (value: unknown): string | null {
  const { href, protocol } = (value ?? {}) as { href?: unknown, protocol?: unknown }
  return typeof href === 'string' && typeof protocol === 'string' ? href : null
}
