import { beginningOf } from './beginning.ts'
import { assertNotAhead, type Revoked } from './epoch-writer.ts'
import { fail } from '../errors.ts'
import type { SessionRequest } from '../http/exchange.ts'
import { REVOCATION, type SessionExtension } from '../extension/session-extension.ts'
import { beginAnother, beginAt, forgetAuthentications, goOnAs, isProlonged, survive } from './life.ts'
import { refusalMessage } from '../messages.ts'
import { newRequestState, noteStamp, type RequestRecord, RequestRecords, type RequestState, SymbolProperty } from './request-record.ts'
import { type Identity, identityOf, userOf } from './identity.ts'
import { LOGOUT_LIFE, type RevocationSource } from './revocations.ts'
import { newId } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { Stamps } from './stamps.ts'
import type { SubjectsReader } from './subject.ts'
import { BINDING, STAMP } from '../token/claims.ts'
import type { SessionRecord } from '../token/record.ts'
import { revocableSince } from '../token/survived.ts'
import type { RefusalReason } from '../types.ts'
import { hasEnded, Verdicts, type Verdict } from './verdicts.ts'

/**
 * Milliseconds after which a request counts as held open by its client: its body came late, and the store's
 * answer from before that is out of date.
 */
const HELD_AFTER = 10

/** Milliseconds for which a check by the app lets it assign a session, or `cacheTtl` if that is longer. */
const ASSIGNABLE_FOR = 10_000

export interface RevocationExtensionOptions {
  revocations: RevocationSource
  stamps: Stamps | null
  subjects: SubjectsReader | null
  /** Milliseconds for which 'not revoked' is believed. */
  cacheTtl: number
  now: () => number
}

/** Keeps revoked sessions from being used and from being sealed again. */
export class RevocationExtension implements SessionExtension {
  readonly name = REVOCATION
  readonly needsIds = true
  readonly #revocations: RevocationSource
  readonly #stamps: Stamps | null
  readonly #verdicts: Verdicts
  readonly #subjects: SubjectsReader | null
  readonly #cacheTtl: number
  readonly #now: () => number
  readonly records = new RequestRecords()
  readonly #requestStates = new SymbolProperty<SessionState, RequestState>('sealed-session.request-state')
  /** Opened sessions outside requests of which the app was told that they are not revoked. */
  readonly #checkedByApp = new WeakMap<SessionState, { identity: Identity, lifetime: number | null, at: number }>()

  constructor ({ revocations, stamps, subjects, cacheTtl, now }: RevocationExtensionOptions) {
    this.#revocations = revocations
    this.#stamps = stamps
    this.#verdicts = new Verdicts(revocations, stamps)
    this.#subjects = subjects
    this.#cacheTtl = cacheTtl
    this.#now = now
  }

  /** Notes that a request has just come in. */
  begin (request: SessionRequest): void {
    this.records.begin(request, this.#now(), this.#revocations.sequence, this.#stamps?.order ?? 0)
  }

  /**
   * Checks the session of a request that has just come in. If it is revoked, the next of several that opened
   * counts: an attacker who plants a session that has ended must not log the user out. Without another, it is
   * empty from now on.
   * @returns a promise only if the store has to be asked.
   */
  check (state: SessionState, request: SessionRequest): Promise<void> | undefined {
    // An earlier hook has assigned it: it must not become another of the sessions that opened with it.
    if (this.#requestStates.get(state) === undefined) return this.#check(state, request)
  }

  #check (state: SessionState, request: SessionRequest): Promise<void> | undefined {
    const current = this.#requestStateOf(state)
    current.isChecked = false
    current.from = null // to read a subject is a use, which looks at it
    current.brought = current.opened = current.from = this.identityOf(state)
    current.lifetime = state.record().lifetime
    const verdict = this.#verdicts.known(current.from)
    return verdict === undefined ? this.#ask(state, current, current.from, request, false) : this.#conclude(state, current, verdict, request)
  }

  /**
   * Checks it again before a handler gets it, if the request was held open meanwhile: by a body that
   * came late, or by hooks that took longer than an answer of the store is believed.
   * @returns a promise only if the store has to be asked.
   */
  recheck (state: SessionState, request: SessionRequest): Promise<void> | undefined {
    const current = this.#requestStates.get(state)
    if (current === undefined || current.from === null || !current.isChecked) return
    const elapsed = Math.abs(this.#now() - current.checkedAt) // a clock may be set back
    if (elapsed <= HELD_AFTER) return
    if (request.body !== undefined || elapsed > this.#cacheTtl) return this.#ask(state, current, current.from, request, true)
  }

  async #ask (state: SessionState, current: RequestState, identity: Identity, request: SessionRequest, isAgain: boolean): Promise<void> {
    try {
      await this.#conclude(state, current, await this.#verdicts.ask(identity, isAgain), request)
    } catch (error) {
      current.failure = error // thrown to users of the session; others need not care
    }
  }

  #conclude (state: SessionState, current: RequestState, verdict: Verdict, request: SessionRequest): Promise<void> | undefined {
    if (verdict !== null && !current.isChecked && state.takeNext()) return this.#check(state, request)
    if (verdict !== null) this.#refuse(state, current, verdict, request)
    current.isChecked = true
    current.checkedAt = this.#now()
  }

  #refuse (state: SessionState, current: RequestState, reason: RefusalReason, request: SessionRequest): void {
    request.log.debug(refusalMessage(reason))
    if (current.isChecked) {
      state.end(reason) // a hook may have read it
      current.isRefused = true
    } else {
      state.refuse(reason)
      current.opened = null
    }
    current.from = null
  }

  /**
   * Tells the app if a session is revoked or has otherwise ended. One that was opened and is as it was opened
   * may then be assigned to a request: with another user written into it, the revocations of its own user
   * would not be found.
   */
  async isRevoked (state: SessionState): Promise<boolean> {
    state.look()
    if (hasEnded(state)) return true
    const identity = this.identityOf(state)
    state.detectMutation()
    const isAsOpened = state.isOpened && !state.changedByApp
    const [{ lifetime }, at] = [state.record(), this.#now()]
    const isRevoked = await this.#verdicts.ask(identity) !== null
    if (isRevoked) this.#checkedByApp.delete(state)
    else if (isAsOpened) this.#checkedByApp.set(state, { identity, lifetime, at })
    return isRevoked
  }

  assignable (state: SessionState): void {
    if (!state.isOpened) return
    state.detectMutation()
    const checked = state.changedByApp ? undefined : this.#checkedByApp.get(state)
    const isLate = checked === undefined || Math.abs(this.#now() - checked.at) > Math.max(ASSIGNABLE_FOR, this.#cacheTtl)
    if (isLate) throw fail('NOT_CHECKED')
  }

  /**
   * Gives a session the state of the one whose place it takes. A new one goes on as one after `regenerate()`:
   * all that is known of the one before holds for it. One that was opened comes with its own past, and with
   * the logouts of the one before, unless that was another user's.
   */
  assigned (state: SessionState, before: SessionState): void {
    const current = this.#requestStateOf(before)
    this.#requestStates.set(before, { ...current }) // it is not this one's past if the app ends a session in it
    current.from = null
    this.#requestStates.set(state, current)
    const checked = state.isOpened ? this.#checkedByApp.get(state) : undefined
    if (checked === undefined) return
    const { identity, lifetime, at } = checked
    const isOthers = identity.subjects.length > 0 && userOf(identity) !== userOf(current.brought)
    const own = { brought: identity, opened: identity, from: identity, lifetime, checkedAt: at }
    this.#requestStates.set(state, isOthers ? { ...current, ...own, wasRevoked: false } : Object.assign(current, own))
  }

  /** @throws `FST_SEALED_SESSION_NO_ID` */
  identityOf (state: SessionState): Identity {
    return identityOf(state, this.subjectsOf(state))
  }

  /** Identity of a session that stays open behind its request, as it was opened or sealed; null if it is neither. */
  openIdentity (state: SessionState): Identity | null {
    const current = this.#requestStates.get(state)
    return current !== undefined ? current.from : state.isOpened ? this.identityOf(state) : null
  }

  used (state: SessionState): void {
    const current = this.#requestStates.get(state)
    if (current !== undefined && current.failure !== null) throw current.failure
    // Without a session that was opened there is nothing to check.
    const isChecked = current === undefined ? state.origin?.ok !== true : current.isChecked
    if (!isChecked) throw fail('NOT_CHECKED')
  }

  refusal (state: SessionState): RefusalReason | null {
    const current = this.#requestStates.get(state)
    if (current === undefined || current.from === null || !this.#revocations.isKnownRevoked(current.from)) return null
    current.wasRevoked ||= this.#revocations.isKnownEnded(current.from)
    current.from = null
    current.isRefused = true
    return 'revoked'
  }

  ended (state: SessionState, { id, lifetime }: SessionRecord, { isKept, isNew, isLogout }: Successor): boolean {
    const current = this.#requestStateOf(state)
    const isStored = this.storesEnd(state)
    // It goes on if the user who is logged in was kept; if nobody says who that is, if anything was.
    const goesOn = isKept && (this.#subjects === null || this.subjectsOf(state).length > 0)
    current.from = current.from !== null && goesOn ? { ...current.from, id: null, before: undefined, keys: undefined } : null
    if (isStored) this.#revoke(state, current, id, lifetime, isLogout)
    // Without a subject, the data that is kept may say who is logged in.
    return isNew || this.#subjects !== null
  }

  /** False for a session of nobody, which is not worth an entry of the store: without a login, anybody could fill it. */
  storesEnd (state: SessionState): boolean {
    const { from, brought } = this.#requestStateOf(state)
    return this.#revocations.isStored && (this.#subjects === null || userOf(from ?? brought) !== undefined)
  }

  /**
   * Revokes the ids that a session ends. Also a logout after `regenerate()`, as passport does it, ends the
   * session that the request brought: a request beside it must not bring it back.
   */
  #revoke (state: SessionState, current: RequestState, id: Buffer | null, lifetime: number | null, isLogout: boolean): void {
    const brought = current.brought?.id ?? null
    // A copy from before a binding that was dead when it came in: to revoke its id would end the session that it became, and
    // a thief who has the copy would log the user out.
    const isDeadCopy = current.opened === null && brought !== null && this.#revocations.isSuperseded(brought)
    current.isLoggedOut ||= isLogout
    if (id !== null) this.#revokeLater(state, current, id, lifetime, isLogout)
    if (isLogout && brought !== null && !isDeadCopy && id?.equals(brought) !== true) this.#revokeLater(state, current, brought, current.lifetime, true)
  }

  #revokeLater (state: SessionState, current: RequestState, id: Buffer, lifetime: number | null, isLogout: boolean): void {
    const isOwn = current.ended.some(ended => ended.equals(id))
    current.ended.push(id)
    // Of one that has been bound meanwhile, `sealing` knows in whose place another comes.
    const goesOn = current.from !== null || (!isLogout && this.#subjects !== null)
    const revoking = this.#revocations.revokeId(id, lifetime, isLogout, goesOn).then(ended => {
      if (ended === 'superseded' && current.from === null) current.superseded = { id, lifetime }
      else if (ended === null || ended === 'superseded') current.wasRevoked ||= !isOwn
      else state.held.observer?.endStored?.(id, ended)
    })
    revoking.catch(() => {}) // sealing() waits for it, and throws
    current.pending.push(revoking)
  }

  sealing (state: SessionState, isDue: boolean, request: SessionRequest): boolean | Promise<boolean> {
    const current = this.#requestStateOf(state)
    return !isDue && current.pending.length === 0 ? true : this.#sealing(state, current, isDue, request)
  }

  async #sealing (state: SessionState, current: RequestState, isDue: boolean, request: SessionRequest): Promise<boolean> {
    // A failure stays: it fails for everybody who waits for it.
    for (const revoking of current.pending) await revoking
    if (!isDue) return true
    // A deletion could take the cookie of a newer login away.
    if (state.deleted) return !current.wasRevoked
    if (current.superseded !== null && !await this.#replacesBound(state, current, current.superseded)) return false
    if (await this.#verdicts.isOver(current)) return false
    const { from } = current
    // Asked last: a logout may come at any moment until then.
    return await this.#prepare(state, current, request) && !await this.#isLoggedOut(state, current, from, request)
  }

  /**
   * Ends a session that has been bound meanwhile, in whose place another comes. One of the same user may be a thief's, who
   * has a copy from before the binding: it gets no cookie, and the user's own browser has the session that is bound.
   */
  async #replacesBound (state: SessionState, { from, brought }: RequestState, { id, lifetime }: NonNullable<RequestState['superseded']>): Promise<boolean> {
    const isOthers = from !== null || this.subjectsOf(state)[0] !== userOf(brought)
    if (isOthers) await this.#revocations.revokeId(id, lifetime, false)
    return isOthers
  }

  /** Checks and prepares a session for sealing. @returns false if nothing may be sealed. */
  async #prepare (state: SessionState, current: RequestState, request: SessionRequest): Promise<boolean> {
    const [{ from }, subjects] = [current, this.subjectsOf(state)]
    const isLogin = subjects.length > 0 && subjects[0] !== userOf(from)
    if (this.#isEmptied(current, subjects, request)) return false
    if (from !== null && !await this.#renewId(state, from, current.lifetime, subjects[0])) return false
    if (from === null && subjects.length === 0) await this.#noteLogout(current)
    // Also by regenerate(): by a clock that is behind it would begin before what it has survived.
    if (from !== null && !isLogin) survive(state, from.created)
    // One that goes on and gains a subject, such as another tenant, may have begun before that was revoked.
    const isGained = isLogin || from === null || subjects.some(subject => !from.subjects.includes(subject))
    const { id } = state.record()
    const created = isGained ? await this.#beginAfter(state, subjects, current, isLogin, request) : revocableSince(state.record())
    const stamp = await this.#stamp(state, current, subjects, isLogin, request)
    current.from = { id, created, subjects, stamp }
    return true
  }

  /** Seals a session with its user's stamp: that of now for a login, and else the one that it had. */
  async #stamp (state: SessionState, { from, opened }: RequestState, subjects: readonly string[], isLogin: boolean, request: SessionRequest): Promise<Buffer | null> {
    if (this.#stamps === null) return from?.stamp ?? null
    const [user] = subjects
    const stamp = isLogin && user !== undefined ? await this.#stamps.ofLogin(user, opened, this.records.of(request)) : from?.stamp ?? null
    state.setClaim(STAMP, user === undefined ? null : stamp)
    return stamp
  }

  /** Gives a session the stamp that its user has now. @param request of the handler that calls. @throws as the docs of `app.restampSession` say. */
  async restamp (state: SessionState, request: SessionRequest | undefined): Promise<void> {
    if (this.#stamps === null) throw fail('STAMP_MISSING')
    const current = this.#requestStates.get(state)
    if (current === undefined) this.assignable(state)
    const identity = this.identityOf(state)
    state.look()
    // Its own stamp is an old one by now, which is why it is called.
    if (hasEnded(state) || await this.#revocations.isRevoked(identity, true)) throw fail('REVOKED_MEANWHILE')
    const stamp = await this.#stamps.renew(identity, this.records.of(request))
    for (const held of [current?.from, current?.opened]) noteStamp(held, identity, stamp)
    state.setClaim(STAMP, stamp)
    if (current?.from != null && state.claims?.has(BINDING) === true) await this.goOn(state, identity.subjects, 0)
  }

  /**
   * Has a session begin after all revocations of its subjects. One that goes on survives them, and is as old as before.
   * @returns the time that later ones compare.
   * @throws as `beginningOf` does
   */
  async #beginAfter (state: SessionState, subjects: readonly string[], current: RequestState, isLogin: boolean, request: SessionRequest): Promise<number> {
    const [{ id }, before] = [state.record(), revocableSince(state.record())]
    // Without a subject, nobody says if it is a login.
    const [isNew, mayBeLogin] = [current.from === null, subjects.length > 0 || this.#subjects === null]
    const beginner = { subjects, opened: current.opened, record: this.records.of(request), created: isNew ? before : null, mayBeLogin }
    const created = Math.max(before, await beginningOf(beginner, this.#revocations, this.#now))
    // A session that began anew while that was awaited has a beginning of its own.
    if (state.record().id !== id) return created
    if (isNew || isLogin) beginAt(state, created)
    else survive(state, created)
    return created
  }

  /**
   * Stores a logout: to regenerate a session so that it is nobody's is one, too; @fastify/passport does no
   * more.
   */
  async #noteLogout ({ opened, lifetime }: RequestState): Promise<void> {
    if (opened?.id != null && opened.subjects.length > 0) await this.#revocations.revokeId(opened.id, lifetime, true)
  }

  /**
   * Gives a session that goes on another id, if it has to be told from the session before.
   * @returns false if it may not go on: it was bound to a device at this moment, and this may be a thief's copy.
   */
  async #renewId (state: SessionState, from: Identity, lifetime: number | null, user: string | undefined): Promise<boolean> {
    const before = userOf(from)
    // The next user has not authenticated by what the one before has done.
    if (before !== undefined && user !== before) forgetAuthentications(state)
    if (from.id === null) return true // regenerate() has given it one
    // A login gets a session that nobody knew before, even if the app does not regenerate().
    if (user !== undefined && user !== before) beginAnother(state, newId(), this.#now())
    // The entry of a logout lives as long as the session that it ends. One with the old lifetime would end too early.
    else if (isProlonged(state) && await this.#revocations.revokeId(from.id, lifetime, false, true) === 'superseded') return false
    else if (isProlonged(state)) state.renewId(newId())
    return true
  }

  /** True if a session that was revoked meanwhile is followed by nobody's: its cookie could replace that of a newer login. */
  #isEmptied ({ isRefused, from }: RequestState, subjects: readonly string[], request: SessionRequest): boolean {
    return from === null && isRefused && subjects.length === 0 && this.#subjects !== null && this.records.of(request)?.own == null
  }

  /**
   * True if a logout has ended the session that this request brought, and it goes on under another
   * id: a request that was under way would bring the session back by `regenerate()`, or by a longer lifetime. One that another
   * login has replaced is let go on: a second click on "log in" must not lose the login.
   */
  async #isLoggedOut (state: SessionState, { opened, isLoggedOut, wasRevoked }: RequestState, from: Identity | null, request: SessionRequest): Promise<boolean> {
    if (opened?.id == null || (isLoggedOut && !wasRevoked) || state.record().id?.equals(opened.id) === true) return false
    const goesOn = from !== null || (opened.subjects.length > 0 && userOf(opened) === this.subjectsOf(state)[0])
    if (!goesOn) return false
    return await (this.#outlivesLogouts(request) ? this.#revocations.isRevoked({ ...opened, keys: undefined }, true) : this.#revocations.isLoggedOut(opened.id))
  }

  #outlivesLogouts (request: SessionRequest): boolean {
    return this.#now() - (this.records.of(request)?.beganAt ?? -Infinity) >= LOGOUT_LIFE
  }

  /**
   * Notes that a request has revoked by itself, which does not count against it.
   * @param previous the revocation before: one that came while the request was under way does count.
   */
  noteOwn (record: RequestRecord, state: SessionState | null, { key, epoch, previous }: Revoked): void {
    const opened = state === null ? null : this.#requestStates.get(state)?.opened ?? null
    const isOthers = previous > 0 && record.own?.get(key) !== previous
    if (isOthers && (this.#revocations.cameDuring(key, previous, record) || (opened !== null && opened.created <= previous))) return
    (record.own ??= new Map()).set(key, epoch)
  }

  /**
   * Asks whether a session may go on while all others of its subject end.
   * @returns its subjects, which cannot be read any more once the others have ended.
   * @throws `FST_SEALED_SESSION_REVOKED_MEANWHILE` if somebody has ended it already, or if it is a copy of one that was bound
   * to a device since: a thief would end the session of the user, and go on.
   */
  async assertLive (state: SessionState): Promise<readonly string[]> {
    const identity = this.identityOf(state)
    state.look()
    const isLive = !hasEnded(state) && await this.#verdicts.mayGoOn(state, identity, this.#requestStateOf(state))
    if (isLive && !this.#revocations.isSuperseded(identity.id!)) return identity.subjects // it has one, or that would have thrown
    throw fail('REVOKED_MEANWHILE')
  }

  /** Has a session go on with a new id, which the revocation that ends the others does not end. */
  async goOn (state: SessionState, subjects: readonly string[], epoch: number): Promise<void> {
    const { id: before, lifetime, claims } = state.record()
    // It may have survived a later one, of another of its subjects, by a clock that is ahead.
    const created = Math.max(revocableSince(state.record()), epoch + 1)
    assertNotAhead(created, this.#now())
    const [current, id] = [this.#requestStateOf(state), newId()]
    if (current.from !== null) current.from = { ...current.from, id, created, subjects, before: undefined, keys: undefined }
    goOnAs(state, id, created)
    state.touch()
    // A refresh of its device may be under way, and brings the id of before: it must not take that for the session's end.
    // If this cannot be stored, which the log says, the others have ended all the same.
    if (before !== null && claims?.has(BINDING) === true) await this.#revocations.revokeId(before, lifetime, false, true).catch(() => {})
  }

  #requestStateOf (state: SessionState): RequestState {
    const known = this.#requestStates.get(state)
    if (known !== undefined) return known
    const current = newRequestState()
    this.#requestStates.set(state, current)
    return current
  }

  subjectsOf (state: SessionState): readonly string[] {
    return this.#subjects === null ? [] : this.#subjects(state.session)
  }

  /** Identities of a session in its request: as it came in, and from which it goes on; undefined without a request. */
  identitiesIn (state: SessionState): Readonly<Pick<RequestState, 'opened' | 'from'>> | undefined {
    return this.#requestStates.get(state)
  }
}
