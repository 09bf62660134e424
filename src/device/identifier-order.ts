// Order of identifiers. A browser may have several bindings for one cookie, after a second login or a rotation of the keys.
// Chromium refreshes that with the lowest identifier, as text. Were it an older one, its proof would not fit the session:
// the refresh for a link from another site brings no cookie by which it could be ended, and the link would show a page
// as if the user were logged out. Hence an identifier begins with a time that counts down: newer ones come first.

const DIGITS = 8

interface Times {
  /** Milliseconds since 1970. */
  readonly created: number
  readonly boundAt: number
}

/** Identifier for the browser. */
export function withOrder (sealed: string, times: Times): string {
  return orderOf(times) + sealed
}

/** Sealed part of an identifier. */
export function withoutOrder (identifier: string): string {
  return identifier.slice(DIGITS)
}

/** True if an identifier begins as one with these times does: each has one spelling. */
export function hasOrder (identifier: string, times: Times): boolean {
  return identifier.startsWith(orderOf(times))
}

/** In seconds, as they are sealed. */
function orderOf ({ created, boundAt }: Times): string {
  const seconds = Math.floor(created / 1000) + Math.max(0, Math.floor((boundAt - created) / 1000))
  return Math.max(0, 2 ** 32 - 1 - seconds).toString(16).padStart(DIGITS, '0')
}
