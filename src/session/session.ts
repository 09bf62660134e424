import type { CookieSerializeOptions } from '@fastify/cookie'
import { assertNotReserved, type Data, getOwn, pickOwn, setOwn, snapshotOf, TIME_KEY } from '../data/data.ts'
import { claimsKept } from '../token/authentications.ts'
import { BINDING, type Claims, claimsWith } from '../token/claims.ts'
import { attributesWith, lifeFrom, withoutLife } from './attributes.ts'
import { kState, sessionHandler } from './properties.ts'
import type { SessionSettings, Successor, WriteObserver } from './settings.ts'
import { endOf, isDueForRenewal, toWholeSeconds } from '../token/lifetime.ts'
import { type DeviceFacts, newRecord, type OpeningKey, type Origin, type RecordChanges, recordWith, recordWrittenAt, type SessionRecord } from '../token/record.ts'
import type { RefusalReason, Session } from '../types.ts'

/** Key of the method that `util.inspect` calls; the same symbol as `inspect.custom`. */
const kInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** Reason to send the cookie: nothing, another key or format, more time, a write; or a write that `changed = false` takes back. */
type Due = 'nothing' | 'reseal' | 'renewal' | 'write' | 'withdrawn'

type Method = 'get' | 'set' | 'delete' | 'touch' | 'options' | 'data' | 'regenerate'

/**
 * State of a session: its data, and the events of its life. A handler sees it through a proxy, whose
 * properties are the data's.
 *
 * All fields are private, so that `util.inspect` has nothing to show, whatever its options are.
 */
export class SessionState {
  /** Never changed: each write makes another. */
  #record: SessionRecord
  /**
   * Data of the record, if it is this session's own; null if it may be shared, as long as nothing is written.
   */
  #data: Data | null
  #origin: Origin
  /**
   * Key that opened the session, kept by `regenerate()`: a session that a leaked key has opened must not get
   * a new one.
   */
  #key: OpeningKey | null
  /** Device as the request told of it, kept by `regenerate(keep)` as the binding is. */
  #device: DeviceFacts | undefined
  /** Reason for which it was found to have ended after it had been used. */
  #ended: RefusalReason | null = null
  #due: Due
  #deleted = false
  /** Key that was set last; null if none was. */
  #newestKey: PropertyKey | null = null
  #isAnew = false
  /** JSON of the data when the app first received a value that can be changed in place; null if none was. */
  #snapshot: string | null = null
  #cookieOptions: CookieSerializeOptions | null = null
  /** True if those came with a lifetime, which another life does not have. */
  #isLifeGiven = false
  #observer: WriteObserver | null
  #bound: Partial<Record<Method, (...values: never[]) => unknown>> | null = null
  /** Record that the session was opened with, or that it began with. */
  #opened: SessionRecord
  #settings: SessionSettings
  #madeOutsideBy: object | null = null
  /** Methods by which the user has authenticated since it was opened; null without any. */
  #methods: string[] | null = null
  readonly #session: Session

  /** @param data of the record, if it belongs to the session from now on. @param observer is told of every write. */
  constructor (settings: SessionSettings, record: SessionRecord, origin: Origin = null, data: Data | null = null, observer: WriteObserver | null = null) {
    this.#settings = settings
    this.#record = record
    this.#data = data
    this.#origin = origin
    this.#key = origin !== null && origin.ok ? origin.key : null
    this.#device = origin?.device
    this.#opened = record
    this.#observer = observer
    // Sealed with an older key or in another format: due to be sealed again.
    this.#due = origin !== null && origin.ok && origin.stale ? 'reseal' : 'nothing'
    this.#session = new Proxy(this, sessionHandler) as unknown as Session
  }

  /** A session that begins now. @param data belongs to it from now on. */
  static begin (settings: SessionSettings, data: Data, origin?: Origin, observer?: WriteObserver): SessionState {
    return new SessionState(settings, newRecord(data, Date.now()), origin, data, observer)
  }

  /** Parts that signals look at. */
  get held (): { settings: SessionSettings, observer: WriteObserver | null } { return { settings: this.#settings, observer: this.#observer } }

  /** Record that it was opened with, or that it began with. No getter, which `util.inspect` may read. */
  opened (): SessionRecord { return this.#opened }

  /** The session as handlers see it. */
  get session (): Session { return this.#session }

  get changed (): boolean {
    this.look()
    return this.isDirty || this.#isMutated()
  }

  set changed (value: boolean) { this.#due = value ? 'write' : 'withdrawn' }

  /** `changed` as of the last look, without changes in place that are not detected yet. */
  get isDirty (): boolean { return this.#due !== 'nothing' && this.#due !== 'withdrawn' }

  /**
   * Maker of a session outside a request, as long as it may be assigned to one; null otherwise. It is kept here, since to
   * add a session to a WeakMap takes a tenth of the time of opening it.
   */
  get madeOutsideBy (): object | null { return this.#madeOutsideBy }
  set madeOutsideBy (maker: object | null) { this.#madeOutsideBy = maker }

  get deleted (): boolean { return this.#deleted }
  /**
   * For a session that was opened, true is a logout: it ends as by `delete()`. A new one is only not kept, as
   * with @fastify/secure-session's.
   */
  set deleted (value: boolean) {
    if (value && this.#key !== null) this.delete()
    else this.#deleted = value
  }

  /** True if the app did something to be sent; false if only an older key, or a renewal, made it change. */
  get changedByApp (): boolean { return this.#due === 'write' || this.#due === 'withdrawn' }

  /** True if a rolling session is to be sent again, so that it does not expire. */
  get isRenewal (): boolean { return this.#due === 'renewal' }

  /** Origin of the session: its token, or none. */
  get origin (): Origin { return this.#origin }

  /** Device of the request that it is bound to, or was refused for want of. */
  get device (): DeviceFacts | undefined { return this.#device }

  /** Time from which on it is not valid, in milliseconds since 1970, if nothing is written. */
  get expiresAt (): number { return endOf(this.#record, this.#settings) }

  /** Attributes of its cookie: its own, and those given to `options()` for this response. */
  get cookieOptions (): CookieSerializeOptions | null { return attributesWith(this.#record, this.#cookieOptions) }

  /** Facts that extensions keep inside the seal. */
  get claims (): Claims | undefined { return this.#record.claims }

  /** Record for a token. A new session gets its id when that is first needed. */
  record (): SessionRecord {
    const { newId } = this.#settings
    if (this.#record.id === null && newId !== undefined) this.#change({ id: newId() })
    return this.#record
  }

  #change (changes: RecordChanges): void { this.#record = recordWith(this.#record, changes) }

  /** Changes the record for an extension: it is no write. @param changesOf is given the record as it is. */
  change (changesOf: (record: SessionRecord) => RecordChanges): void { this.#change(changesOf(this.#record)) }

  /** Methods by which the user has authenticated since it was opened. */
  get methods (): readonly string[] { return this.#methods ?? [] }

  /** The data, to be written to: its own copy from the first write on. */
  #own (): Data {
    if (this.#data === null) {
      this.#data = { ...this.#record.data }
      this.#change({ data: this.#data })
    }
    return this.#data
  }

  #begin (data: Data, more: Partial<SessionRecord>): void {
    this.#record = { ...newRecord(data, Date.now()), ...more }
    this.#data = data
  }

  /** True after `regenerate()` without keys to keep: most likely somebody logs in. */
  get isAnew (): boolean { return this.#isAnew }

  /**
   * Reason for which the session was found to have ended after it had been used; null if it is valid, or
   * began anew.
   */
  get endedBy (): RefusalReason | null { return this.#ended }

  /** True if it, or what it began from by `regenerate()`, was opened from a token. */
  get isOpened (): boolean { return this.#key !== null }

  /** False if the key that opened the session has left the list: to seal it with another would launder a leaked key. */
  get maySeal (): boolean { return this.#key === null || this.#settings.keys.current.isListed(this.#key) }

  /**
   * Looks again at a session that was opened earlier, at each use and before it is sealed. A client can hold a request
   * open for minutes, by a body that does not end: the session may have expired since, its key may be gone, or it was
   * revoked. It is empty then.
   * @returns the time of the look, in milliseconds since 1970.
   */
  look (): number {
    const now = Date.now()
    const reason = this.refusal(now)
    if (reason !== null) this.end(reason)
    return now
  }

  /** Reason for which the session that was opened is not valid now; null if it is, or if none was opened. */
  refusal (now = Date.now()): RefusalReason | null {
    if (this.#key === null) return null // it began here
    if (!this.#settings.keys.current.has(this.#key)) return 'key-unknown'
    if (endOf(this.#record, this.#settings) <= now) return 'expired'
    return this.#settings.devices?.refusal(this) ?? this.#observer?.refusal?.() ?? null
  }

  /** Looks again, as each use does. @returns reason for which it must not be sealed; null if it may be. */
  sealingRefusal (): RefusalReason | null {
    this.look()
    return this.#ended ?? (this.maySeal ? null : 'key-unknown')
  }

  /** Goes over to the next of several sessions that opened in one request. @returns false without another. */
  takeNext (): boolean {
    const [next, ...others] = this.#origin?.ok === true ? this.#origin.others ?? [] : []
    if (next === undefined) return false
    this.#record = next.record
    this.#data = this.#snapshot = null // they were of the other
    this.#origin = { ...next, others }
    this.#key = next.key
    this.#device = next.device
    this.#opened = next.record
    this.#due = next.stale ? 'reseal' : 'nothing'
    return true
  }

  /** Empties a session that was used: data that was read from it must not be sealed as another's. */
  end (reason: RefusalReason): void {
    this.refuse(reason)
    this.#ended = reason
  }

  /** Empties a session whose token was opened and is refused all the same. */
  refuse (reason: RefusalReason): void {
    this.#observer?.refused?.(reason)
    this.#begin({}, {})
    this.#origin = { ok: false, reason }
    this.#key = null
    this.#device = undefined
    this.#due = 'nothing'
    this.#deleted = false
    this.#snapshot = null
  }

  /** Makes a new session one of the name that these settings belong to. */
  moveTo (settings: SessionSettings): void { this.#settings = settings }

  /**
   * Has its cookie go where the browser has that of the session before: one elsewhere would be a second cookie, and the
   * first one would stay. A new session is bound to the device of before, if it may hold what the app has read there.
   */
  takePlaceOf (before: SessionState, isRead: boolean): void {
    const { place } = before.#record
    if (place !== undefined && before.maySeal && this.#record.place === undefined) this.#change({ place })
    const binding = before.claims?.get(BINDING)
    if (!isRead || this.isOpened) return
    if (binding === undefined) return this.#goOnFrom(before.#record, false)
    this.setClaim(BINDING, binding)
    this.#device = before.#device
  }

  #goOnFrom (before: SessionRecord, isProven: boolean): void { this.#change(this.#settings.devices?.goOn(before, this.#record, isProven) ?? {}) }

  /** Has `observer` told of every write. */
  observe (observer: WriteObserver): void { this.#observer = observer }

  get (key: PropertyKey): unknown {
    this.look()
    const { data } = this.#record
    const value = this.#track(Object.hasOwn(data, key) ? data[key] : undefined)
    // The peer shows the time of the last write under this name, in whole seconds.
    return value === undefined && key === TIME_KEY ? Math.floor(this.#record.writtenAt / 1000) : value
  }

  set (key: PropertyKey, value: unknown): void {
    // Name as a property key is: a value from a query string may be an array with the name in it.
    const name = typeof key === 'symbol' ? key : String(key)
    assertNotReserved(name)
    const now = this.look()
    this.#deleted = false
    setOwn(this.#own(), name, value)
    this.#newestKey = name
    this.#touched(now)
  }

  remove (key: PropertyKey): void {
    assertNotReserved(key)
    this.look()
    if (!Object.hasOwn(this.#record.data, key)) return
    delete this.#own()[key]
    this.#touched()
  }

  data (): object {
    this.look()
    const data: Data = { ...this.#record.data }
    for (const key in data) this.#track(data[key])
    return data
  }

  delete (): void {
    this.#follow([], true)
    this.#deleted = true
    this.#touched()
  }

  regenerate (keep?: string | readonly string[]): void {
    this.#follow(typeof keep === 'string' ? [keep] : Array.isArray(keep) ? keep : [], false)
    this.#touched()
  }

  /**
   * Begins another life with all that this one has but its id and its beginning, and with these claims. To lose it
   * later fails the request, as for a login.
   * @param method by which the user has just authenticated.
   */
  beginAgain (claims: Claims, method: string): void {
    this.#methods = [...this.methods, method]
    const { data, lifetime, cookieMaxAge } = this.#record
    this.#succeed({ ...data }, { lifetime, cookieMaxAge, claims }, { isKept: true, isNew: false, isLogout: false, method })
    this.#isAnew = true
    this.#deleted = false
    this.#touched()
  }

  /** Begins another life: a token sealed from here on says nothing of the one before. */
  #follow (keep: readonly string[], isLogout: boolean): void {
    this.look()
    const data = pickOwn(this.#record.data, keep)
    const isNew = keep.length === 0
    const claims = isNew ? undefined : claimsKept(this.#record, data)
    if (this.#isLifeGiven) this.#cookieOptions = withoutLife(this.#cookieOptions)
    this.#isLifeGiven = false
    this.#succeed(data, { ...(claims !== undefined && { claims }) }, { isKept: Object.keys(data).length > 0 || claims !== undefined, isNew, isLogout, isDropping: isNew && !isLogout && this.#hasNewValue() })
    this.#isAnew = isNew && !isLogout
  }

  /** True if the value that was set last is there. To look at that one alone keeps `set()` from keeping a list. */
  #hasNewValue (): boolean { return this.#newestKey !== null && (getOwn(this.#record.data, this.#newestKey) ?? null) !== null }

  #succeed (data: Data, more: Partial<SessionRecord>, successor: Successor): void {
    const ended = this.#record
    // The write that follows sets the time of the last one, which never goes backwards. The browser has the
    // cookie in its place: one elsewhere would be a second cookie, and the first one would stay.
    this.#begin(data, { writtenAt: ended.writtenAt, ...(ended.place !== undefined && { place: ended.place }), ...more })
    // A session that goes on begins no earlier than before. It may have begun after a revocation by a clock that is ahead:
    // with the time of now it would be among those that were revoked.
    if (successor.isKept && ended.createdAt !== null) this.#change({ createdAt: Math.max(ended.createdAt, Date.now()) })
    if (successor.isKept) this.#goOnFrom(ended, successor.method !== undefined)
    this.#origin = null
    const isForgiven = this.#observer?.ended?.(ended, successor) === true
    if (isForgiven && this.#ended === 'revoked') this.#ended = null
  }

  touch (): void { this.#touched(this.look()) }

  #touched (now?: number): void {
    this.#write(now)
    this.#observer?.written()
  }

  /**
   * Renews the session as if it had been touched, if that is due for one that was only read; nobody asked for
   * it. An empty one in place of a cookie that was refused could replace a login that another tab has made meanwhile.
   */
  #renew (): void {
    const now = Date.now()
    if (this.changedByApp || this.#origin?.ok !== true || !isDueForRenewal(this.#record, this.#settings, now)) return
    if (this.#observer?.mayExtend?.() === false || this.#hasEndedNow()) return
    this.#record = recordWrittenAt(this.#record, toWholeSeconds(now))
    this.#due = 'renewal'
  }

  /** Marks the session as written if a value in it was changed in place: `session.cart.items.push(x)`. */
  detectMutation (): void { if (this.#isMutated() && !this.#hasEndedNow()) this.#write() }

  /**
   * Detects changes in place, and renews a rolling session that is due.
   * @returns false if there is nothing to send, and nothing to look at again: to look at a session that was only read
   * would be for nothing. One that has ended may have a cookie on the response, or be one by which somebody logged in.
   */
  settle (isRolling: boolean): boolean {
    this.detectMutation()
    if (isRolling) this.#renew()
    return this.isDirty || this.#ended !== null
  }

  /** Looks, as each write does before it: it must not give a session more time that has none left. */
  #hasEndedNow (): boolean {
    const before = this.#record
    this.look()
    return this.#record !== before
  }

  #write (now = Date.now()): void {
    this.#due = 'write'
    // Time of the write. It never goes backwards: a clock that was set back must not end a session early.
    const writtenAt = toWholeSeconds(now)
    if (writtenAt > this.#record.writtenAt) this.#record = recordWrittenAt(this.#record, writtenAt)
  }

  /** Passes a value on, and takes a snapshot of the data if the value can be changed in place. */
  #track (value: unknown): unknown {
    // After a write the session is sealed as it then is, with all changes in between.
    if (typeof value === 'object' && value !== null && this.#snapshot === null && !this.changedByApp) {
      this.#snapshot = snapshotOf(this.#record.data, this.#settings.stringify)
      this.#observer?.snapshotTaken?.()
    }
    return value
  }

  #isMutated (): boolean {
    return this.#snapshot !== null && !this.changedByApp && this.#snapshot !== snapshotOf(this.#record.data, this.#settings.stringify)
  }

  options (given: CookieSerializeOptions & { expiry?: unknown }): void {
    this.look()
    const options: typeof given = typeof given === 'object' && given !== null ? this.#settings.readOptions?.(given) ?? given : given
    if (options?.expiry !== undefined) return this.#setLifetime(options)
    this.#cookieOptions = options ?? null
    this.#isLifeGiven = false
    // Like a write, it counts even after the hook that seals; it sends nothing by itself.
    if (this.isDirty) this.#observer?.written()
  }

  #setLifetime (options: CookieSerializeOptions & { expiry?: unknown }): void {
    this.#change(lifeFrom(options, this.#record, this.#settings))
    const { expiry, ...attributes } = options
    this.#cookieOptions = attributes
    this.#isLifeGiven = true
    this.touch()
  }

  /** Gives the session another id, and keeps all else. */
  renewId (id: Buffer): void { this.#change({ id }) }

  /** Keeps something inside the seal for an extension, under its number; null takes it out. It is no write. */
  setClaim (number: number, value: Buffer | null): void { this.#change({ claims: claimsWith(this.#record.claims, number, value) ?? null }) }

  /** Has it sent again as it is: it is no write, and gives it no more time. */
  sealAgain (): void { if (!this.isDirty) this.#due = 'reseal' }

  /** A method bound to this session, the same function each time: it may be destructured and compared. */
  method (name: Method): (...values: never[]) => unknown {
    this.#bound ??= {}
    this.#bound[name] ??= this[name].bind(this)
    return this.#bound[name]
  }

  raw (): Readonly<Data> {
    this.look()
    return this.#record.data
  }

  /** Names, never values: this text reaches a log. `this` may be the proxy. */
  [kInspect] (_depth: number, _options: object, inspect: (name: string) => string): string {
    const keys = Object.keys(this[kState].raw()).map(key => inspect(key)).join(', ')
    return `Session { keys: [${keys}], changed: ${this.changed}, deleted: ${this.deleted} }`
  }

  get [kState] (): this { return this }
}
