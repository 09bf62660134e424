import { sodium } from '#sodium'
import { lifecycleChannel, publishLifecycle, type SessionLifecycleMessage } from '../diagnostics.ts'
import { kReply, type SessionRequest, type TrackedRequest } from './exchange.ts'
import type { SessionIdentities } from '../extension/session-identities.ts'
import type { KeySource } from '../keys/key-set.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import { authenticationsOf } from '../token/authentications.ts'
import type { RefusalReason } from '../types.ts'

// Messages about the lives of sessions, for audit logs: ids and hashes, nothing that a session holds.

/** Session as messages name it. */
interface Named {
  readonly id: Buffer | null
  /** In the clear: only the message has hashes of them. */
  readonly subjects: readonly string[]
}

/** Facts of a message that not every event has. */
type Facts = Partial<Pick<SessionLifecycleMessage, 'cause' | 'reason' | 'method'>> & { previousId?: Buffer | null | undefined }

/** Publisher of the lives of the sessions of one name. Look at `isHeard` first: nothing is made that nobody reads. */
export class Lifecycle {
  readonly #sessionName: string
  readonly #keys: KeySource
  /** Null without revocation: nobody says then whose a session is, and none has an id. */
  identities: SessionIdentities | null = null

  constructor (sessionName: string, keys: KeySource) {
    this.#sessionName = sessionName
    this.#keys = keys
  }

  get isHeard (): boolean { return lifecycleChannel.hasSubscribers }

  /** @param request null for what no request has done. */
  tell (event: SessionLifecycleMessage['event'], { id, subjects }: Named, facts: Facts, request: Pick<SessionRequest, 'id'> | null): void {
    const { previousId = null, cause = null, reason = null, method = null } = facts
    publishLifecycle({
      sessionName: this.#sessionName,
      event,
      id: textOf(id),
      previousId: textOf(previousId),
      subjects: subjects.map(subject => this.#hash(subject)),
      cause,
      reason,
      method,
      requestId: request === null || request.id === null ? null : String(request.id)
    })
  }

  /** Tells that the session that a request brought does not count, or does so no more. It must not be used in here. */
  refused (state: SessionState, reason: RefusalReason, request: SessionRequest): void {
    if (!this.isHeard) return
    const subjects = this.identities?.subjectsInUse(state) ?? null
    // An end that comes while the request is under way has its own message, of this process or another.
    if (reason !== 'revoked' || subjects !== null) this.tell('refused', { id: state.opened().id, subjects: subjects ?? [] }, { reason }, request)
  }

  /** Subjects of a session; none if the app's own code cannot say: no request may fail for a message. */
  subjectsOf (state: SessionState): readonly string[] {
    try {
      return this.identities?.subjectsOf(state) ?? []
    } catch {
      return []
    }
  }

  #hash (subject: string): string {
    return sodium().hash(Buffer.from(subject), this.#keys.current.sealing(Date.now()).pseudonyms).toString('base64url')
  }
}

/** End of a session that is not told yet. */
interface End extends Named {
  id: Buffer | null
  cause: 'logout' | 'replaced'
  /** False until it is stored; null if it is only true on the response. */
  isStored: boolean | null
}

/** Life of the session of one request, as far as it is not told. */
export class SessionLife {
  readonly #lifecycle: Lifecycle
  readonly #request: SessionRequest
  #state: SessionState
  /** Session that the browser has, or has got; null for none. */
  #known: Named | null
  /** True after that has ended. */
  #isOver = false
  /** True as long as something of it is kept. */
  #goesOn = true
  #ends: End[] = []
  readonly #methods = new Set<string>()
  /** Session that is in a cookie on the response. */
  #sealed: Named & { methods: readonly string[] } | null = null

  constructor (lifecycle: Lifecycle, state: SessionState, request: SessionRequest) {
    this.#lifecycle = lifecycle
    this.#request = request
    this.#state = state
    this.#known = this.#broughtBy(state)
  }

  #broughtBy (state: SessionState): Named | null {
    return state.isOpened ? { id: state.opened().id, subjects: this.#lifecycle.identities?.broughtBy(state)?.subjects ?? [] } : null
  }

  /** Goes on with a session that was assigned in the place of the one before. */
  moveTo (state: SessionState): this {
    this.#state = state
    this.#goOn(this.#broughtBy(state))
    return this
  }

  /** Notes an end. Call it before the extensions hear of it. */
  ended ({ isKept, isLogout, method }: Successor): void {
    if (this.#known !== null && !this.#isOver) {
      const isStored = this.#lifecycle.identities?.storesEnd(this.#state) === true ? false : null
      this.#ends.push({ ...this.#known, cause: isLogout ? 'logout' : 'replaced', isStored })
      this.#isOver = true
    } else if (isLogout) {
      for (const end of this.#ends) end.cause = 'logout' // regenerate(), then delete()
    }
    this.#goesOn &&= isKept
    if (method !== undefined) this.#methods.add(method)
  }

  /** Notes that an end is stored. @param ended the id that has ended: it may have been bound meanwhile. @param isLate true if the response has left, so that nothing else will tell it. */
  stored (id: Buffer, ended: Buffer, isLate: boolean): void {
    for (const end of this.#ends) if (end.isStored === false && end.id?.equals(id) === true) Object.assign(end, { id: ended, isStored: true })
    if (isLate) this.#tellEnds(false, null, null)
  }

  /** Notes that the session is in a cookie on the response, or its deletion. */
  sealed (): void {
    const state = this.#state
    this.#sealed = null
    if (state.deleted) return
    const { id, claims } = state.record()
    const times = authenticationsOf(claims)
    this.#sealed = { id, subjects: this.#lifecycle.subjectsOf(state), methods: [...this.#methods].filter(method => times.has(method)) }
  }

  /** Tells all that is true once the headers have left. @param isSent true if a cookie of the session is among them. */
  left (isSent: boolean): void {
    const sealed = isSent ? this.#sealed : null
    const isBorn = sealed !== null && this.#isNew(sealed)
    const previous = isBorn && this.#goesOn ? this.#known : null
    this.#tellEnds(isSent, previous, sealed)
    if (isBorn) this.#tell(isSameUser(previous, sealed) ? 'renewed' : 'begun', sealed, { previousId: previous?.id })
    if (sealed !== null) for (const method of sealed.methods) this.#tell('authenticated', sealed, { method })
    if (sealed !== null || this.#isOver) this.#goOn(sealed)
  }

  #isNew (sealed: Named): boolean {
    return this.#known === null || this.#isOver || !isSameId(this.#known, sealed)
  }

  /** @param known session that is told of; null if none is left. */
  #goOn (known: Named | null): void {
    this.#known = known
    this.#isOver = false
    this.#goesOn = true
    this.#sealed = null
    this.#methods.clear()
  }

  /** @param previous session that goes on as `sealed`: the message about that tells its end. */
  #tellEnds (isSent: boolean, previous: Named | null, sealed: Named | null): void {
    const ends = this.#ends
    this.#ends = []
    for (const end of ends) {
      // To regenerate a session so that it is nobody's is a logout: @fastify/passport does no more.
      const isLogout = end.cause === 'logout' || (end.subjects.length > 0 && sealed?.subjects.length === 0)
      if (!isLogout && previous !== null && isSameId(previous, end)) continue
      if (end.isStored === false) this.#ends.push(end)
      else if (end.isStored === true || isSent) this.#tell('ended', end, { cause: isLogout ? 'logout' : 'replaced' })
    }
  }

  #tell (event: SessionLifecycleMessage['event'], named: Named, facts: Facts): void {
    this.#lifecycle.tell(event, named, facts, this.#request)
  }
}

/** Life of a request's session; null if nobody listens. A response that never leaves tells as much as is true without it. */
export function lifeOf (lifecycle: Lifecycle, state: SessionState, request: TrackedRequest): SessionLife | null {
  if (!lifecycle.isHeard) return null
  const life = new SessionLife(lifecycle, state, request)
  request[kReply]?.raw.once('close', () => { life.left(false) })
  return life
}

function isSameId (a: Named, b: Named): boolean {
  return a.id === null || b.id === null ? a.id === b.id : a.id.equals(b.id)
}

function isSameUser (before: Named | null, after: Named): boolean {
  return before !== null && before.subjects[0] === after.subjects[0]
}

function textOf (id: Buffer | null): string | null {
  return id === null ? null : id.toString('base64url')
}
