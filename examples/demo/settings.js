// What the app decides about its session: the cookie, and how long it lives.

/**
 * Lifetimes of a session, in seconds: `expiry` and `remembered`, for those who ask to be, after its last write, and
 * `absoluteTimeout` after the login, whatever is written. Short, so that you can watch it end; half an hour, 30 days and
 * 12 hours or 90 days are usual.
 *
 * @param {boolean} isBound A bound session has more time. A proof ends with its session, and browsers prove their key two
 * minutes ahead, six times in nine minutes at most: in a session of two minutes that is used up at once.
 */
export function lifetimesOf (isBound) {
  const times = isBound ? 10 : 1
  return { expiry: times * 2 * 60, remembered: times * 8 * 60, absoluteTimeout: times * 10 * 60 }
}

/** @typedef {ReturnType<typeof lifetimesOf>} Lifetimes */

/** Seconds for which a stolen cookie is good at most, if the session is bound. The least there is; 600 are usual. */
export const PROOF_LASTS = 300

/** Sessions that a user may have at a time. */
export const MAX_SESSIONS = 5

/** Seconds for which the password counts before something is ended. A minute, so that you can watch it end; five are usual. */
export const CONFIRMED = 60

/** Password of everybody here: a login needs none. See examples/devices for passwords that are hashed. */
export const PASSWORD = 'analytical engine'

// Cookies do not know ports: with a name of its own, this one leaves those of other apps on localhost alone.
export const COOKIE_NAME = 'sealed-demo'

/** Name of the cookie with the proof of a device: the plugin chooses it. */
export const PROOF_NAME = `${COOKIE_NAME}.device`

// `SameSite=Lax` keeps the cookie out of POSTs that other sites make, so a forged form has no session
// (CSRF). It still comes with links from elsewhere, which are GETs: those must change nothing.
//
// In production use `secure: true` and the name `__Host-session`, which no subdomain can plant. Not
// here: Safari takes neither from http://localhost. 'auto' means Secure over TLS only.
//
// Without `maxAge` the browser keeps the cookie until it is closed. The session ends when its token says.
export const COOKIE = /** @type {const} */ ({ path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' })
