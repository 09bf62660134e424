import { types } from '#runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Lines } from '../cookies/write.ts'
import { fail } from '../errors.ts'
import type { RegisteredSession } from '../fastify/registered-session.ts'
import { type FinalHeaders, isSharedCacheable } from '../http/final-headers.ts'
import { watchHeaders } from '#headers-watch'
import type { SessionState } from '../session/session.ts'
import { isBound } from '../token/codec.ts'
import type { CompanionCookie } from '../fastify/companion-cookie.ts'
import type { Devices } from './devices.ts'
import type { DeviceConfig } from './options.ts'
import { type Challenge, type DeviceValues, sessionOf, wholeTime } from './values.ts'

const HEADER = 'secure-session-registration'

/** Milliseconds after a write, which was offered, for which pages that only use the session offer nothing. */
const OFFER_PAUSE = 30_000

export interface OffersOptions {
  session: RegisteredSession
  devices: Devices
  values: DeviceValues
  cookie: CompanionCookie
  config: DeviceConfig
  /** Path of the endpoint, as browsers see it. */
  path: string
  /** Host at which alone a binding is offered, in small letters; null for any. */
  host: string | null
  /** Hears of each offer. */
  offered: () => void
}

/** Deletion of a proof, as it was put on a response. */
interface Added {
  readonly line: string
  /** True if `Cache-Control: no-store` was put beside it. */
  readonly hasNoStore: boolean
}

/** Offers browsers to bind a session: with responses that write one, and with the pages that use one. */
export class Offers {
  readonly #options: OffersOptions

  constructor (options: OffersOptions) {
    this.#options = options
  }

  /** Looks at a response that is about to leave: called after the hook that seals. @throws the error of `when` */
  look (request: FastifyRequest, reply: FastifyReply): void {
    const { session, cookie } = this.#options
    const state = session.held(request)
    if (state === null) return
    const lines = session.lines(request)
    if (state.deleted) {
      if (lines.length > 0 && this.#isProofIn(request)) addCookie(reply, cookie.deletion(reply))
      return
    }
    if (isSharedCacheable(reply.getHeader('cache-control'))) return
    const added = this.#isProofUseless(request, state, lines) ? this.#deleteProof(reply) : null
    const isDue = this.#isDue(request, reply, state, lines.length > 0)
    if (isDue) this.#offer(request, reply, state)
    if (isDue || added !== null) watchHeaders(reply, { leaving: headers => { withdrawShared(headers, added) } })
  }

  /** Has the browser drop a proof that is of no use. Caches that kept the response would have other browsers drop theirs. */
  #deleteProof (reply: FastifyReply): Added {
    const { session: { config }, cookie } = this.#options
    const [line, hasNoStore] = [cookie.deletion(reply), config.noStore && !reply.hasHeader('cache-control')]
    addCookie(reply, line)
    if (hasNoStore) reply.header('cache-control', 'no-store')
    return { line, hasNoStore }
  }

  /** True for a wrong proof, and for one of before: the browser asks for that binding at its next request then, and hears that it has ended. */
  #isProofUseless (request: FastifyRequest, state: SessionState, lines: Lines): boolean {
    return state.origin?.device?.isWrong === true || (lines.length > 0 && !isBound(state.record()) && this.#isProofIn(request))
  }

  /** True if the browser has a cookie of the name: one that the app's code has taken out of `request.cookies` is in the browser all the same. */
  #isProofIn ({ headers }: FastifyRequest): boolean {
    return this.#options.cookie.valuesIn({ header: headers.cookie, parsed: null }).count > 0
  }

  #isDue (request: FastifyRequest, reply: FastifyReply, state: SessionState, isWritten: boolean): boolean {
    const { config, devices } = this.#options
    if (config.policy === 'off' || !(isWritten || state.origin?.ok === true)) return false
    return isOccasion(request, state, isWritten, devices.isOffered(state)) && this.#isEligible(reply, state)
  }

  #isEligible (reply: FastifyReply, state: SessionState): boolean {
    const { config, cookie, host } = this.#options
    if (host !== null && reply.request.hostname.toLowerCase() !== host) return false
    const record = state.record()
    // A session with a place of its own has a cookie where the proof is not.
    if (isBound(record) || record.place !== undefined || cookie.attributes(reply).secure !== true) return false
    return isChosen(config.when(state.session))
  }

  #offer ({ headers }: FastifyRequest, reply: FastifyReply, state: SessionState): void {
    const { id, createdAt } = state.record()
    // After a redirect from another site the registration brings no Lax cookie.
    const purpose = headers['sec-fetch-site'] === 'cross-site' ? 'register-anywhere' : 'register'
    const offer = this.headerOf(purpose, sessionOf(wholeTime(createdAt), id))
    const others = reply.getHeader(HEADER)
    reply.header(HEADER, others === undefined ? offer : `${String(others)}, ${offer}`)
    this.#options.offered()
  }

  /** Value of the header that offers a binding. */
  headerOf (purpose: Challenge['purpose'], of: Buffer): string {
    const { config, values, path } = this.#options
    const challenge = values.sealChallenge({ purpose, time: Date.now(), of })
    return `(${config.algorithms.join(' ')});path="${path}";challenge="${challenge}"`
  }
}

/** @param isAsked true if the app has asked for an offer. */
function isOccasion ({ headers }: FastifyRequest, state: SessionState, isWritten: boolean, isAsked: boolean): boolean {
  const isPage = headers['sec-fetch-dest'] === 'document'
  if (headers['sec-fetch-site'] !== 'cross-site') return isWritten || isAsked || (isPage && wasOfferedLongAgo(state))
  // Neither of two registrations that a chain of redirects causes brings a cookie: each would make a binding of its own
  // for the session, and a request come with the proof of the wrong one. Registrations for what the page of another site
  // loads would be that site's to cause.
  const isBegun = state.origin?.ok !== true
  return isPage && (isAsked || (isWritten && isBegun))
}

/** False if the browser is most likely about to take up the offer of the response that wrote the session: a second would cost it a key and a signature. */
function wasOfferedLongAgo (state: SessionState): boolean {
  return Date.now() - state.record().writtenAt >= OFFER_PAUSE
}

/** A promise would count as true. @throws `FST_SEALED_SESSION_OPTION_INVALID` */
function isChosen (answer: unknown): boolean {
  if (!types.isPromise(answer)) return Boolean(answer)
  answer.catch(() => {}) // this error is in place of its own
  throw fail('OPTION_INVALID', ['when', 'a function that returns a boolean', 'a promise'])
}

/** Takes what nobody asked for off a response that caches share, if the app says so only after the hook that looks. */
function withdrawShared (headers: FinalHeaders, added: Added | null): void {
  // A header of the app on the raw response counts before the `no-store` beside a cookie of the session.
  if (!headers.isShared(added?.hasNoStore === true) && !isSharedCacheable(headers.onRaw('cache-control'))) return
  headers.remove(HEADER)
  if (added !== null) headers.removeCookies([added.line])
}

function addCookie (reply: FastifyReply, line: string): void {
  const present = reply.getHeader('set-cookie')
  const lines = present === undefined ? [] : [present].flat().map(String)
  reply.removeHeader('set-cookie')
  reply.header('set-cookie', [...lines, line])
}
