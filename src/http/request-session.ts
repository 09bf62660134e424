import type { Lines } from '../cookies/write.ts'
import { fail } from '../errors.ts'
import type { Extensions } from '../extension/extensions.ts'
import { endOfSession } from '../messages.ts'
import { isPoll, kReply, kSealed, type SessionReply, type SessionRequest, type TrackedRequest } from './exchange.ts'
import { type FinalHeaders, type HeadersWatcher, isSharedCacheable, isUpgraded, watchHeaders } from '#headers-watch'
import { lifeOf, type SessionLife } from '#lifecycle'
import { Discarded, type Registered, type SessionManager, unusable } from './session-manager.ts'
import type { SessionCookie } from './response-cookie.ts'
import type { RouteWarnings } from './route-warnings.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor, WriteObserver } from '../session/settings.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason, Session } from '../types.ts'

type Sealing = ReturnType<Extensions['sealing']>

// Shared by all, since each of them would have its own otherwise.
const NO_LINES: Lines = []
const NO_SESSIONS: readonly SessionState[] = []

/** A session that is used in a request: its state, and how it gets into the response. */
export class RequestSession implements WriteObserver, HeadersWatcher {
  readonly state: SessionState
  /** Absent without extensions: a session without them does not pay for the question. */
  readonly refusal: (() => RefusalReason | null) | undefined
  readonly #manager: SessionManager
  readonly #cookie: SessionCookie
  readonly #warnings: RouteWarnings
  readonly #request: TrackedRequest
  readonly #extensions: Extensions | null
  /** True if the app has had it: an extension looks at sessions that the app never does. */
  #isUsed = false
  /** True if an extension says that no cookie may be sent. */
  #isHeldBack = false
  /** Reason for which a session that began anew in this request gets no cookie. */
  #lostBy: RefusalReason | null = null
  /** True after a failure to seal, which was thrown. */
  #failed = false
  /** True until something is written after a failure: it would only fail again. */
  #hasGivenUp = false
  #isDiscarded = false
  /** Writes so far, and how many of them are sealed. */
  #writes = 0
  #sealedWrites = 0
  /** Lines that this session has put on the response so far. */
  #lines: Lines = NO_LINES
  /** True if `Cache-Control: no-store` was put beside them: the app had not set that header by then. */
  #hasNoStore = false
  /** True as soon as something looks at the headers when they leave. */
  #isWatched = false
  /** True after a failure of `reply.sessionCookies()`, which nobody need have awaited. */
  #isUnheard = false
  /** Null as long as there is nothing to tell, or nobody who listens. */
  #life: SessionLife | null = null
  /** Sessions in whose place it was assigned, and that the app had read. */
  #replaced: readonly SessionState[] = NO_SESSIONS

  /** @param state default: that of the request's cookie. */
  constructor ({ manager, cookie, warnings, extensions }: Registered, request: TrackedRequest, state?: SessionState) {
    this.#manager = manager
    this.#cookie = cookie
    this.#warnings = warnings
    this.#request = request
    this.#extensions = extensions
    this.refusal = extensions === null ? undefined : () => extensions.refusal(this.state)
    this.state = state ?? manager.find(request, this)
    state?.observe(this)
  }

  get lines (): Lines { return this.#lines }

  /** Session for the app. @throws the error of an extension, if the app may not have it. */
  get session (): Session {
    this.#extensions?.used(this.state)
    if (!this.#isUsed) this.#lookFirst()
    this.#isUsed = true
    return this.state.session
  }

  /** An extension may have opened it long before. If it has ended since, the app has read nothing of it: a new one begins. */
  #lookFirst (): void {
    const reason = this.#extensions === null ? null : this.state.refusal()
    if (reason !== null) this.state.refuse(reason)
  }

  /**
   * Puts the session's cookie on the response, if the session changed.
   * @returns a promise only if an extension has to be waited for.
   * @throws the error of sealing, once: the response to that error goes out without the cookie, and the
   * browser keeps the one it has, unless the error handler writes something that can be sealed.
   */
  send (reply: SessionReply): Promise<void> | undefined {
    if (this.#extensions === null) this.#sendIfDue(reply)
    const sending = this.#extensions !== null && this.#isUsed ? this.#sendExtended(reply, this.#extensions) : undefined
    if (sending !== undefined) return sending.then(() => { this.#failIfLost(reply) })
    this.#failIfLost(reply)
  }

  /** The same, if it was written since it was sealed. */
  sendAgain (reply: SessionReply): Promise<void> | undefined {
    return this.#writes > this.#sealedWrites ? this.send(reply) : undefined
  }

  /** A login must not seem to work that gets no cookie, since the session of before ended meanwhile. */
  #failIfLost (reply: SessionReply): void {
    if (this.#lostBy !== null && !this.#failed) this.#fail(reply, fail('ENDED', [endOfSession(this.#lostBy)]))
  }

  /** Without a promise if the extensions have to ask nobody: a reply that is not returned would be answered twice. */
  #sendExtended (reply: SessionReply, extensions: Extensions): Promise<void> | undefined {
    const isDue = this.#prepare(reply)
    if (isDue) return this.#sendChecked(reply, extensions, isDue)
    const answer = extensions.sealing(this.state, isDue, this.#request)
    if (answer !== true) return this.#sendChecked(reply, extensions, isDue, answer)
  }

  async #sendChecked (reply: SessionReply, extensions: Extensions, isDue: boolean, answer?: Sealing): Promise<void> {
    try {
      const isJudged = await this.#isJudged(reply, answer ?? extensions.sealing(this.state, isDue, this.#request))
      let isDone = isJudged && isDue
      while (!isDone && this.#prepare(reply)) isDone = await this.#isJudged(reply, extensions.sealing(this.state, true, this.#request))
    } catch (error) {
      // An error handler must seal neither a session that could not be checked, nor one that it began after a
      // logout that failed.
      this.#isHeldBack = true
      if (this.state.changedByApp) this.#fail(reply, error)
      else this.#skip(reply, error)
    }
    if (this.#sendIfDue(reply)) await this.#tellSealed(reply, extensions)
  }

  async #tellSealed (reply: SessionReply, extensions: Extensions): Promise<void> {
    try {
      await extensions.sealed(this.state, this.state.record(), this.#request)
    } catch (error) {
      this.#isHeldBack = true
      this.#fail(reply, error)
    }
  }

  /**
   * Waits for an answer of the extensions, and holds the session back if it is no.
   * @returns false if the session was written meanwhile: one was judged that would not be sealed. A yes must not let it
   * pass, and a no may only say that the app itself has ended the one before by `delete()` or `regenerate()`.
   */
  async #isJudged (reply: SessionReply, answer: Sealing): Promise<boolean> {
    const writes = this.#writes
    const reason = await answer
    if (this.#writes !== writes) return false
    if (reason !== true) this.#holdBack(reply, reason === false ? 'revoked' : reason)
    return true
  }

  #holdBack (reply: SessionReply, reason: RefusalReason): void {
    if (this.#isHeldBack) return
    this.#isHeldBack = true
    if (this.state.isAnew && reason !== 'revoked') this.#lostBy = reason
    this.#takeBack(reply)
    reply.request.log.debug(`@fastify/secure-session: the session ${endOfSession(reason)} meanwhile, sending no cookie`)
  }

  #prepare (reply: SessionReply): boolean {
    const { state } = this
    if (!state.settle(this.#manager.config.rolling)) return false
    this.#lookBeforeSealing(reply)
    if (this.#isHeldBack || !state.isDirty || this.#hasGivenUp) return false
    if (state.changedByApp) return true
    // Nobody asked for this cookie. On a response that caches share it would do harm; it can wait.
    if (!this.mayExtend()) return false
    if (!isSharedCacheable(reply.getHeader('cache-control'))) return true
    if (state.isRenewal) this.#watch(reply)
    return false
  }

  #lookBeforeSealing (reply: SessionReply): void {
    // A deletion harms nobody; all else would make a leaked key's session one of the new key's.
    const refusal = this.state.sealingRefusal()
    const reason = this.state.deleted ? this.state.endedBy : refusal
    this.#loseWithReplaced(reply)
    if (reason !== null) this.#holdBack(reply, reason)
  }

  /** @returns true if the session is in a cookie on the response. */
  #sendIfDue (reply: SessionReply): boolean {
    const { state } = this
    if (!this.#prepare(reply)) return false
    this.#sealedWrites = this.#writes
    const isFree = !reply.hasHeader('cache-control')
    try {
      if (state.deleted) {
        reply.request.log.debug('@fastify/secure-session: deleting session')
        this.#lines = this.#cookie.delete(reply, state.cookieOptions, this.#lines)
      } else {
        this.#lines = this.#set(reply, this.#cookie.overridesFor(reply, state))
      }
      this.#heard()?.sealed()
      this.#hasNoStore ||= isFree && this.#manager.config.noStore && this.#lines.length > 0
      this.#watch(reply)
      return !state.deleted
    } catch (error) {
      // The cookie that the browser has is as good as the one that nobody asked for.
      if (state.changedByApp) this.#fail(reply, error)
      else this.#skip(reply, error)
      return false
    }
  }

  #set (reply: SessionReply, overrides: SessionState['cookieOptions']): Lines {
    const end = this.#cookie.lineEnd(reply, overrides)
    return end !== null
      ? this.#cookie.setLine(reply, this.#manager.sealLine(this.state, this.#cookie.lineStart, end), end, this.#lines)
      : this.#cookie.set(reply, this.#manager.seal(this.state), overrides, this.#lines)
  }

  #watch (reply: SessionReply | null): void {
    if (reply === null || this.#isWatched || reply.raw.headersSent) return
    this.#isWatched = true
    watchHeaders(reply, this)
  }

  /** Last look, at the headers that leave. */
  leaving (headers: FinalHeaders): void {
    const isShared = headers.isShared(this.#hasNoStore)
    if (this.#lines.length === 0) this.state.detectMutation()
    if (this.state.changedByApp) this.#leavingAsked(headers, isShared)
    else this.#leavingUnasked(headers, isShared)
    this.#life?.left(headers.hasAny(this.#lines))
  }

  #leavingAsked (headers: FinalHeaders, isShared: boolean): void {
    const isSent = headers.hasAny(this.#lines)
    if (isSent && isShared) this.#warnings.warn('FST_SEALED_SESSION_WARN_SHARED_CACHE', this.#request)
    if (isSent || !this.state.changed || this.#isDiscarded) return
    // A failure is told by an error, and a session that was revoked is no loss.
    const isSilent = this.#failed ? this.#isUnheard && headers.status < 500 : !this.#isHeldBack
    if (isSilent) this.#warnings.warn('FST_SEALED_SESSION_WARN_NOT_SENT', this.#request)
  }

  /** Nobody asked for this cookie: it must do no harm, and not undo what the app does to the cookie itself. */
  #leavingUnasked (headers: FinalHeaders, isShared: boolean): void {
    const isAnswered = headers.cookies.some(line => !this.#lines.includes(line) && this.#cookie.isOwn(line))
    if (!isShared && !isAnswered) return
    if (this.#lines.length > 0) headers.removeCookies(this.#lines)
    if (isShared && this.state.isRenewal) this.#warnings.warn('FST_SEALED_SESSION_WARN_RENEWAL_WITHHELD', this.#request)
  }

  /** Notes a failure that may have reached nobody. */
  failedUnheard (): void { this.#isUnheard = true }

  #skip (reply: SessionReply, error: unknown): void {
    this.#hasGivenUp = true
    this.#takeBack(reply)
    this.#warnings.warn('FST_SEALED_SESSION_WARN_NOT_RENEWED', this.#request, (error as Error).message)
  }

  #fail (reply: SessionReply, error: unknown): void {
    this.#hasGivenUp = true
    this.#takeBack(reply)
    if (this.#failed) {
      // A session that an extension held back could be sealed: the store that it asks has failed, which the
      // log says.
      if (!this.#isHeldBack) this.#warnings.warn('FST_SEALED_SESSION_WARN_NOT_SEALED', this.#request)
      return
    }
    this.#failed = true
    throw error
  }

  /**
   * Counts a session that was assigned as used and written, unless it is over: one that was opened before may
   * have expired or been revoked since, and must not be sealed again.
   * @param before the session that the request had.
   */
  takeOver (before: RequestSession): void {
    const { state } = this
    this.#isUsed = true
    if (this.#extensions !== null && this.#request[kSealed]) {
      // Too late for extensions to ask whether it may be sent. The session before must not end for one that is lost.
      this.#isHeldBack = true
      this.#warnings.warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#request)
      return
    }
    this.#follow(before)
    this.#extensions?.assigned(state, before.state)
    this.#life = before.#life?.moveTo(state) ?? null
    state.look()
    if (state.endedBy === null) state.touch()
  }

  /** Ends the session before as `regenerate()` would: the app may have read in it whom it logs in now. */
  #follow (before: RequestSession): void {
    before.discard()
    if (!before.#isUsed) before.#lookFirst()
    this.state.takePlaceOf(before.state, before.#isUsed)
    const isSame = this.#isSameAs(before)
    // If the app has not read the session before, nothing of it can go on.
    this.#replaced = isSame || !before.#isUsed ? before.#replaced : [before.state, ...before.#replaced]
    if (!isSame) before.state.regenerate()
  }

  /** True for a second copy of a session, opened from the same token: to end the one would end the other. */
  #isSameAs ({ state }: RequestSession): boolean {
    if (!state.isOpened) return false // and has no id yet, which would cost the store an entry
    const { id } = state.record()
    return id !== null && this.state.record().id?.equals(id) === true
  }

  /** A session that was read and has ended since must not go on under the name of an assigned one. */
  #loseWithReplaced (reply: SessionReply): void {
    if (this.#isHeldBack) return
    for (const state of this.#replaced) this.#lostBy ??= state.sealingRefusal()
    if (this.#lostBy !== null) this.#holdBack(reply, this.#lostBy)
  }

  /** Takes back the lines that were put on the response for it, and sends nothing more. */
  discard (): void {
    this.#isDiscarded = this.#isHeldBack = true
    const reply = this.#request[kReply]
    if (reply != null) this.#takeBack(reply)
  }

  #takeBack (reply: SessionReply): void {
    if (this.#lines.length > 0) this.#cookie.remove(reply, this.#lines)
    this.#lines = NO_LINES
  }

  /** After the hook that seals, a write is sealed at once while there is time; else it is lost. */
  written (): void {
    this.#hasGivenUp = false
    this.#writes++
    const reply = this.#request[kReply]
    if (reply == null) return
    if (reply.raw.headersSent || isUpgraded(reply)) this.#warnings.warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#request)
    else this.#watch(reply) // it may be sent by another way than the hooks
    // Too late for an extension to ask anybody else.
    if (!this.#request[kSealed] || reply.raw.headersSent || (this.refusal?.() ?? null) !== null) return
    if (this.#sendIfDue(reply) && this.#extensions !== null) this.#tellSealedLate(reply, this.#extensions)
  }

  /** Nobody waits for it: the headers may leave at any time. */
  #tellSealedLate (reply: SessionReply, extensions: Extensions): void {
    this.#tellSealed(reply, extensions).catch((err: unknown) => { reply.request.log.error({ err }, 'a session was sealed late, and an extension of it has failed') })
  }

  /** Asked only if there is something that nobody asked for: to look at a route's config costs. */
  mayExtend (): boolean { return !isPoll(this.#request) }

  snapshotTaken (): void { this.#watch(this.#request[kReply] ?? null) }

  closed (listener: () => void): boolean | null {
    if (this.#request.raw === null) return null
    const raw = this.#request[kReply]?.raw ?? this.#request.raw
    raw.once('close', listener)
    return !raw.closed
  }

  ended (ended: SessionRecord, successor: Successor): boolean {
    this.#heard()?.ended(successor)
    if (successor.isDropping === true && !this.#isDiscarded) this.#warnings.warn('FST_SEALED_SESSION_WARN_WRITE_DROPPED', this.#request)
    this.#manager.ended(this.state, successor.isLogout)
    return this.#extensions?.ended(this.state, ended, successor) ?? false
  }

  endStored (id: Buffer, ended: Buffer): void {
    const reply = this.#request[kReply]
    this.#life?.stored(id, ended, reply == null || reply.raw.headersSent || reply.raw.destroyed || isUpgraded(reply))
  }

  refused (reason: RefusalReason): void { this.#manager.lifecycle.refused(this.state, reason, this.#request) }

  #heard (): SessionLife | null { return (this.#life ??= lifeOf(this.#manager.lifecycle, this.state, this.#request)) }
}

/** A request's slot for a session: null until it is used. */
type Slots = TrackedRequest & Record<symbol, RequestSession | Discarded | null | undefined>

/** Session of a request, found when it is first used; null if it was discarded. */
export function hold (request: SessionRequest, registered: Registered): RequestSession | null {
  let held = (request as Slots)[registered.slot]
  if (held === null || held === undefined) {
    const slots = ownerOf(request, registered)
    held = slots[registered.slot] = new RequestSession(registered, slots)
  }
  return held instanceof Discarded ? null : held
}

/**
 * Session of a request for the app; null if it was discarded.
 * @throws the error of an extension, if somebody catches it; otherwise the session reads as empty.
 */
export function sessionOf (request: SessionRequest, registered: Registered): Session | null {
  try {
    return hold(request, registered)?.session ?? null
  } catch (error) {
    if (registered.isCaught(request)) throw error
    return unusable(request, registered)
  }
}

/**
 * The request that has the slot, if an app has derived another from it: `Object.create(request)`. A session
 * of the derived one alone would be written, and sent by nobody.
 */
export function ownerOf (request: SessionRequest, { slot }: Registered): Slots {
  let owner: object | null = request
  while (owner !== null && !Object.hasOwn(owner, slot)) owner = Object.getPrototypeOf(owner) as object | null
  return (owner ?? request) as Slots
}

/** Session of a request if something has used it. */
export function heldIn (request: SessionRequest, { slot }: Registered): RequestSession | null {
  const held = (request as Slots)[slot]
  return held instanceof RequestSession ? held : null
}
