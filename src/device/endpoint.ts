import type { FastifyReply, FastifyRequest } from 'fastify'
import { unquoted } from '../cookies/set-cookie.ts'
import type { SessionDeviceMessage } from '../diagnostics.ts'
import type { CompanionCookie } from '../fastify/companion-cookie.ts'
import type { RegisteredSession } from '../fastify/registered-session.ts'
import { idAfter, newId } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import { BINDING, UNBOUND } from '../token/claims.ts'
import type { SessionRecord } from '../token/record.ts'
import { type DeviceAnswer, readAnswer } from './answer.ts'
import { algorithmOf, type DeviceKey, hasSigned, keyOf, numberOf } from './device-key.ts'
import { boundBy } from './devices.ts'
import type { DeviceExtension } from './device-extension.ts'
import { hasOrder, withOrder, withoutOrder } from './identifier-order.ts'
import type { Offers } from './offers.ts'
import type { DeviceConfig } from './options.ts'
import { type Challenge, type DeviceValues, type OpenedIdentifier, readSession, wholeTime } from './values.ts'

/** Milliseconds within which an offer is taken up. */
const OFFER_LIFE = 300_000

/** Seconds that a challenge for a refresh counts beyond the interval: a browser signs ahead, and again. */
const CHALLENGE_LEEWAY = 300

/** Milliseconds within which a challenge was made whose proof is answered by an offer: an earlier one may have been recorded. */
const RENEWAL_LIFE = 60_000

const MAX_IDENTIFIER = 2048

/** Answer of the endpoint. */
export interface EndpointAnswer {
  status: 200 | 400 | 403 | 503
  headers?: Record<string, string | string[]>
  body?: object
}

const REFUSED: EndpointAnswer = { status: 400 }
const UNAVAILABLE: EndpointAnswer = { status: 503 }

/** Event of a session's device. */
export type DeviceEvent = Omit<SessionDeviceMessage, 'sessionName'>

export interface EndpointOptions {
  session: RegisteredSession
  values: DeviceValues
  cookie: CompanionCookie
  offers: Offers
  extension: DeviceExtension
  config: DeviceConfig
  initiators: readonly string[]
  includeSite: boolean
  tell: (request: FastifyRequest, event: DeviceEvent) => void
}

/** A device that has proved itself for the first time, or again. */
interface Binding {
  binding: Buffer
  created: number
  boundAt: number
  /** Milliseconds since 1970 at which its session ends; Infinity if nobody knows. */
  end: number
}

/**
 * Endpoint of the browser: registrations and refreshes. Whatever a client sends, it answers 200, 400 or 403, and 503 while
 * the store of the revocation fails: browsers take 401, 404 and 429 for the end of a binding. All 400s look the same.
 */
export class Endpoint {
  readonly #options: EndpointOptions

  constructor (options: EndpointOptions) {
    this.#options = options
  }

  async answer (request: FastifyRequest, reply: FastifyReply): Promise<EndpointAnswer> {
    const identifier = request.headers['sec-secure-session-id']
    try {
      return await (identifier === undefined ? this.#register(request, reply) : this.#refresh(request, reply, identifier))
    } catch (err) {
      // The store of the revocation has failed, or code of the app's: the browser keeps the binding, and comes again.
      request.log.error({ err }, 'a device could not be answered')
      return UNAVAILABLE
    }
  }

  // Registration

  async #register (request: FastifyRequest, reply: FastifyReply): Promise<EndpointAnswer> {
    const offer = this.#offerIn(request, reply)
    if (typeof offer === 'string') return this.#refuse(request, offer)
    const { session } = this.#options
    const state = session.find(request)
    if (state !== null) {
      goToOffered(state, offer.challenge)
      await session.identities?.check(state, request)
    }
    return state === null || state.origin === null
      ? await this.#bindAbsent(request, reply, offer)
      : await this.#bind(request, reply, offer, state)
  }

  /** Offer that a browser takes up, with its key; the reason to refuse it otherwise. What costs most comes last. */
  #offerIn ({ headers }: FastifyRequest, reply: FastifyReply): { challenge: Challenge, key: DeviceKey } | string {
    const { config, cookie } = this.#options
    if (config.policy === 'off') return 'off'
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin') return 'site'
    if (cookie.attributes(reply).secure !== true) return 'insecure'
    const answer = readAnswer(headers['secure-session-response'])
    if (answer === null) return 'malformed'
    const algorithm = config.algorithms.find(algorithm => algorithm === answer.algorithm)
    if (algorithm === undefined) return 'algorithm'
    const challenge = this.#challengeOf(answer, OFFER_LIFE)
    if (challenge === null || challenge.purpose === 'refresh') return 'challenge'
    const key = keyOf(answer.jwk, algorithm)
    if (key === null) return 'key'
    return hasSigned(key, answer.text, answer.signature) ? { challenge, key } : 'signature'
  }

  /** Binds the session that a registration brings. */
  async #bind (request: FastifyRequest, reply: FastifyReply, { challenge, key }: { challenge: Challenge, key: DeviceKey }, state: SessionState): Promise<EndpointAnswer> {
    const before = state.record()
    const reason = refusalOf(state, challenge)
    if (reason !== null) return this.#refuse(request, reason)
    const binding = bindingAfter(before)
    const lines = await this.#seal(request, reply, state, binding)
    if (lines === null) return this.#refuse(request, 'bound')
    if (lines.length === 0) return this.#refuse(request, 'session')
    const bound = { binding, created: wholeTime(before.createdAt), boundAt: Date.now(), end: state.expiresAt }
    return this.#bound(request, reply, bound, key, lines, challenge.purpose === 'renew' ? 'renewed' : 'registered')
  }

  /**
   * Puts a session on the response as one that is bound, and ends copies from before. The first of two registrations wins:
   * the other may be a thief's.
   * @returns null for another.
   */
  async #seal (request: FastifyRequest, reply: FastifyReply, state: SessionState, binding: Buffer): Promise<readonly string[] | null> {
    const { session, extension } = this.#options
    const { id, lifetime } = state.record()
    let isFirst = true
    state.setClaim(BINDING, binding)
    state.setClaim(UNBOUND, null)
    state.sealAgain()
    if (id !== null) {
      state.renewId(idAfter(id))
      extension.whenSealed(state, async () => {
        isFirst = await session.identities?.supersede(id, lifetime) !== false
        if (!isFirst) throw new Error('the session is bound already')
      })
    }
    try {
      return await session.send(request, reply)
    } catch (error) {
      if (isFirst) throw error
      return null
    }
  }

  /**
   * Binds a session that a registration does not bring: after a redirect from another site, browsers send it no Lax
   * cookie. The proof alone is set, and the next request that brings the session is bound by it: to seal what the session
   * was when the offer was made would undo what was written since.
   */
  async #bindAbsent (request: FastifyRequest, reply: FastifyReply, { challenge, key }: { challenge: Challenge, key: DeviceKey }): Promise<EndpointAnswer> {
    const offered = challenge.purpose === 'register-anywhere' ? readSession(challenge.of) : null
    if (offered === null) return this.#refuse(request, 'session')
    const { identities, lifecycle } = this.#options.session
    const { id } = offered
    const isFirst = id === null || identities === null || await identities.supersede(id)
    if (!isFirst) return this.#refuse(request, 'session')
    const binding = id === null ? newId() : idAfter(id)
    if (id !== null && lifecycle.isHeard) lifecycle.tell('renewed', { id: binding, subjects: [] }, { previousId: id }, request)
    return this.#bound(request, reply, { binding, created: offered.created, boundAt: Date.now(), end: Infinity }, key, [], 'registered')
  }

  #bound (request: FastifyRequest, reply: FastifyReply, binding: Binding, { algorithm, bytes: publicKey }: DeviceKey, lines: readonly string[], event: 'registered' | 'renewed'): EndpointAnswer {
    const sealed = this.#options.values.sealIdentifier({ ...binding, algorithm: numberOf(algorithm), publicKey })
    const identifier = withOrder(sealed, binding)
    this.#options.tell(request, { event, reason: null, algorithm })
    return this.#proven(reply, identifier, binding, lines)
  }

  // Refresh

  async #refresh (request: FastifyRequest, reply: FastifyReply, header: unknown): Promise<EndpointAnswer> {
    if (typeof header !== 'string' || header.length > MAX_IDENTIFIER) return this.#refuse(request, 'identifier')
    const text = unquoted(header)
    const identifier = this.#identifierOf(text)
    if (identifier === null) return this.#end(request, text, 'identifier')
    const { session, tell } = this.#options
    const state = session.peek(request)
    const reason = await this.#endOf(state, identifier)
    if (reason !== null) return this.#end(request, text, reason)
    const isStale = state !== null && this.#isStale(identifier, state)
    const failure = this.#failureOf(request, identifier, isStale)
    if (failure !== null) return this.#ask(request, text, identifier, failure)
    tell(request, { event: 'refreshed', reason: null, algorithm: identifier.deviceKey.algorithm })
    if (isStale) tell(request, { event: 'offered', reason: null, algorithm: null })
    return this.#proven(reply, text, { ...identifier, end: state?.expiresAt ?? longestEnd(identifier, session) }, [], isStale)
  }

  /** A key that is leaving may be one that has leaked: what it has sealed gets nothing of a key that stays. */
  #identifierOf (text: string): Identified | null {
    const { session, values } = this.#options
    const identifier = values.openIdentifier(withoutOrder(text))
    if (identifier === null || !hasOrder(text, identifier) || !session.config.keyring.current.isListed(identifier.key)) return null
    const algorithm = algorithmOf(identifier.algorithm)
    return algorithm === null ? null : { ...identifier, deviceKey: { algorithm, bytes: identifier.publicKey } }
  }

  /** Reason for which a binding has ended; null if it has not. @param state session that came along; null without one. */
  async #endOf (state: SessionState | null, identifier: Identified): Promise<string | null> {
    const { session, config } = this.#options
    const bound = state === null ? null : boundAmong(state, identifier)
    // A session that has gone on may have begun later than the one that the identifier was made for.
    if (bound === null && longestEnd(identifier, session) <= Date.now()) return 'expired'
    if (config.policy === 'off') return 'off'
    if (state === null) return null
    if (bound === null) return 'session'
    // A slow response may have brought the cookie of before back: its id is revoked, and its time without a binding may be over.
    state.change(() => bound)
    return await this.#hasEnded(state) ? 'revoked' : null
  }

  /** A browser refreshes beside its requests: while a response is under way that has another id for it, a session has not ended. */
  async #hasEnded (state: SessionState): Promise<boolean> {
    const { identities } = this.#options.session
    return identities !== null && await identities.hasEnded(state) && !await identities.isReplaced(state)
  }

  /**
   * Reason for which a browser has not proved its key; null if it has.
   * @param isStale true if the answer is to be an offer, which a proof that somebody has recorded must not get.
   */
  #failureOf ({ headers }: FastifyRequest, { binding, deviceKey: key }: Identified, isStale: boolean): string | null {
    const header = headers['secure-session-response']
    if (header === undefined) return ''
    const answer = readAnswer(header)
    if (answer === null || answer.jwk !== undefined) return 'malformed'
    if (answer.algorithm !== key.algorithm) return 'algorithm'
    const challenge = this.#challengeOf(answer, (this.#options.config.interval + CHALLENGE_LEEWAY) * 1000)
    if (challenge?.purpose !== 'refresh' || !challenge.of.equals(binding)) return 'challenge'
    if (!hasSigned(key, answer.text, answer.signature)) return 'signature'
    return isStale && Date.now() - challenge.time >= RENEWAL_LIFE ? '' : null
  }

  /** Asks for a proof: the browser gives up after four that are wrong. */
  #ask (request: FastifyRequest, text: string, { binding }: OpenedIdentifier, failure: string): EndpointAnswer {
    this.#options.tell(request, failure === '' ? { event: 'asked', reason: null, algorithm: null } : { event: 'refused', reason: failure, algorithm: null })
    return { status: 403, headers: { 'secure-session-challenge': this.#nextChallenge(text, binding) } }
  }

  #end (request: FastifyRequest, text: string, reason: string): EndpointAnswer {
    this.#options.tell(request, { event: 'ended', reason, algorithm: null })
    return { status: 200, body: { session_identifier: text, continue: false } }
  }

  // Both

  #refuse (request: FastifyRequest, reason: string): EndpointAnswer {
    this.#options.tell(request, { event: 'refused', reason, algorithm: null })
    return REFUSED
  }

  /**
   * Challenge that a browser has signed; null for one that does not open, is too old, or was sealed with a key that is leaving:
   * with one that has leaked, anybody could make an offer for the session of a user. @param life milliseconds.
   */
  #challengeOf ({ challenge: text }: DeviceAnswer, life: number): Challenge | null {
    const now = Date.now()
    const { session, values } = this.#options
    const challenge = values.openChallenge(text, now)
    return challenge === null || now - challenge.time >= life || !session.config.keyring.current.isListed(challenge.key) ? null : challenge
  }

  #nextChallenge (identifier: string, binding: Buffer): string {
    const challenge = this.#options.values.sealChallenge({ purpose: 'refresh', time: Date.now(), of: binding })
    return `"${challenge}";id="${identifier}"`
  }

  /** True for an identifier that is sealed with an older key, or ends before the session: the browser is to have another. */
  #isStale ({ key, created }: OpenedIdentifier, state: SessionState): boolean {
    const { config, absoluteTimeout } = this.#options.session
    const isEarlier = absoluteTimeout !== null && created < wholeTime(state.record().createdAt)
    return isEarlier || config.keyring.current.isStale(key, Date.now())
  }

  /** @param isStale true if the browser is to have another identifier. */
  #proven (reply: FastifyReply, identifier: string, { binding, created, boundAt, end }: Binding, lines: readonly string[], isStale = false): EndpointAnswer {
    const { cookie, values, offers, config, initiators, includeSite } = this.#options
    const now = Date.now()
    const seconds = Math.max(0, Math.min(config.interval, Math.floor((end - now) / 1000)))
    const proof = values.sealProof({ binding, created, boundAt, provenAt: now, until: now + seconds * 1000 })
    return {
      status: 200,
      headers: {
        'set-cookie': [...lines, cookie.line(reply, proof, seconds)],
        'secure-session-challenge': this.#nextChallenge(identifier, binding),
        ...(isStale && { 'secure-session-registration': offers.headerOf('renew', binding) })
      },
      body: {
        session_identifier: identifier,
        scope: { include_site: includeSite },
        credentials: [{ type: 'cookie', name: cookie.name, attributes: cookie.attributesText(reply) }],
        allowed_refresh_initiators: initiators
      }
    }
  }
}

/** Identifier with the key of its device. */
type Identified = OpenedIdentifier & { readonly deviceKey: DeviceKey }

/** Session as its binding has it. Of several that open, the newest may be planted from a subdomain: it must not end the binding of another. */
function boundAmong (state: SessionState, identifier: Identified): SessionRecord | null {
  let bound = boundBy(state.record(), identifier)
  while (bound === null && state.takeNext()) bound = boundBy(state.record(), identifier)
  return bound
}

/** Goes over to the session of an offer. Of several that open, the newest may be planted from a subdomain: it must not keep another from being bound. */
function goToOffered (state: SessionState, challenge: Challenge): void {
  let isOther = refusalOf(state, challenge) !== null
  while (isOther && state.takeNext()) isOther = refusalOf(state, challenge) !== null
}

/** Reason for which an offer is not for the session that a registration brings; null if it is. */
function refusalOf (state: SessionState, { purpose, of }: Challenge): string | null {
  if (state.origin?.ok !== true) return 'session'
  const record = state.record()
  const bound = record.claims?.get(BINDING)
  if (purpose === 'renew') return bound?.equals(of) === true ? null : 'bound'
  if (bound !== undefined) return 'bound'
  return isOffered(record, readSession(of)) ? null : 'challenge'
}

/** True for the session of an offer. Two may have begun in the same millisecond; an offer from before the revocation was added has no id. */
function isOffered ({ createdAt, id }: SessionRecord, offered: ReturnType<typeof readSession>): boolean {
  if (offered?.created !== wholeTime(createdAt)) return false
  return offered.id === null || id === null || offered.id.equals(id)
}

/** Binding of a session: new, unless it follows from what the session was, by which a slow response of before is known. */
function bindingAfter ({ id, claims }: SessionRecord): Buffer {
  const before = claims?.get(BINDING) ?? id
  return before === null ? newId() : idAfter(before)
}

/** Time at which the longest life of a session is over, in milliseconds since 1970. */
function longestEnd ({ created }: OpenedIdentifier, { absoluteTimeout }: RegisteredSession): number {
  return absoluteTimeout === null ? Infinity : created + absoluteTimeout * 1000
}
