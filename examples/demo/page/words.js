// What the page says, in words.

/** By what sessionInfo() says of the session. */
export const STATUS = {
  new: { label: 'No cookie', content: 'Nothing: there is no cookie yet.' },
  valid: { label: 'Opened', content: '' },
  rejected: { label: 'Refused', content: 'Nothing: the cookie is refused, so the session is empty.' }
}

/** The reasons that can come up here. */
const REASONS = {
  'not-authentic': 'the seal is broken, something in the cookie was changed',
  'key-unknown': 'it names a key that the server does not have, or not any more',
  expired: 'it has reached one of its limits',
  revoked: 'that session was ended by a logout, on another device, or by one login too many',
  'device-unproven': 'it is bound to the device of a browser, and came without a proof of that device',
  'stamp-changed': 'that session was ended, since the password was changed',
  'chunk-missing': 'it was split, and a part is missing',
  malformed: 'it is no token at all',
  'version-unknown': 'it is of a version that the server does not know',
  'format-not-accepted': 'it is in a format that the server does not accept'
}

export function reasonWords ({ reason }) {
  return REASONS[reason] ?? reason
}

/** Words for the session of this browser. */
export function youWords ({ status }, data) {
  return { new: 'No session', valid: `Logged in as ${data?.name}`, rejected: 'Logged out' }[status]
}

/** Words for what the thief reads; null if there is no copy yet. */
export function thiefWords (thief) {
  if (thief === null) return 'Has no cookie yet'
  if (thief.status === 'valid') return `Logged in as ${thief.name}, with the copy`
  return thief.reason === 'revoked' ? 'Refused: that session has ended' : `Refused: ${reasonWords(thief)}`
}

/** What happened: by the action, then by what became of the session. */
const RESULTS = {
  load: {
    new: () => 'No session yet. Log in to get a sealed cookie.',
    valid: () => 'Welcome back: the server opened your cookie.',
    rejected: ({ info }) => `The server refuses the cookie of this browser: ${reasonWords(info)}. Log in again.`
  },
  ended: {
    new: () => 'The session has reached its limit, and the browser dropped its cookie by itself. Log in again.',
    rejected: ({ info }) => `The session is over: ${reasonWords(info)}. A copy of the cookie is refused as well.`
  },
  login: { valid: () => 'Logged in. Your session is sealed into the cookie. Now give a thief a copy.' },
  steal: { valid: () => 'The thief has the cookie, and is logged in as you. Now log out everywhere.' },
  visit: { valid: ({ data }) => `Visit ${data.visits} is in the session. Every write seals a new cookie.` },
  read: {
    valid: ({ resealed }) => resealed === 'rolling'
      ? 'More than half of the idle limit was over, so reading it was enough: the session was sent again.'
      : 'Only read: less than half of the idle limit is over, so no cookie was sent.'
  },
  touch: {
    valid: ({ limits }) => limits.first === 'idle'
      ? 'Touched: the idle limit begins anew, and still ends first.'
      : 'Touched: the idle limit begins anew. Now the absolute one ends first, whatever you do.'
  },
  grow: {
    valid: ({ cookies, data }) => cookies.length === 1
      ? `${books(data)} in the cart: the session still fits into one cookie.`
      : `${books(data)} in the cart: the session is split into ${cookies.length} cookies, authenticated as one.`
  },
  shrink: {
    valid: ({ cookies, data }) => cookies.length === 1
      ? `${books(data)} in the cart: one cookie is enough.`
      : `${books(data)} in the cart: the session still needs ${cookies.length} cookies.`
  },
  logout: { new: () => 'Logged out, and the session is over. Put the copied cookie back: it is refused.' },
  'logout-everywhere': { new: () => 'Logged out everywhere: every session under that name is over, and so are all copies of its cookie.' },
  tamper: {
    valid: () => 'Flipped back: the cookie is what it was, and opens again.',
    rejected: () => 'One character changed and the seal is broken: the server refuses the cookie, and the session is empty.'
  },
  replay: {
    valid: ({ resealed }) => resealed === null
      ? 'The copied cookie opens: it is as the server sealed it, has not expired, and nobody logged out.'
      : 'The copied cookie opens: its key is still there. It came back sealed with the newest one.',
    rejected: ({ info }) => `The copied cookie is refused: ${reasonWords(info)}.`
  },
  rotate: {
    valid: ({ keys }) => `Key ${keys[0]} seals from now on. The older key opened your cookie, and it was sealed again with the new one.`,
    new: ({ keys }) => `Key ${keys[0]} seals from now on.`
  },
  retire: {
    valid: () => 'The oldest key is gone. Your cookie was sealed with a newer one, so you stay logged in. Put the copied cookie back to see an older one refused.',
    new: () => 'The oldest key is gone: what it has sealed is refused from now on.'
  }
}

/** What an action did, and whether that is good, bad or neither. */
export function resultOf (action, state) {
  const { status } = state.info
  const words = RESULTS[action][status]
  const tone = { valid: 'good', rejected: 'bad', new: 'neutral' }[status]
  if (words !== undefined) return [words(state), tone]
  return [(RESULTS[action].new ?? RESULTS.load[status])(state), 'neutral']
}

/** What the server has against an action. An error of the session has a code. */
export function problemWords ({ code, message }) {
  if (code !== 'FST_SEALED_SESSION_COOKIE_TOO_LARGE') return message
  return `The session would not fit into two cookies. The response was an error, ${code}, and the browser keeps the cookies it had.`
}

export function leftWords (milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} left`
}

export function minutes (seconds) {
  return `${seconds / 60} minutes`
}

function books ({ cart = [] }) {
  return cart.length === 1 ? '1 book' : `${cart.length} books`
}

/** Why a page over plain http shows no binding, and what helps. */
export const PLAIN_HTTP = 'Over plain http no browser binds a session: start the demo with "npm run demo -- --tls", and then the browser as the terminal says.'

/** By how a session is bound. */
export const BINDINGS = {
  bound: {
    label: 'Bound',
    pill: 'valid',
    tone: 'good',
    said: 'This session is bound to this device. Steal its cookie, and use the copy elsewhere.',
    meaning: 'This browser has proved that it has the key. Without a proof, the cookie reads as empty.'
  },
  unproven: {
    label: 'Unproven',
    pill: 'rejected',
    meaning: 'The session is bound, and this browser came without a proof: the cookie reads as empty.'
  },
  unbound: {
    label: 'Unbound',
    pill: '',
    tone: 'neutral',
    said: 'This session is not bound: a copy of its cookie works until it expires. Start the browser as the terminal says, and log in again.',
    meaning: 'The server has offered a binding. This browser has not taken it up, or cannot: not with a certificate that it does not know, and not without a place for keys.'
  }
}

/** Why a browser comes without a proof, by its own word. */
export const SKIPPED = {
  quota_exceeded: 'it has proved its key six times in nine minutes, and goes on when they are over',
  unreachable: 'it did not reach the server',
  server_error: 'the server could not answer'
}

/** Events of the channel, in the words of somebody who looks on. */
const EVENTS = {
  offered: 'A response has offered to bind the session.',
  registered: 'The browser has made a key and signed the challenge: the session is bound.',
  renewed: 'The browser has proved its key, and got an identifier that is sealed with the newest key.',
  asked: 'The browser came for a new proof, and was given a challenge to sign.',
  refreshed: 'The browser has proved its key, and has a new proof.',
  ended: 'The browser was told to forget the binding.',
  refused: 'A registration or a proof was refused.',
  unproven: 'Somebody came with this session and without a proof: it read as empty, as a copy does.',
  skipped: 'The browser came without a proof, and said why.'
}

export function eventWords ({ event, reason, count }) {
  const why = reason === null ? '' : ` (${reason})`
  return `${EVENTS[event]}${why}${count === 1 ? '' : ` (${count} times)`}`
}
