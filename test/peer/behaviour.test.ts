// What a handler sees of its session is what it sees with the peer.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { SIDES, bothSides, serverOf, sessionNamed, type AnySession, type Work } from '../support/peer.ts'

const KEY = newKey()
const START = { a: 1, b: { c: [2] } }

interface Case {
  title: string
  work: Work
  /** What `work` returns, as JSON. */
  returns?: unknown
  /** What the session holds for the next request; absent where no cookie is sent. */
  leaves?: object
}

/** By a browser that has no session. */
const NEW: readonly Case[] = [
  { title: 'has no data and no flag set', work: ({ data, changed, deleted }) => [data(), changed, deleted], returns: [{}, false, false] },
  { title: 'has no value', work: ({ get, a }) => [get('a') === undefined, a === undefined], returns: [true, true] },
  { title: 'is changed by set', work: session => { session.set('n', 1); return [session.changed, session.deleted] }, returns: [true, false], leaves: { n: 1 } },
  { title: 'is changed by a property', work: session => { session.n = 1; return [session.changed, session.get('n')] }, returns: [true, 1], leaves: { n: 1 } },
  { title: 'is changed by touch', work: session => { session.touch(); return session.changed }, returns: true, leaves: {} },
  { title: 'is changed by regenerate', work: session => { session.regenerate(); return session.changed }, returns: true, leaves: {} },
  { title: 'is deleted by delete', work: session => { session.delete(); return [session.changed, session.deleted] }, returns: [true, true], leaves: {} },
  { title: 'is not changed by options', work: session => { session.options({ maxAge: 1 }); return session.changed }, returns: false },
  { title: 'is not changed by reading', work: session => { session.data(); return [session.get('a') ?? null, session.changed] }, returns: [null, false] },
  { title: 'is sent where changed is set', work: session => { session.changed = true }, leaves: {} },
  { title: 'is not sent where changed is taken back', work: session => { session.n = 1; session.changed = false; return session.data() }, returns: { n: 1 } },
  { title: 'is deleted where both flags are set', work: session => { session.n = 1; session.deleted = true }, leaves: {} },
  { title: 'is not sent where only deleted is set', work: session => { session.deleted = true; return session.deleted }, returns: true },
  { title: 'is kept where deleted is taken back', work: session => { session.n = 1; session.deleted = true; session.deleted = false }, leaves: { n: 1 } }
]

/** By a browser whose session holds `START`. */
const KNOWN: readonly Case[] = [
  { title: 'has its data', work: ({ data, get, b, changed, deleted }) => [data(), get('a'), b, changed, deleted], returns: [START, 1, START.b, false, false] },
  { title: 'keeps the rest when one is set', work: session => { session.set('a', 2) }, leaves: { ...START, a: 2 } },
  { title: 'loses what is set to undefined', work: session => { session.set('a', undefined) }, leaves: { b: START.b } },
  { title: 'keeps what is set to null', work: session => { session.set('a', null) }, leaves: { ...START, a: null } },
  { title: 'keeps its data when touched', work: session => session.touch(), leaves: START },
  { title: 'is emptied by regenerate', work: session => { session.regenerate(); return session.data() }, returns: {}, leaves: {} },
  { title: 'keeps what regenerate is told to', work: session => { session.regenerate(['b', 'x']); return session.data() }, returns: { b: START.b }, leaves: { b: START.b } },
  { title: 'can be written after regenerate', work: session => { session.regenerate(['a']); session.n = 1 }, leaves: { a: 1, n: 1 } },
  { title: 'is gone after delete', work: session => { session.delete(); return [session.changed, session.deleted] }, returns: [true, true], leaves: {} },
  { title: 'is not changed by a change of the copy that data gives', work: session => { (session.data() as { a?: number }).a = 9; return [session.get('a'), session.changed] }, returns: [1, false] },
  { title: 'is saved with a nested change when touched', work: session => { (session.b as typeof START.b).c.push(3); session.touch() }, leaves: { a: 1, b: { c: [2, 3] } } },
  { title: 'works with methods taken off it', work: ({ set, get, data, touch }) => { set('n', get('a')); touch(); return data() }, returns: { ...START, n: 1 }, leaves: { ...START, n: 1 } },
  { title: 'holds what JSON makes of values', work: session => { session.n = [new Date(0), NaN, undefined, { u: undefined, k: 1 }] }, leaves: { ...START, n: ['1970-01-01T00:00:00.000Z', null, null, { k: 1 }] } },
  { title: 'holds keys that have the names of methods', work: session => { session.set('data', 1); session.set('changed', 2); session.set('get', 3); return ['data', 'changed', 'get'].map(key => session.get(key)) }, returns: [1, 2, 3], leaves: { ...START, data: 1, changed: 2, get: 3 } },
  { title: 'gives methods, whatever it holds', work: session => { session.set('data', 1); return [typeof session.data, typeof session.get, typeof session.delete] }, returns: ['function', 'function', 'function'], leaves: { ...START, data: 1 } },
  { title: 'is the same one each time the request is asked for it', work: (session, request) => { session.n = 1; return [request.session.get('n'), request.session.changed] }, returns: [1, true], leaves: { ...START, n: 1 } },
  { title: 'is dropped from the response where null is assigned', work: (session, request) => { session.n = 1; request.session = null as never; return request.session }, returns: null }
]

describe('as with the peer', () => {
  for (const [who, cases] of [['a new session', NEW], ['a session that was there', KNOWN]] as const) {
    for (const { title, work, returns = null, leaves } of cases) {
      for (const side of SIDES) {
        it(`${who} ${title} (${side})`, async () => {
          const { [side]: server } = await bothSides({ options: { key: KEY } })
          const cookie = cases === NEW ? undefined : cookiesOf(await server.visit(session => { Object.assign(session, START) }))

          const response = await server.visit(work, cookie)
          assert.deepEqual(response.json(), returns)
          assert.equal(setCookies(response).length, leaves === undefined ? 0 : 1)
          if (leaves !== undefined) {
            assert.deepEqual((await server.visit(session => session.data(), cookiesOf(response))).json(), leaves)
          }
        })
      }
    }
  }
})

describe('unlike with the peer, which drops it in silence', () => {
  const functions: Record<string, { write: (session: AnySession) => void, key: string }> = {
    'a function': { write: session => { session.f = () => 1 }, key: 'f' },
    'a symbol': { write: session => { session.set('f', Symbol('hidden')) }, key: 'f' },
    'an object with a method': { write: session => { session.set('user', { name: 'ann', greet () {} }) }, key: 'user.greet' },
    'a spy in place of a method': { write: session => { session.n = 1; session.set = () => {} }, key: 'set' }
  }
  for (const [what, { write, key }] of Object.entries(functions)) {
    it(`${what} in a session is an error that names its key`, async () => {
      const answers = await Promise.all(SIDES.map(async side => {
        const { app } = await serverOf(side, { options: { key: KEY } }, app => app.get('/write', async request => { write(sessionNamed(request, 'session')); return 'written' }))
        return await app.inject('/write')
      }))
      const [peer, ours] = answers as [LightMyRequestResponse, LightMyRequestResponse]
      assert.deepEqual([peer.statusCode, setCookies(peer).length], [200, 1])
      assert.deepEqual([ours.statusCode, setCookies(ours).length], [500, 0])
      assert.equal(ours.json().code, 'FST_SEALED_SESSION_VALUE_UNSTORABLE')
      assert.match(ours.json().message, new RegExp(` ${key} is a (?:function|symbol)`))
    })
  }
})

const zeros = (length: number): string => Buffer.alloc(length).toString('base64')

describe('a cookie that nobody sealed', () => {
  const BAD = ['session=', 'session', 'session=;', 'session=garbage', 'session=%', 'session=%ff%fe', 'session=a%3Bb', 'session="x"',
    `session=${zeros(16)}%3B${zeros(24)}`, `session=${zeros(16)};${zeros(24)}`, `session=${zeros(16)}%3B`, '=', ';;;', 'other=1']

  for (const cookie of BAD) {
    for (const options of [{ key: KEY }, { key: KEY, cookie: { signed: true } }]) {
      it(`is an empty session and no error on both sides: ${cookie}${'cookie' in options ? ', where it should be signed' : ''}`, async () => {
        const servers = await bothSides({ options })
        for (const side of SIDES) {
          const response = await servers[side].visit(({ data, changed }) => [data(), changed], cookie)
          assert.deepEqual(response.json(), [{}, false], side)
          assert.deepEqual(setCookies(response), [], side)
        }
      })
    }
  }
})
