// Names of keys that a session keeps to itself, and names that objects usually inherit.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { newApp, type Bag } from '../support/app.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { cookieHeader, openRaw, sealRaw, seconds, stopClock, visit } from '../support/configurations.ts'

const RESERVED = { code: 'FST_SEALED_SESSION_KEY_RESERVED', message: /"__ts" is kept by the session itself/ }

const FORGED = 4_000_000_000

/** Ways to write `__ts`. The keys that are not strings become '__ts' when they are used as a property's name. */
const WRITES: Record<string, (session: Bag) => unknown> = {
  'set()': session => session.set('__ts', FORGED),
  'a destructured set()': ({ set }) => set('__ts', FORGED),
  'set() with an array as the key, as a query string gives it': session => session.set(['__ts'] as never, FORGED),
  'set() with a String object as the key': session => session.set(Object('__ts') as never, FORGED),
  'set() with undefined': session => session.set('__ts', undefined),
  'a property': session => { session.__ts = FORGED },
  'Reflect.set': session => Reflect.set(session, '__ts', FORGED),
  'Object.assign': session => Object.assign(session, { __ts: FORGED }),
  'Object.defineProperty': session => Object.defineProperty(session, '__ts', { value: FORGED }),
  'Object.defineProperty with a getter': session => Object.defineProperty(session, '__ts', { get: () => FORGED, configurable: true }),
  delete: session => delete session.__ts,
  'Reflect.deleteProperty': session => Reflect.deleteProperty(session, '__ts')
}

describe('the time of the last write', () => {
  for (const [way, write] of Object.entries(WRITES)) {
    it(`cannot be written or removed through the session of a request: ${way}`, async t => {
      stopClock(t)
      const { response, result } = await visit(session => {
        assert.throws(() => write(session), way.includes('getter') ? TypeError : RESERVED)
        return { time: session.get('__ts'), data: session.data(), changed: session.changed }
      }, { user: 1 })
      assert.deepEqual(result, { time: seconds(), data: { user: 1 }, changed: false })
      assert.deepEqual(setCookies(response), [])
    })

    it(`cannot be written or removed through a session made or opened outside a request: ${way}`, async t => {
      stopClock(t)
      const key = newKey()
      const app = newApp({ session: { key } })
      await app.ready()
      const opened = app.decodeSecureSession(sealRaw(key, JSON.stringify({ user: 1, __ts: seconds() })))
      for (const session of [app.createSecureSession({ user: 1 }), opened]) {
        assert.throws(() => write(session as Bag), way.includes('getter') ? TypeError : RESERVED)
        assert.deepEqual(openRaw(key, app.encodeSecureSession(session!)), { user: 1, __ts: seconds() })
      }
    })
  }

  it('cannot be passed in by createSecureSession', async () => {
    const { result } = await visit((_, app) => {
      for (const data of [{ __ts: FORGED }, { __ts: undefined }, JSON.parse('{"__ts":1}') as object, { get __ts () { return FORGED } }]) {
        assert.throws(() => app.createSecureSession(data), RESERVED)
      }
      return 'refused'
    })
    assert.equal(result, 'refused')
  })

  it('that createSecureSession finds on a prototype has no effect', async t => {
    stopClock(t)
    const { result, key } = await visit((_, app) => app.encodeSecureSession(app.createSecureSession(Object.create({ __ts: FORGED }) as object)))
    assert.deepEqual(openRaw(key, result), { __ts: seconds() })
  })

  it("cannot be forged by the data's own toJSON", async () => {
    await visit((_, app) => {
      const session = app.createSecureSession({ toJSON: () => ({ __ts: FORGED }) })
      assert.throws(() => app.encodeSecureSession(session), { code: 'FST_SEALED_SESSION_VALUE_UNSTORABLE' })
    })
  })

  it('is no key of the data: data(), Object.keys, spread, in and JSON leave it out', async () => {
    const { result } = await visit(session => [
      session.data(), Object.keys(session), { ...session }, '__ts' in session, Object.hasOwn(session, '__ts'), JSON.stringify(session)
    ], { user: 1 })
    assert.deepEqual(result, [{ user: 1 }, ['user'], { user: 1 }, false, false, '{"user":1}'])
  })

  for (const [what, act] of Object.entries<(session: Bag) => void>({
    'regenerate()': session => session.regenerate(),
    "regenerate(['__ts'])": session => session.regenerate(['__ts']),
    'delete() and a set': session => { session.delete(); session.set('n', 1) }
  })) {
    it(`is still sealed, and current, after ${what}`, async t => {
      stopClock(t)
      const { plaintext } = await visit(act, { user: 1 })
      assert.equal(plaintext().__ts, seconds())
    })
  }

  it('is reserved as a key of the session, not inside values', async () => {
    const { plaintext } = await visit(session => session.set('nested', { __ts: FORGED }))
    assert.deepEqual(plaintext().nested, { __ts: FORGED })
  })
})

const INHERITED = [
  '__proto__', 'constructor', 'prototype', 'toString', 'toLocaleString', 'valueOf', 'toJSON', 'then', 'hasOwnProperty', 'isPrototypeOf',
  'propertyIsEnumerable', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'
]

describe('a name that objects inherit', () => {
  for (const name of INHERITED) {
    it(`is absent until it is set: ${name}`, async () => {
      const { result } = await visit(session => [
        session.get(name), session[name], name in session, Object.hasOwn(session, name), Object.keys(session), Object.hasOwn(session.data()!, name)
      ], { user: 1 })
      assert.deepEqual(result, [undefined, undefined, false, false, ['user'], false])
    })

    const writes: Record<string, (session: Bag) => void> = {
      'set()': session => session.set(name, { admin: true }),
      'a property': session => { session[name] = { admin: true } },
      'Object.defineProperty': session => { Object.defineProperty(session, name, { value: { admin: true } }) }
    }
    for (const [way, write] of Object.entries(writes)) {
      it(`is an ordinary key once it is set by ${way}: ${name}`, async () => {
        const { app, response, result, plaintext } = await visit(session => {
          write(session)
          return [session.get(name), session[name], name in session, Object.keys(session), session.admin, session.get('admin')]
        }, {})
        assert.deepEqual(result, [{ admin: true }, { admin: true }, true, [name], undefined, undefined])
        assert.deepEqual(Object.getOwnPropertyDescriptor(plaintext(), name)?.value, { admin: true })

        const again = await app.inject({ url: '/', headers: { cookie: setCookies(response)[0]!.split(';')[0]! } })
        assert.equal(again.statusCode, 200)
        const opened = app.decodeSecureSession(decodeURIComponent(setCookies(response)[0]!.split(';')[0]!.slice('session='.length))) as Bag
        assert.deepEqual(opened.get(name), { admin: true })
        assert.deepEqual(Object.keys(opened), [name])
        assert.equal(opened.admin, undefined)
      })
    }

    it(`can be set again, kept by regenerate and removed: ${name}`, async () => {
      const { result } = await visit(session => {
        session.set(name, 1)
        session[name] = { again: 2 }
        session.set('other', 3)
        session.regenerate(name)
        const kept = session.data()
        delete session[name]
        return [Object.entries(kept!), Object.keys(session), session.get(name)]
      })
      assert.deepEqual(result, [[[name, { again: 2 }]], [], undefined])
    })
  }
})

describe('a prototype', () => {
  it('is never written to, by any key of a session, of a token or of createSecureSession', async () => {
    const polluting = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"__ts":${seconds()}}`
    const key = newKey()
    const app = newApp({ session: { key } })
    await app.ready()
    const session = app.decodeSecureSession(sealRaw(key, polluting)) as Bag
    session.regenerate(['__proto__', 'constructor'])
    const created = app.createSecureSession(JSON.parse('{"__proto__":{"polluted":1}}') as object) as Bag
    assert.deepEqual([created.get('__proto__'), created.polluted, Object.keys(created)], [{ polluted: 1 }, undefined, ['__proto__']])
    const response = await app.inject({ url: '/get', headers: { cookie: cookieHeader(sealRaw(key, polluting)) } })
    assert.equal(response.statusCode, 200)
    assert.equal(session.polluted, undefined)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('is never read from, where a token or createSecureSession brings one', async () => {
    const { result } = await visit((session, app) => {
      const inherits = app.createSecureSession(Object.create({ inherited: 1 }) as object) as Bag
      const literal = app.createSecureSession({ __proto__: { inherited: 1 } } as object) as Bag
      return [session.inherited, session.get('inherited'), inherits.inherited, literal.inherited]
    }, JSON.parse('{"__proto__":{"inherited":1}}') as object)
    assert.deepEqual(result, [undefined, undefined, undefined, undefined])
  })

  describe('that somebody else polluted', () => {
    const pollute = (t: TestContext, name: string, descriptor: PropertyDescriptor): void => {
      Reflect.defineProperty(Object.prototype, name, { ...descriptor, configurable: true })
      t.after(() => Reflect.deleteProperty(Object.prototype, name))
    }

    it('does not show through a session', async t => {
      pollute(t, 'isAdmin', { value: true })
      const { result } = await visit(session => [session.isAdmin, session.get('isAdmin'), 'isAdmin' in session, Object.hasOwn(session.data()!, 'isAdmin')], { user: 1 })
      assert.deepEqual(result, [undefined, undefined, false, false])
    })

    it('does not give a time to a token that has none', async t => {
      const key = newKey()
      const app = newApp({ session: { key } })
      await app.ready()
      pollute(t, '__ts', { value: seconds(), writable: true })
      assert.equal(app.decodeSecureSession(sealRaw(key, '{"user":1}')), null)
      assert.equal(app.createSecureSession({ user: 1 }).get('user'), 1)
    })

    for (const [what, descriptor] of Object.entries<PropertyDescriptor>({
      'with a setter': { set: () => assert.fail('the setter was called') }, 'with a value that cannot be written': { value: 'polluted' }
    })) {
      it(`${what} keeps nothing from being stored`, async t => {
        pollute(t, 'role', descriptor)
        const { result, plaintext } = await visit(session => { session.role = 'user'; return [session.role, session.get('role')] }, {})
        assert.deepEqual(result, ['user', 'user'])
        assert.equal(plaintext().role, 'user')
      })
    }
  })
})
