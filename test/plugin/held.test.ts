// A client can hold a request open for as long as it likes, by a body that does not end. A session that
// was valid when the request began is looked at again when it is used and when it is sealed.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance, FastifyReply, FastifyRequest, LightMyRequestResponse } from 'fastify'
import { Keyring, createSessionCodec, sessionInfo, type Session } from '../../src/index.ts'
import { cookieWith, get, post, readyApp, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { PROTOCOLS, countArrivals } from '../support/held.ts'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'

const FORMATS = ['sealed', 'secretbox'] as const

/** Kinds of session, by the options that they need and by what they hold beside the user. */
const KINDS: Record<string, { options: object, rest?: object }> = {
  'in one cookie': { options: {} },
  signed: { options: { cookie: { signed: true } } },
  'split over two cookies': { options: {}, rest: { long: 'x'.repeat(4000) } }
}

interface World {
  keyring: Keyring
  tick: (milliseconds: number) => void
}

/** Ways in which a session ends while a request is under way. */
const ENDS: Record<string, { options?: object, end: (world: World) => void }> = {
  'it expires': { end: ({ tick }) => { tick(61_000) } },
  'its absolute timeout passes': { options: { absoluteTimeout: 30 }, end: ({ tick }) => { tick(31_000) } },
  'its key is rotated and retired': {
    end: ({ keyring }) => {
      keyring.rotate(newKey())
      keyring.retire(keyring.ids[1]!) // there are two
    }
  }
}

/** Where a session is used again, after it has ended. */
const PLACES = ['a later onRequest hook', 'preParsing', 'preValidation', 'preHandler', 'the handler', 'onSend', 'the error handler', 'the handler of unknown routes', 'a hijacked reply', 'a stream'] as const

type Place = typeof PLACES[number]

interface Read { session: Bag, user: unknown, list: unknown[] }

/** Uses of a session that has ended; each has what a hook has read before. */
const USES: Record<string, (session: Bag, read: Read) => unknown> = {
  'writes to it': session => { session.theme = 'dark' },
  'touches it': session => { session.touch() },
  'gives it a lifetime of its own': session => { session.options({ expiry: 1000 } as never) },
  'sets "changed"': session => { session.changed = true },
  'changes a value of it that was read before': (_session, { list }) => { list.push(2) },
  'regenerates it and keeps who is logged in': session => { session.regenerate(['user']) },
  'regenerates it and writes who was read before': (session, { user }) => { session.regenerate(); session.user = user },
  'writes who was read before': (session, { user }) => { session.user = user },
  'only reads it': () => {}
}

/** All that can be read of a session. */
function see (session: Bag): object {
  return { user: session.get('user' as never), property: session.user, data: session.data(), keys: Object.keys(session), has: 'user' in session, json: JSON.stringify(session), status: sessionInfo(session).status }
}

const EMPTY = { user: undefined, property: undefined, data: {}, keys: [], has: false, json: '{}', status: 'rejected' }

interface Setup { kind?: string, format?: typeof FORMATS[number], end: string, place?: Place, use: string }

interface Outcome { response: LightMyRequestResponse, seen: object | null }

/** A request whose session is read in a hook, then ends, and is used again in `place`: as the hook has kept it, and as the request has it. */
async function held (clock: Clock, { kind = 'in one cookie', format = 'sealed', end, place = 'the handler', use }: Setup): Promise<Outcome> {
  const keyring = new Keyring(newKey())
  let seen: object | null = null
  const app = await readyApp({
    session: { key: keyring, format, expiry: 60, rolling: true, absoluteTimeout: 1000, ...KINDS[kind]!.options, ...ENDS[end]!.options },
    after: app => { app.register(async app => { addHeldRoutes(app) }) },
    routes: { 'POST /sign-in': ({ session }) => { Object.assign(session, { user: 'ann', list: [1], ...KINDS[kind]!.rest }) } }
  })

  function actIn (here: Place, request: FastifyRequest): void {
    if (here !== place) return
    const { read } = request as FastifyRequest & { read: Read }
    seen = see(read.session)
    for (const session of [read.session, request.session as Bag]) USES[use]!(session, read)
  }

  function addHeldRoutes (app: FastifyInstance): void {
    app.addHook('onRequest', async request => {
      const session = request.session as Bag
      Object.assign(request, { read: { session, user: session.user, list: session.list } })
      assert.equal(session.user, 'ann')
      ENDS[end]!.end({ keyring, tick: milliseconds => { clock.tick(milliseconds) } })
    })
    app.addHook('onRequest', async request => { actIn('a later onRequest hook', request) })
    app.addHook('preParsing', async request => { actIn('preParsing', request) })
    app.addHook('preValidation', async request => { actIn('preValidation', request) })
    app.addHook('preHandler', async request => { actIn('preHandler', request) })
    app.addHook('onSend', async request => { actIn('onSend', request) })
    app.setErrorHandler(async (_error, request) => { actIn('the error handler', request); return 'failed' })
    app.setNotFoundHandler(async request => { actIn('the handler of unknown routes', request); return 'not found' })
    app.get('/held', async (request, reply) => {
      actIn('the handler', request)
      if (place === 'the error handler') throw new Error('of the handler')
      if (place === 'the handler of unknown routes') { reply.callNotFound(); return reply }
      if (place === 'a stream') return Readable.from(streamed(() => { actIn(place, request) }))
      if (place !== 'a hijacked reply') return 'done'
      actIn(place, request)
      return await hijacked(reply)
    })
  }

  const cookie = cookiesOf(await post(app, '/sign-in'))
  return { response: await get(app, '/held', cookie), seen }
}

async function * streamed (act: () => void): AsyncGenerator<string> {
  act()
  yield 'done'
}

async function hijacked (reply: FastifyReply): Promise<FastifyReply> {
  const cookies = await reply.sessionCookies()
  reply.hijack()
  reply.raw.writeHead(200, { 'set-cookie': cookies })
  reply.raw.end('done')
  return reply
}

for (const [end, place] of Object.keys(ENDS).flatMap(end => PLACES.map(place => [end, place] as const))) {
  describe(`a session that a hook has read, if ${end} before ${place}`, () => {
    for (const use of Object.keys(USES)) {
      it(`reads as empty there and gets no cookie, if ${place} ${use}`, async t => {
        const { response, seen } = await held(stopClock(t), { end, place, use })
        assert.deepEqual(seen, EMPTY)
        assert.deepEqual(setCookies(response), [])
      })
    }
  })
}

for (const [end, kind, format] of Object.keys(ENDS).flatMap(end => Object.keys(KINDS).flatMap(kind => FORMATS.map(format => [end, kind, format] as const)))) {
  it(`a session that a hook has read gets no new cookie, if ${end} while the request is under way (${format}, ${kind})`, async t => {
    const clock = stopClock(t)
    for (const use of ['writes to it', 'regenerates it and writes who was read before', 'only reads it']) {
      const { response, seen } = await held(clock, { end, kind, format, use })
      assert.deepEqual([seen, setCookies(response)], [EMPTY, []])
    }
  })
}

for (const [protocol, { server, hold }] of Object.entries(PROTOCOLS)) {
  for (const [end, isRead] of Object.keys(ENDS).flatMap(end => [true, false].map(isRead => [end, isRead] as const))) {
    it(`a request over ${protocol} whose body ends after ${end.replace('its', 'the').replace('it ', 'its session ')} is nobody's, ${isRead ? 'also if a hook has read the session' : 'if nothing has read the session before'}`, async t => {
      const clock = stopClock(t)
      const keyring = new Keyring(newKey())
      const app = await readyApp({
        t,
        server,
        session: { key: keyring, format: 'sealed', expiry: 60, absoluteTimeout: 1000, ...ENDS[end]!.options },
        after: app => {
          app.after(() => {
            if (isRead) app.addHook('onRequest', async ({ session }) => { session.get('user' as never) })
            countArrivals(app)
          })
        },
        routes: {
          'POST /first': () => 'first',
          'POST /': ({ session }) => {
            const { user } = session as Bag
            session.set('theme' as never, 'dark' as never)
            return `for ${String(user)}`
          }
        }
      })
      const cookie = `session=${app.encodeSecureSession(app.createSecureSession({ user: 'ann' }))}`
      const { finish } = await hold(app, '/', cookie)
      ENDS[end]!.end({ keyring, tick: milliseconds => { clock.tick(milliseconds) } })
      const { body, cookies } = await finish()
      assert.equal(body, 'for undefined')
      const sealed = cookies.map(line => app.decodeSecureSession(/^session=([^;]*)/.exec(line)?.[1] ?? '')?.data())
      assert.deepEqual(sealed, isRead ? [] : [{ theme: 'dark' }], 'a session that nothing has read is refused, and a new one begins')
    })
  }
}

describe('a session that was opened outside a request', () => {
  for (const [end, format] of Object.keys(ENDS).flatMap(end => FORMATS.map(format => [end, format] as const))) {
    it(`reads as empty and is not sealed again, if ${end} (${format})`, async t => {
      const clock = stopClock(t)
      const keyring = new Keyring(newKey())
      const app = await readyApp({ session: { key: keyring, format, expiry: 60, absoluteTimeout: 1000, ...ENDS[end]!.options } })
      const session = app.decodeSecureSession<{ user: string }>(app.encodeSecureSession(app.createSecureSession({ user: 'ann' })))!
      const user = session.get('user')
      ENDS[end]!.end({ keyring, tick: milliseconds => { clock.tick(milliseconds) } })
      assert.deepEqual([user, session.get('user'), sessionInfo(session).status], ['ann', undefined, 'rejected'])
      assert.throws(() => app.encodeSecureSession(session as Session), { code: 'FST_SEALED_SESSION_ENDED' })
      session.regenerate()
      session.set('user', 'ann')
      assert.throws(() => app.encodeSecureSession(session as Session), { code: 'FST_SEALED_SESSION_ENDED' })
    })
  }
})

describe('a write while the session is still valid', () => {
  it('counts: a session that was written before its end lives on from there', async t => {
    const clock = stopClock(t)
    const key = newKey()
    const app = await readyApp({
      session: { key, format: 'sealed', expiry: 60 },
      routes: {
        '/': ({ session }) => {
          clock.tick(50_000)
          session.touch()
          clock.tick(30_000)
          return session.get('user' as never) ?? 'nobody'
        }
      }
    })
    const cookie = `session=${(await createSessionCodec<object>({ key, format: 'sealed' })).seal({ user: 'ann' })}`
    const response = await get(app, '/', cookie)
    assert.deepEqual([response.body, setCookies(response).length], ['ann', 1])
  })

  for (const [how, use] of Object.entries({ 'it is not used again': () => {}, 'it is read again': (session: Session) => { session.get('user' as never) } })) {
    it(`takes its cookie off the response, if the session's key is retired after reply.sessionCookies() and ${how}`, async t => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({
        t,
        session: { key: keyring, format: 'sealed' },
        routes: {
          '/': async ({ session }, reply) => {
            session.set('theme' as never, 'dark' as never)
            assert.equal((await reply.sessionCookies()).length, 1)
            keyring.rotate(newKey())
            keyring.retire(keyring.ids[1]!) // there are two
            use(session)
          }
        }
      })
      assert.deepEqual(setCookies(await get(app, '/', cookieWith(app, { user: 'ann' }))), [])
    })
  }
})

describe('a login while the session of before ends', () => {
  it('is answered with 409 if a hook has read that session: it would seem to work, and has no cookie', async t => {
    const clock = stopClock(t)
    const app = await readyApp({
      session: { key: newKey(), format: 'sealed', expiry: 60 },
      after: app => { app.after(() => { app.addHook('onRequest', async ({ session }) => { session.get('cart' as never) }) }) },
      routes: {
        'POST /login': request => {
          clock.tick(61_000)
          request.session.regenerate()
          request.session.set('user' as never, 'ann' as never)
        }
      }
    })
    const response = await post(app, '/login', cookieWith(app, { cart: 1 }))
    assert.deepEqual([response.statusCode, response.json<{ code: string }>().code, setCookies(response)], [409, 'FST_SEALED_SESSION_ENDED', []])
  })

  it('is answered with 409 also if something looks at it after that end, such as sessionInfo() in a log', async () => {
    const keyring = new Keyring(newKey())
    const app = await readyApp({
      session: { key: keyring, format: 'sealed' },
      routes: {
        'POST /login': ({ session }) => {
          session.get('cart' as never)
          session.regenerate()
          session.set('user' as never, 'ann' as never)
          keyring.rotate(newKey())
          keyring.retire(keyring.ids[1]!) // there are two
          sessionInfo(session)
        }
      }
    })
    const response = await post(app, '/login', cookieWith(app, { cart: 1 }))
    assert.deepEqual([response.statusCode, response.json<{ code: string }>().code, setCookies(response)], [409, 'FST_SEALED_SESSION_ENDED', []])
  })

  it('gets its cookie, if nothing of the session of before was used', async t => {
    const clock = stopClock(t)
    const keyring = new Keyring(newKey())
    const app = await readyApp({
      session: { key: keyring, format: 'sealed', expiry: 60 },
      routes: {
        'POST /login': request => {
          clock.tick(61_000) // a password is hashed meanwhile
          request.session.regenerate()
          request.session.set('user' as never, 'ann' as never)
        }
      }
    })
    const response = await post(app, '/login', cookieWith(app, { cart: 1 }))
    assert.equal(setCookies(response).length, 1)
  })
})
