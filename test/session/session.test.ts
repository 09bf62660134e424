// The object that a handler sees, without a request around it.
import assert from 'node:assert/strict'
import { beforeEach, describe, it, mock } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { dataFrom } from '../../src/data/data.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import { SessionState } from '../../src/session/session.ts'
import { stateOf } from '../../src/session/info.ts'
import type { SessionSettings } from '../../src/session/settings.ts'
import type { Session } from '../../src/types.ts'

const NOW = 1_800_000_000
const clock = { seconds: NOW }
mock.method(Date, 'now', () => clock.seconds * 1000)
beforeEach(() => { clock.seconds = NOW })

const key = new DerivedKey(Buffer.alloc(32))
const SETTINGS: SessionSettings = { expiry: 60, absoluteTimeout: null, keys: { current: new KeySet([key]) } }

type Bag = Session & Record<PropertyKey, unknown>

/** A session that holds `data`, last written at NOW; its clock stands there too until it is moved. */
function start (data: object = {}, stale = false): { state: SessionState, session: Bag, clock: { seconds: number } } {
  const record = { data: dataFrom(data), writtenAt: NOW * 1000, createdAt: NOW * 1000, lifetime: null, cookieMaxAge: null, id: null }
  const origin = { ok: true, key, format: 'secretbox', stale } as const
  const state = new SessionState(SETTINGS, record, origin)
  return { state, session: state.session as Bag, clock }
}

const METHODS = ['get', 'set', 'delete', 'touch', 'options', 'data', 'regenerate'] as const
const INHERITED = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'toJSON', 'then']
const KEYS = [...METHODS, 'changed', 'deleted', ...INHERITED, 'a', '', '0', '__ts_', 'ü']

describe('session data', () => {
  const key = fc.constantFrom(...KEYS)
  const step = fc.oneof(
    fc.record({ do: fc.constant('set' as const), key, value: fc.jsonValue() }),
    fc.record({ do: fc.constant('remove' as const), key }),
    fc.record({ do: fc.constant('regenerate' as const), keep: fc.oneof(fc.constant(undefined), key, fc.array(key)) }),
    fc.record({ do: fc.constantFrom('delete' as const, 'touch' as const) })
  )

  it('is what a plain Map would hold after any sequence of set, remove, regenerate, touch and delete', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 20 }), steps => {
      const { session, state } = start()
      const model = new Map<string, unknown>()
      for (const step of steps) {
        switch (step.do) {
          case 'set': session.set(step.key, step.value); model.set(step.key, step.value); break
          case 'remove': delete session[step.key]; model.delete(step.key); break
          case 'regenerate': session.regenerate(step.keep); keepOnly(model, [step.keep ?? []].flat()); break
          case 'delete': session.delete(); model.clear(); break
          case 'touch': session.touch(); break
        }
        assertHolds(session, model)
      }
      assert.deepEqual(new Map(Object.entries(state.record().data)), model)
    }), { numRuns: 300 })
  })

  for (const key of INHERITED) {
    it(`${key} is absent until it is set, and is then an ordinary key`, () => {
      const { session } = start()
      assert.equal(session[key], undefined)
      assert.equal(key in session, false)
      const value = { polluted: true }
      session[key] = value
      assert.equal(session[key], value)
      assert.equal(session.get(key), value)
      assert.deepEqual(Object.keys(session), [key])
      assert.equal(session.polluted, undefined)
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    })
  }

  for (const key of [...METHODS, 'changed', 'deleted'] as const) {
    it(`a key named ${key} is stored by set and read by get, beside the member of that name`, () => {
      const { session } = start()
      const kind = typeof session[key]
      session.set(key, 'mine')
      assert.equal(session.get(key), 'mine')
      assert.equal(typeof session[key], kind)
      assert.deepEqual(session.data(), { [key]: 'mine' })
    })
  }

  it('data() is a copy', () => {
    const { session } = start({ a: 1 })
    Object.assign(session.data() as object, { a: 2, b: 3 })
    assert.deepEqual(session.data(), { a: 1 })
  })

  it('regenerate keeps what it is told to and was there', () => {
    const keep = (keys?: string | string[]): object | undefined => {
      const { session } = start({ a: 1, b: 2 })
      session.regenerate(keys)
      return session.data()
    }
    assert.deepEqual(keep(), {})
    assert.deepEqual(keep('a'), { a: 1 })
    assert.deepEqual(keep(['a', 'b', 'c', 'toString']), { a: 1, b: 2 })
  })
})

describe('the time of the last write', () => {
  const writes: Array<[title: string, write: (session: Bag) => unknown]> = [
    ['set', session => session.set('a', 2)], ['an assignment', session => { session.a = 2 }],
    ['the removal of a key', session => delete session.a], ['Object.defineProperty', session => Object.defineProperty(session, 'a', { value: 2 })],
    ['touch', session => session.touch()], ['regenerate', session => session.regenerate()], ['delete', session => session.delete()]
  ]
  for (const [title, write] of writes) {
    it(`is now after ${title}, and the session is to be sent`, () => {
      const { session, state, clock } = start({ a: 1 })
      let told = 0
      state.observe({ written: () => { told++ } })
      clock.seconds += 5
      write(session)
      assert.equal(state.record().writtenAt, (NOW + 5) * 1000)
      assert.deepEqual([session.changed, state.changedByApp, told], [true, true, 1])
    })
  }

  it('stays, and the session is not to be sent, after any kind of reading', () => {
    const { session, state, clock } = start({ a: 1 })
    state.observe({ written: () => assert.fail('written') })
    clock.seconds += 5
    assert.deepEqual([session.a, session.get('a'), 'a' in session, session.data(), { ...session }], [1, 1, true, { a: 1 }, { a: 1 }])
    assert.ok(JSON.stringify(session) + inspect(session))
    session.options({ maxAge: 1 })
    delete session.absent
    assert.equal(state.record().writtenAt, NOW * 1000)
    assert.deepEqual([session.changed, session.deleted, state.changedByApp], [false, false, false])
  })

  it('does not go backwards with the clock', () => {
    const { session, state, clock } = start()
    clock.seconds -= 5
    session.touch()
    assert.equal(state.record().writtenAt, NOW * 1000)
  })

  it('is now in a session that comes from no token', () => {
    assert.equal(SessionState.begin(SETTINGS, {}).record().writtenAt, NOW * 1000)
  })

  it('can be read as __ts, but neither written, removed nor listed', () => {
    const { session, state } = start({ a: 1 })
    const refused = { code: 'FST_SEALED_SESSION_KEY_RESERVED' }
    assert.equal(session.get('__ts'), NOW)
    assert.throws(() => session.set('__ts', 1), refused)
    assert.throws(() => { session.__ts = 1 }, refused)
    assert.throws(() => delete session.__ts, refused)
    assert.throws(() => Object.defineProperty(session, '__ts', { value: 1 }), refused)
    assert.throws(() => dataFrom({ a: 1, __ts: 1 }), refused)
    session.regenerate('__ts')
    assert.deepEqual([Object.keys(session), session.data(), state.record().writtenAt], [[], {}, NOW * 1000])
  })
})

describe('changed and deleted', () => {
  it('deleted is true after delete() until something is set', () => {
    const { session } = start({ a: 1 })
    session.delete()
    assert.deepEqual([session.deleted, session.changed, session.data()], [true, true, {}])
    session.set('flash', 'bye')
    assert.deepEqual([session.deleted, session.changed, session.data()], [false, true, { flash: 'bye' }])
  })

  it('a session that an older key opened is to be sent, although nobody asked for it', () => {
    const { session, state } = start({}, true)
    assert.deepEqual([session.changed, state.changedByApp], [true, false])
  })

  it('can be written, and change no data of a new session', () => {
    const state = SessionState.begin(SETTINGS, { a: 1 })
    const session = state.session as Session & Record<string, unknown>
    session.changed = true
    session.deleted = true
    assert.deepEqual([session.changed, state.changedByApp, session.deleted, state.record().writtenAt], [true, true, true, NOW * 1000])
    session.changed = false
    session.deleted = false
    assert.deepEqual([session.changed, session.deleted, session.data()], [false, false, { a: 1 }])
  })

  it('deleted = true is delete() for a session that was opened', () => {
    const { session } = start({ a: 1 })
    session.deleted = true
    assert.deepEqual([session.changed, session.deleted, session.data()], [true, true, {}])
  })
})

describe('the session as an object', () => {
  for (const name of METHODS) {
    it(`${name} is the same function each time, and may be destructured`, () => {
      const { session } = start({ a: 1 })
      const { [name]: method } = session
      assert.equal(session[name], method)
      assert.doesNotThrow(() => (method as (key: string, value: number) => unknown)('a', 1))
    })
  }

  it('is listed, spread and written as JSON like its data', () => {
    const { session } = start({ a: 1, b: { c: 2 } })
    assert.deepEqual(Reflect.ownKeys(session), ['a', 'b'])
    assert.deepEqual({ ...session }, { a: 1, b: { c: 2 } })
    assert.equal(JSON.stringify(session), '{"a":1,"b":{"c":2}}')
    assert.equal(`${session}`, '[object Session]')
  })

  it('shows its keys in util.inspect, never its values, whatever the options are', () => {
    const { session, state } = start({ user: 'confidential' })
    for (const options of [{}, { showProxy: true }, { showHidden: true, depth: null }, { customInspect: false, getters: true }]) {
      for (const value of [session, state, { session }]) assert.doesNotMatch(inspect(value, options), /confidential/)
    }
    assert.match(inspect(session), /^Session \{ keys: \['user'\]/)
  })

  it('refuses what data cannot follow', () => {
    const { session } = start({ a: 1 })
    assert.throws(() => Object.freeze(session), TypeError)
    assert.throws(() => Object.setPrototypeOf(session, {}), TypeError)
    assert.throws(() => Object.defineProperty(session, 'b', { get: () => 1 }), TypeError)
    assert.deepEqual(session.data(), { a: 1 })
  })
})

describe('dataFrom and stateOf', () => {
  for (const nothing of [undefined, null]) {
    it(`${nothing} is data without a key`, () => assert.deepEqual(dataFrom(nothing), {}))
  }

  for (const source of ['text', 1, true, 1n, Symbol('a'), () => ({}), [], [1]]) {
    it(`${typeof source} ${inspect(source)} is no data`, () => assert.throws(() => dataFrom(source), { code: 'FST_SEALED_SESSION_DATA_INVALID' }))
  }

  it('the data is a copy, whose source may be frozen', () => {
    const source = Object.freeze({ a: 1 })
    const { session } = start(source)
    session.set('a', 2)
    assert.deepEqual(source, { a: 1 })
  })

  it('stateOf finds the state behind a session', () => {
    const { session, state } = start()
    assert.equal(stateOf(session), state)
  })

  for (const value of [undefined, null, 'session', 1, {}, [], () => 1, { data: () => ({}) }]) {
    it(`${inspect(value)} is no session`, () => assert.throws(() => stateOf(value), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' }))
  }
})

function keepOnly (model: Map<string, unknown>, keys: readonly string[]): void {
  for (const key of model.keys()) if (!keys.includes(key)) model.delete(key)
}

function assertHolds (session: Bag, model: ReadonlyMap<string, unknown>): void {
  assert.deepEqual(new Map(Object.entries(session.data() as object)), model)
  assert.deepEqual(Object.keys(session).sort(), [...model.keys()].sort())
  for (const key of KEYS) {
    assert.equal(session.get(key), model.get(key))
    assert.equal(key in session, model.has(key))
  }
}
