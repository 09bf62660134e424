import { inspect } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { newContent, type Content } from './content.ts'
import { getOwn, setOwn, type Data } from './data.ts'
import { toSeconds } from './lifetime.ts'
import { TIME_KEY, assertNotReserved } from './reserved.ts'
import { kState, sessionHandler } from './session-proxy.ts'
import type { Session, SessionInfo } from './types.ts'

/** What `util.inspect` calls; the same symbol as `inspect.custom`. */
const kInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

type Method = 'get' | 'set' | 'delete' | 'touch' | 'options' | 'data' | 'regenerate'

/** Who wants to know when a session is written. */
export interface WriteObserver {
  written: () => void
}

/** What all states of one session of the app share. */
export interface SessionSettings {
  /** Milliseconds since 1970. */
  now: () => number
  /** Seconds that it is valid after its last write. */
  expiry: number
}

/** Where a session comes from. */
export interface Origin extends Pick<SessionInfo, 'status' | 'reason' | 'keyId' | 'format'> {
  /** Sealed with an older key or in another format, so due to be sealed again. */
  stale: boolean
}

const NEW: Origin = { status: 'new', reason: null, keyId: null, format: null, stale: false }

/**
 * What is behind a session: its data, and what happened to it. A handler sees it through a proxy,
 * whose properties are the data's.
 *
 * All fields are private, so that `util.inspect` has nothing to show, whatever its options are.
 */
export class SessionState {
  #content: Content
  #origin: Origin
  #changed: boolean
  #deleted = false
  #asked = false
  #cookieOptions: CookieSerializeOptions | null = null
  #observer: WriteObserver | null = null
  #bound: Partial<Record<Method, (...values: never[]) => unknown>> | null = null
  readonly #settings: SessionSettings
  readonly #session: Session

  /** @param content belongs to the session from now on. */
  constructor (settings: SessionSettings, content: Content, origin: Origin = NEW) {
    this.#settings = settings
    this.#content = content
    this.#origin = origin
    this.#changed = origin.stale
    this.#session = new Proxy(this, sessionHandler) as unknown as Session
  }

  /** A session that begins now. @param data belongs to it from now on. */
  static begin (settings: SessionSettings, data: Data, origin?: Origin): SessionState {
    return new SessionState(settings, newContent(data, settings.now()), origin)
  }

  /** What handlers see. */
  get session (): Session { return this.#session }

  get changed (): boolean { return this.#changed }
  set changed (value: boolean) {
    this.#changed = value
    this.#asked = true
  }

  get deleted (): boolean { return this.#deleted }
  set deleted (value: boolean) { this.#deleted = value }

  /** True where the app did something to be sent; false where only an older key made it change. */
  get asked (): boolean { return this.#asked }

  /** What `options()` was given for this response. */
  get cookieOptions (): CookieSerializeOptions | null { return this.#cookieOptions }

  /** What a token holds. */
  content (): Content { return this.#content }

  /** Has `observer` told of every write. */
  observe (observer: WriteObserver): void {
    this.#observer = observer
  }

  get (key: PropertyKey): unknown {
    const value = getOwn(this.#content.data, key)
    // The peer shows the time of the last write under this name, in whole seconds.
    return value === undefined && key === TIME_KEY ? Math.floor(this.#content.lastWrite) : value
  }

  set (key: PropertyKey, value: unknown): void {
    // As a property key is: what a query string gives may be an array with the name in it.
    const name = typeof key === 'symbol' ? key : String(key)
    assertNotReserved(name)
    this.#deleted = false
    setOwn(this.#content.data, name, value)
    this.touch()
  }

  remove (key: PropertyKey): void {
    assertNotReserved(key)
    if (!Object.hasOwn(this.#content.data, key)) return
    delete this.#content.data[key]
    this.touch()
  }

  data (): object {
    return { ...this.#content.data }
  }

  delete (): void {
    this.#begin({})
    this.#deleted = true
    this.touch()
  }

  regenerate (keep?: string | readonly string[]): void {
    const kept: Data = {}
    for (const key of typeof keep === 'string' ? [keep] : Array.isArray(keep) ? keep : []) {
      if (Object.hasOwn(this.#content.data, key)) setOwn(kept, key, this.#content.data[key])
    }
    this.#begin(kept)
    this.touch()
  }

  /** Another life: what is sealed from here on says nothing of the one before. */
  #begin (data: Data): void {
    const { lastWrite } = this.#content
    this.#content = newContent(data, this.#settings.now())
    // Never backwards: a clock that was set back must not end a session early.
    this.#content.lastWrite = Math.max(lastWrite, this.#content.lastWrite)
    this.#origin = NEW
  }

  touch (): void {
    this.#changed = true
    this.#asked = true
    // Never backwards: a clock that was set back must not end a session early.
    this.#content.lastWrite = Math.max(this.#content.lastWrite, toSeconds(this.#settings.now()))
    this.#observer?.written()
  }

  options (options: CookieSerializeOptions): void {
    this.#cookieOptions = options ?? null
    // Like a write, it counts even after the hook that seals; it sends nothing by itself.
    if (this.#changed) this.#observer?.written()
  }

  /** A method bound to this session, the same function each time: it may be destructured and compared. */
  method (name: Method): (...values: never[]) => unknown {
    this.#bound ??= {}
    this.#bound[name] ??= this[name].bind(this)
    return this.#bound[name]
  }

  raw (): Data {
    return this.#content.data
  }

  /** What `sessionInfo()` returns. */
  info (): SessionInfo {
    const { status, reason, keyId, format } = this.#origin
    const { created, lastWrite, lifetime, id } = this.#content
    const isStored = !this.#deleted && (status === 'valid' || this.#changed)
    return {
      status,
      reason,
      keyId,
      format,
      createdAt: dateOf(created),
      // The last write is kept in whole seconds, the beginning more exactly.
      lastWriteAt: dateOf(isStored ? Math.max(lastWrite * 1000, created ?? 0) : null),
      expiresAt: dateOf(isStored ? (lastWrite + (lifetime ?? this.#settings.expiry)) * 1000 : null),
      id: id === null ? null : id.toString('base64url')
    }
  }

  /** Names, never values: this is what reaches a log. `this` may be the proxy. */
  [kInspect] (): string {
    const keys = Object.keys(this[kState].raw()).map(key => inspect(key)).join(', ')
    return `Session { keys: [${keys}], changed: ${this.changed}, deleted: ${this.deleted} }`
  }

  get [kState] (): this { return this }
}

function dateOf (milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds)
}
