// A login on Fastify is a login on the web entry beside it, and the other way round.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import superjson from 'superjson'
import { z } from 'zod'
import secureSession, { authenticated, Keyring, sealedSession, sessionInfo } from '../../src/index.ts'
import { createWebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { type Bag, readyApp } from '../support/app.ts'
import { type AskServer, fastifyServer, Jar, webServer } from '../support/fetch.ts'
import { newKey } from '../support/helpers.ts'

/** Acts of a handler on a session, the same on both sides. */
const ACTS: Record<string, (session: Bag) => unknown> = {
  '/login': session => { session.set('userId', 42) },
  '/large': session => { session.set('text', randomBytes(2400).toString('hex')) },
  '/nested': session => { (session.get('cart') as string[] | undefined)?.push('x') ?? session.set('cart', ['first']) },
  '/property': session => { session.color = 'red' },
  '/data': session => session.data(),
  '/info': session => sessionInfo(session),
  '/touch': session => { session.touch() },
  '/anew': session => { session.regenerate('userId') },
  '/confirm': session => { authenticated(session, 'password') },
  '/remember': session => { session.options({ expiry: 60 * 60 * 24, maxAge: 60 * 60 * 24, domain: 'app.example', path: '/' }) },
  '/logout': session => { session.delete() }
}

const routes = Object.fromEntries(Object.entries(ACTS).map(([path, act]) => [path, ({ session }: { session: unknown }) => act(session as Bag)]))

interface Pair {
  /** Options that both have. */
  options: (key: Buffer) => object
  plugin?: typeof secureSession
  before?: (app: FastifyInstance) => unknown
  /** Options of the web entry alone. */
  own?: object
}

const SECRET = 'a secret of the app, for signing its cookies'
const dropIn = { format: 'secretbox', cookieName: 'session', rolling: false, cookie: { path: '/', httpOnly: true, secure: false } } as const
const sealed = sealedSession as typeof secureSession

const PAIRS: Record<string, Pair> = {
  'the defaults of both': { plugin: sealed, options: key => ({ key }) },
  'the names and attributes of production': { plugin: sealed, options: key => ({ key, cookie: { secure: true } }) },
  'the drop-in with its own format': { options: key => ({ key, ...dropIn }) },
  'keys of which the second has sealed': { plugin: sealed, options: key => ({ key: [key, newKey()] }) },
  'a keyring': { plugin: sealed, options: key => ({ key: new Keyring(key) }) },
  'a passphrase': { plugin: sealed, options: key => ({ secret: key.toString('hex'), salt: 'mq9hDxBVDbspDR6n' }) },
  'signed cookies': { plugin: sealed, options: key => ({ key, cookie: { signed: true } }) },
  'signed cookies, and the secret of the @fastify/cookie of the app': {
    plugin: sealed,
    options: key => ({ key, cookie: { signed: true } }),
    before: app => app.register(cookiePlugin, { secret: SECRET }),
    own: { cookieSecret: SECRET }
  },
  'signed cookies, and several such secrets': {
    options: key => ({ key, ...dropIn, cookie: { path: '/', signed: true } }),
    before: app => app.register(cookiePlugin, { secret: [SECRET, 'an older one'] }),
    own: { cookieSecret: [SECRET, 'an older one'] }
  },
  'signed cookies, and a signer': {
    plugin: sealed,
    options: key => ({ key, cookie: { signed: true } }),
    before: app => app.register(cookiePlugin, { secret: new cookiePlugin.Signer(SECRET) }),
    own: { cookieSecret: new cookiePlugin.Signer(SECRET) }
  },
  'the @fastify/cookie of the app': { plugin: sealed, options: key => ({ key }), before: app => app.register(cookiePlugin) },
  'a serializer': { plugin: sealed, options: key => ({ key, serializer: superjson }) },
  'a schema': { plugin: sealed, options: key => ({ key, schema: z.object({ userId: z.number().optional() }).loose() }) },
  'a context': { plugin: sealed, options: key => ({ key, context: 'the site' }) },
  'revocation in memory': { plugin: sealed, options: key => ({ key }), own: { revocation: {} } }
}

/** Both servers of a site, one after the other in each role. */
async function both ({ options, plugin, before, own }: Pair): Promise<Array<[name: string, first: AskServer, second: AskServer]>> {
  const shared = options(newKey())
  const app = await readyApp({ session: shared, before, routes, ...(plugin !== undefined && { plugin }) })
  const sessions = await createWebSessions({ ...shared, ...own } as WebSessionsOptions)
  const [fastify, web] = [fastifyServer(app), webServer(sessions, ACTS as never, 'http://app.example')]
  return [['Fastify first', fastify, web], ['the web entry first', web, fastify]]
}

for (const [what, pair] of Object.entries(PAIRS)) {
  describe(`with ${what}`, () => {
    let servers: ReturnType<typeof both> | null = null
    const inBothOrders = async (): ReturnType<typeof both> => await (servers ??= both(pair)) // passphrases take long

    it('a session of the one is one of the other, and each writes the cookie as the other does', async () => {
      for (const [order, first, second] of await inBothOrders()) {
        const jar = new Jar()
        const login = await first('/login', jar)
        assert.deepEqual((await second('/data', jar)).body, { userId: 42 }, order)
        const again = await second('/property', jar)
        assert.equal(again.lines.length, 1)
        assert.deepEqual(again.lines[0]?.split('; ').slice(1), login.lines[0]?.split('; ').slice(1), 'the same attributes, in the same order')
        assert.equal(again.lines[0]?.split('=')[0], login.lines[0]?.split('=')[0])
        assert.equal(again.cacheControl, 'no-store')
        assert.deepEqual((await first('/data', jar)).body, { userId: 42, color: 'red' }, order)
      }
    })

    it('a session that the one has split is whole at the other, which drops the rest when it gets small', async () => {
      for (const [order, first, second] of await inBothOrders()) {
        const jar = new Jar()
        assert.equal((await first('/large', jar)).lines.length, 2)
        assert.equal(((await second('/data', jar)).body as { text: string }).text.length, 4800, order)
        await second('/anew', jar)
        assert.equal(jar.names.length, 1, 'no part is left')
        assert.deepEqual((await first('/data', jar)).body, {})
      }
    })

    it('values that are changed in place, new lives and a lifetime of its own go from the one to the other', async () => {
      for (const [, first, second] of await inBothOrders()) {
        const jar = new Jar()
        await first('/login', jar)
        await first('/nested', jar)
        await second('/nested', jar)
        await first('/nested', jar)
        assert.deepEqual(((await second('/data', jar)).body as { cart: unknown }).cart, ['first', 'x', 'x'])
        const remembered = await first('/remember', jar)
        const touched = await second('/touch', jar)
        assert.deepEqual(touched.lines[0]?.split('; ').slice(1), remembered.lines[0]?.split('; ').slice(1), 'it goes where the browser has it')
        await second('/confirm', jar)
        assert.deepEqual(Object.keys(((await first('/info', jar)).body as { authentications: object }).authentications), ['password'])
        await second('/anew', jar)
        assert.deepEqual((await first('/data', jar)).body, { userId: 42 })
      }
    })

    it('a logout at the one deletes the cookie of the other', async () => {
      for (const [, first, second] of await inBothOrders()) {
        const jar = new Jar()
        await first('/large', jar)
        assert.equal((await second('/logout', jar)).lines.length, 2)
        assert.deepEqual(jar.names, [])
        assert.deepEqual((await first('/data', jar)).body, {})
      }
    })
  })
}
