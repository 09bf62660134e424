import { inspect } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { kindOf, sealedSessionError } from './errors.ts'
import { TIME_KEY } from './formats/secretbox.ts'
import { toSeconds } from './lifetime.ts'
import type { Data } from './serializer.ts'
import type { Session } from './types.ts'

/** Reads the state behind a session. Registered, since ESM and CommonJS each have a copy of this file. */
const kState: unique symbol = Symbol.for('fastify-sealed-session.state')

/** What `util.inspect` calls; the same symbol as `inspect.custom`. */
const kInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

const METHODS = ['get', 'set', 'delete', 'touch', 'options', 'data', 'regenerate'] as const
type Method = typeof METHODS[number]
type Flag = 'changed' | 'deleted'

const isMethod = (key: string): key is Method => (METHODS as readonly string[]).includes(key)
const isFlag = (key: string): key is Flag => key === 'changed' || key === 'deleted'

/** What a session starts from. */
export interface SessionStart {
  /** Without a prototype; belongs to the session from now on. */
  data: Data
  /** Time of the last write in seconds. Default now. */
  lastWrite?: number
  /** Sealed with an older key, so due to be sealed again. Default false. */
  stale?: boolean
}

/**
 * What is behind a session: its data, and what happened to it. A handler sees it through a proxy,
 * whose properties are the data's.
 *
 * All fields are private, so that `util.inspect` has nothing to show, whatever its options are.
 */
export class SessionState {
  #data: Data
  #lastWrite: number
  #changed: boolean
  #deleted = false
  #asked = false
  #cookieOptions: CookieSerializeOptions | null = null
  #onWrite: (() => void) | null = null
  #bound: Partial<Record<Method, (...values: never[]) => unknown>> = {}
  readonly #now: () => number
  readonly #session: Session

  constructor ({ data, lastWrite, stale = false }: SessionStart, now: () => number) {
    this.#data = data
    this.#now = now
    this.#lastWrite = lastWrite ?? toSeconds(now())
    this.#changed = stale
    this.#session = new Proxy(this, handler) as unknown as Session
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
  get content (): { data: Data, lastWrite: number } {
    return { data: this.#data, lastWrite: this.#lastWrite }
  }

  /** Has `listener` called after every write. */
  onWrite (listener: () => void): void {
    this.#onWrite = listener
  }

  get (key: PropertyKey): unknown {
    const value = this.#data[key]
    // The peer shows the time of the last write under this name.
    return value === undefined && key === TIME_KEY ? this.#lastWrite : value
  }

  set (key: PropertyKey, value: unknown): void {
    assertNotReserved(key)
    this.#deleted = false
    this.#data[key] = value
    this.touch()
  }

  remove (key: PropertyKey): void {
    assertNotReserved(key)
    if (!Object.hasOwn(this.#data, key)) return
    delete this.#data[key]
    this.touch()
  }

  data (): object {
    return { ...this.#data }
  }

  delete (): void {
    this.#data = emptyData()
    this.#deleted = true
    this.touch()
  }

  regenerate (keep?: string | readonly string[]): void {
    const kept = emptyData()
    for (const key of typeof keep === 'string' ? [keep] : Array.isArray(keep) ? keep : []) {
      if (Object.hasOwn(this.#data, key)) kept[key] = this.#data[key]
    }
    this.#data = kept
    this.touch()
  }

  touch (): void {
    this.#changed = true
    this.#asked = true
    // Never backwards: a clock that was set back must not end a session early.
    this.#lastWrite = Math.max(this.#lastWrite, toSeconds(this.#now()))
    this.#onWrite?.()
  }

  options (options: CookieSerializeOptions): void {
    this.#cookieOptions = options
  }

  /** A method bound to this session, the same function each time: it may be destructured and compared. */
  method (name: Method): (...values: never[]) => unknown {
    this.#bound[name] ??= this[name].bind(this)
    return this.#bound[name]
  }

  raw (): Data {
    return this.#data
  }

  /** Names, never values: this is what reaches a log. */
  [kInspect] (_depth: number, options: object): string {
    const { changed, deleted } = this // through the proxy as well
    return `Session ${inspect({ keys: Object.keys(this[kState].raw()), changed, deleted }, options)}`
  }

  get [kState] (): this { return this }
}

// Shared by all sessions. Symbols, methods and the two flags are the session's; every other name is
// a key of its data, `__proto__`, `constructor` and `toString` too, since the data has no prototype.
const handler: ProxyHandler<SessionState> = {
  get (state, key) {
    if (typeof key === 'symbol') return symbolProperty(state, key)
    if (isMethod(key)) return state.method(key)
    return isFlag(key) ? state[key] : state.get(key)
  },
  set (state, key, value) {
    if (typeof key === 'string' && isFlag(key)) state[key] = value
    else state.set(key, value)
    return true
  },
  has: (state, key) => Object.hasOwn(state.raw(), key),
  ownKeys: (state) => Reflect.ownKeys(state.raw()),
  getOwnPropertyDescriptor: (state, key) => Reflect.getOwnPropertyDescriptor(state.raw(), key),
  deleteProperty (state, key) {
    state.remove(key)
    return true
  },
  defineProperty (state, key, descriptor) {
    if (!('value' in descriptor)) return false // an accessor cannot be stored
    state.set(key, descriptor.value)
    return true
  },
  // What data cannot follow is refused: it makes `Object.freeze(session)` and the like throw.
  setPrototypeOf: () => false,
  preventExtensions: () => false
}

function symbolProperty (state: SessionState, key: symbol): unknown {
  if (key === kState) return state
  if (key === Symbol.toStringTag) return 'Session'
  // `${session}` works although `toString` is a key like any other.
  if (key === Symbol.toPrimitive) return () => '[object Session]'
  return state.get(key)
}

function assertNotReserved (key: PropertyKey): void {
  if (key === TIME_KEY) throw sealedSessionError('FST_SEALED_SESSION_KEY_RESERVED', [TIME_KEY])
}

/** Data without a key, and without a prototype to read from. */
export function emptyData (): Data {
  return Object.create(null) as Data
}

/**
 * A copy of an app's object as session data.
 * @throws `FST_SEALED_SESSION_DATA_INVALID`, `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function dataFrom (source: unknown): Data {
  if (source === undefined || source === null) return emptyData()
  if (typeof source !== 'object' || Array.isArray(source)) {
    throw sealedSessionError('FST_SEALED_SESSION_DATA_INVALID', [kindOf(source)])
  }
  if (Object.hasOwn(source, TIME_KEY)) assertNotReserved(TIME_KEY)
  return Object.assign(emptyData(), source)
}

/**
 * The state behind a session.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION`
 */
export function stateOf (session: unknown): SessionState {
  const state = typeof session === 'object' && session !== null
    ? (session as { [kState]?: SessionState })[kState]
    : undefined
  if (state === undefined) throw sealedSessionError('FST_SEALED_SESSION_NOT_A_SESSION', [kindOf(session)])
  return state
}
