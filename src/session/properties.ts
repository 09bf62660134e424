import type { SessionState } from './session.ts'

// Session as handlers see it: methods, two flags, and its data as properties.

/** Key of the state behind a session. `Symbol.for`, since ESM and CommonJS each have a copy of this file. */
export const kState: unique symbol = Symbol.for('fastify-sealed-session.state')

// Shared by all sessions. Symbols, methods and the two flags are the session's; every other name is
// a key of its data.
export const sessionHandler: ProxyHandler<SessionState> = {
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
  getOwnPropertyDescriptor (state, key) {
    const descriptor = Reflect.getOwnPropertyDescriptor(state.raw(), key)
    if (descriptor !== undefined) state.get(key) // the descriptor hands the value out, too
    return descriptor
  },
  deleteProperty (state, key) {
    state.remove(key)
    return true
  },
  defineProperty (state, key, descriptor) {
    const { configurable, enumerable, writable } = descriptor
    const isPlain = configurable !== false && enumerable !== false && writable !== false
    if (!('value' in descriptor) || !isPlain) return false // a token cannot hold it
    state.set(key, descriptor.value)
    return true
  },
  // An operation that data cannot follow is refused: it makes `Object.freeze(session)` and the like throw.
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
