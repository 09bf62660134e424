// What the app decides about its session: the cookie, and how long it lives.

/** Seconds after its last write. Short, so that you can watch it end; half an hour is usual. */
export const EXPIRY = 2 * 60

/** Seconds after its last write, for those who ask to be remembered. 30 days are usual. */
export const REMEMBERED = 8 * 60

/** Seconds after the login, whatever is written. 12 hours or 90 days are usual. */
export const ABSOLUTE_TIMEOUT = 10 * 60

/** Sessions that a user may have at a time. */
export const MAX_SESSIONS = 5

/** Seconds for which the password counts before something is ended. A minute, so that you can watch it end; five are usual. */
export const CONFIRMED = 60

/** Password of everybody here: a login needs none. See examples/devices for passwords that are hashed. */
export const PASSWORD = 'analytical engine'

// Cookies do not know ports: with a name of its own, this one leaves those of other apps on localhost alone.
export const COOKIE_NAME = 'sealed-demo'

// `SameSite=Lax` keeps the cookie out of POSTs that other sites make, so a forged form has no session
// (CSRF). It still comes with links from elsewhere, which are GETs: those must change nothing.
//
// In production use `secure: true` and the name `__Host-session`, which no subdomain can plant. Not
// here: Safari takes neither from http://localhost. 'auto' means Secure over TLS only.
//
// Without `maxAge` the browser keeps the cookie until it is closed. The session ends when its token says.
export const COOKIE = /** @type {const} */ ({ path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' })
