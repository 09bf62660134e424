// One user as the run models it: the cookies, what the session must hold, and from when to when it
// must be open. The client does not see the times in a token, so it keeps the earliest and the latest
// that they can be.
import { SESSION, TOLERANCE } from './plan.js'
import { Jar } from './jar.js'

export class User {
  isBusy = false
  /** True after a logout or a login that failed half-way: the old session may have ended or not. */
  isUnsure = false
  /** True where such a session was found to have ended: while the store fails, 'accept' would take its cookie. */
  mayReturn = false
  /** When the user comes back; milliseconds since 1970. */
  awayUntil = 0
  jar = new Jar()
  /** What the session must hold, or null where there must be none. */
  data = null
  #logins = 0
  #created
  #written

  constructor (name) {
    this.name = name
  }

  /** What the next login puts into the session. */
  nextLogin () {
    return { user: this.name, login: ++this.#logins, count: 0, list: [], text: '' }
  }

  /** @param span when the request was sent and answered: the session was written in between */
  began (data, span) {
    this.data = data
    this.isUnsure = false
    this.mayReturn = false
    this.#created = span
    this.#written = span
  }

  wrote (data, span) {
    this.data = data
    this.#written = span
  }

  /** A read that brought a cookie: renewed, or only sealed again with its times as they were. */
  resealed (span) {
    const half = SESSION.expiry * 500
    const isRenewed = span.from - this.#written.to > half + TOLERANCE
    const isAsItWas = span.to - this.#written.from < half - TOLERANCE
    if (!isAsItWas) this.#written = { from: isRenewed ? span.from : this.#written.from, to: span.to }
  }

  ended () {
    this.mayReturn ||= this.isUnsure
    this.data = null
    this.isUnsure = false
  }

  /** Whether a request in that span must find the session open, must find it closed, or may find either. */
  expects ({ from, to }) {
    if (this.data === null) return 'closed'
    if (from > this.#end('to') + TOLERANCE) return 'closed'
    return to < this.#end('from') - TOLERANCE && !this.isUnsure ? 'open' : 'either'
  }

  /** Until when the session is open for certain, if nothing is written. */
  get openUntil () { return this.#end('from') - TOLERANCE }

  #end (bound) {
    return Math.min(this.#written[bound] + SESSION.expiry * 1000, this.#created[bound] + SESSION.absoluteTimeout * 1000)
  }
}
