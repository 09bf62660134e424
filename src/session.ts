import { inspect } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { getOwn, setOwn, type Data } from './data.ts'
import { kindOf, sealedSessionError } from './errors.ts'
import { toSeconds } from './lifetime.ts'
import { TIME_KEY, assertNotReserved } from './reserved.ts'
import type { Session } from './types.ts'

/** Reads the state behind a session. Registered, since ESM and CommonJS each have a copy of this file. */
const kState: unique symbol = Symbol.for('fastify-sealed-session.state')

/** What `util.inspect` calls; the same symbol as `inspect.custom`. */
const kInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

type Method = 'get' | 'set' | 'delete' | 'touch' | 'options' | 'data' | 'regenerate'

/** Who wants to know when a session is written. */
export interface WriteObserver {
  written: () => void
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
  #observer: WriteObserver | null = null
  #bound: Partial<Record<Method, (...values: never[]) => unknown>> | null = null
  readonly #now: () => number
  readonly #session: Session

  /**
   * @param now where the time comes from, in milliseconds.
   * @param data belongs to the session from now on.
   * @param lastWrite in seconds; default now.
   * @param stale sealed with an older key, so due to be sealed again.
   */
  constructor (now: () => number, data: Data, lastWrite: number = toSeconds(now()), stale: boolean = false) {
    this.#now = now
    this.#data = data
    this.#lastWrite = lastWrite
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
  content (): { data: Data, lastWrite: number } {
    return { data: this.#data, lastWrite: this.#lastWrite }
  }

  /** Has `observer` told of every write. */
  observe (observer: WriteObserver): void {
    this.#observer = observer
  }

  get (key: PropertyKey): unknown {
    const value = getOwn(this.#data, key)
    // The peer shows the time of the last write under this name.
    return value === undefined && key === TIME_KEY ? this.#lastWrite : value
  }

  set (key: PropertyKey, value: unknown): void {
    // As a property key is: what a query string gives may be an array with the name in it.
    const name = typeof key === 'symbol' ? key : String(key)
    assertNotReserved(name)
    this.#deleted = false
    setOwn(this.#data, name, value)
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
    this.#data = {}
    this.#deleted = true
    this.touch()
  }

  regenerate (keep?: string | readonly string[]): void {
    const kept: Data = {}
    for (const key of typeof keep === 'string' ? [keep] : Array.isArray(keep) ? keep : []) {
      if (Object.hasOwn(this.#data, key)) setOwn(kept, key, this.#data[key])
    }
    this.#data = kept
    this.touch()
  }

  touch (): void {
    this.#changed = true
    this.#asked = true
    // Never backwards: a clock that was set back must not end a session early.
    this.#lastWrite = Math.max(this.#lastWrite, toSeconds(this.#now()))
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
    return this.#data
  }

  /** Names, never values: this is what reaches a log. `this` may be the proxy. */
  [kInspect] (): string {
    const keys = Object.keys(this[kState].raw()).map(key => inspect(key)).join(', ')
    return `Session { keys: [${keys}], changed: ${this.changed}, deleted: ${this.deleted} }`
  }

  get [kState] (): this { return this }
}

// Shared by all sessions. Symbols, methods and the two flags are the session's; every other name is
// a key of its data.
const handler: ProxyHandler<SessionState> = {
  get (state, key) {
    switch (key) {
      case 'get': case 'set': case 'delete': case 'touch': case 'options': case 'data': case 'regenerate':
        return state.method(key)
      case 'changed': return state.changed
      case 'deleted': return state.deleted
      default: return typeof key === 'symbol' ? symbolProperty(state, key) : state.get(key)
    }
  },
  set (state, key, value) {
    switch (key) {
      case 'changed': state.changed = value; break
      case 'deleted': state.deleted = value; break
      default: state.set(key, value)
    }
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
    const { configurable, enumerable, writable } = descriptor
    const isPlain = configurable !== false && enumerable !== false && writable !== false
    if (!('value' in descriptor) || !isPlain) return false // what a token cannot hold
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

/**
 * The state behind a session.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION`
 */
export function stateOf (session: unknown): SessionState {
  const state = typeof session === 'object' && session !== null
    ? (session as { [kState]?: SessionState })[kState]
    : undefined
  if (typeof state?.content !== 'function') throw sealedSessionError('FST_SEALED_SESSION_NOT_A_SESSION', [kindOf(session)])
  return state
}
