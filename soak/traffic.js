// The users and what they do. Each has one request at a time, to either process.
import { GARBAGE } from './garbage.js'
import { judge } from './judge.js'
import { SESSION, TRAFFIC } from './plan.js'
import { User } from './user.js'

/** What a user does who is logged in, and one who is not, as weights. */
const HABITS = {
  in: { read: 44, write: 14, nested: 5, grow: 3, shrink: 3, untouched: 12, logout: 8, everywhere: 1, login: 1 },
  out: { login: 70, read: 10, untouched: 20 }
}
const READS = new Set(['read', 'untouched', 'replay'])
const ENDS = new Set(['login', 'logout', 'everywhere'])

/** Shares of requests after which a user stays away, and for how long: some sessions are renewed when they come back, some have expired. */
const ABSENCES = [{ share: 0.004, seconds: [65, 110] }, { share: 0.002, seconds: [122, 170] }]

/** How long after a logout the old cookie is tried, in seconds. */
const REPLAYED_AFTER = [SESSION.cacheTtl + 0.5, SESSION.cacheTtl + 20]

const REMEMBERED = 500

export class Traffic {
  /** Cookies of sessions that were ended while they were open, and until when they would have lived; newest last. */
  ended = []
  #users = Array.from({ length: TRAFFIC.users }, (_, index) => new User(`user-${index}`))
  #replays = []
  #pending = new Set()
  #options

  /** @param options `random`, `servers`, `ledger`, `isAway` and `foreign`, which makes tokens of another key */
  constructor (options) {
    this.#options = options
  }

  /**
   * Sends the next request.
   * @param due when that should be; `performance.now()`
   * @returns false where every user is busy
   */
  send (due) {
    const visit = this.#nextReplay() ?? this.#nextVisit()
    if (visit === null) return false
    const sending = this.#run(visit, due).finally(() => { this.#pending.delete(sending) })
    this.#pending.add(sending)
    return true
  }

  /** Resolves once every request is answered. */
  async idle () {
    await Promise.all(this.#pending)
  }

  #nextReplay () {
    const [first] = this.#replays
    if (first === undefined || first.at > Date.now()) return null
    this.#replays.shift()
    return { kind: 'replay', cookie: first.cookie }
  }

  #nextVisit () {
    const { random } = this.#options
    const user = this.#idleUser()
    if (user === null) return null
    user.isBusy = true
    if (random.chance(TRAFFIC.garbage)) return this.#garbageVisit(user)
    const kind = random.weighted(user.data === null ? HABITS.out : HABITS.in)
    const cookie = user.jar.header
    return kind === 'login' ? { kind, user, cookie, login: user.nextLogin() } : { kind, user, cookie }
  }

  #garbageVisit (user) {
    const { random, foreign } = this.#options
    const { pairs } = user.jar
    const garbage = random.of(pairs.length > 0 ? Object.keys(GARBAGE) : ['random', 'foreign'])
    return { kind: 'read', user, garbage, cookie: GARBAGE[garbage](random, pairs, foreign) }
  }

  #idleUser () {
    const now = Date.now()
    for (let tries = 0; tries < 50; tries++) {
      const user = this.#options.random.of(this.#users)
      if (!user.isBusy && user.awayUntil <= now) return user
    }
    return null
  }

  async #run (visit, due) {
    const { random, servers, ledger, isAway } = this.#options
    const { user, kind, cookie, login } = visit
    const isOpen = user !== undefined && user.expects(now()) === 'open'
    const until = isOpen ? user.openUntil : 0
    visit.server = random.of(servers)
    const from = Date.now()
    const answer = await visit.server.request({ method: READS.has(kind) ? 'GET' : 'POST', path: PATHS[kind] ?? `/${kind}`, cookie, body: login })
    visit.span = { from, to: Date.now() }
    ledger.took(performance.now() - due)
    const result = judge(visit, answer, isAway(visit.span))
    ledger.count(visit, result)
    if (user === undefined) return
    if (visit.garbage === undefined || visit.garbage === 'planted') user.jar.take(answer.cookies ?? [])
    if (ENDS.has(kind) && isOpen && answer.status === 200) this.#remember(cookie, until)
    this.#release(user)
  }

  #remember (cookie, until) {
    const { random } = this.#options
    this.ended.push({ cookie, until })
    if (this.ended.length > REMEMBERED) this.ended.shift()
    if (random.chance(0.5)) this.#replayAt(cookie, Date.now() + random.between(REPLAYED_AFTER) * 1000)
  }

  /** Keeps the list in order of time. */
  #replayAt (cookie, at) {
    const later = this.#replays.findIndex(replay => replay.at > at)
    this.#replays.splice(later === -1 ? this.#replays.length : later, 0, { cookie, at })
  }

  #release (user) {
    const { random } = this.#options
    const absence = ABSENCES.find(({ share }) => random.chance(share))
    if (absence !== undefined && user.data !== null) user.awayUntil = Date.now() + random.between(absence.seconds) * 1000
    user.isBusy = false
  }
}

const PATHS = { replay: '/read' }

function now () {
  const time = Date.now()
  return { from: time, to: time }
}
