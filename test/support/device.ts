// Devices for the tests of bindings: an app with logins, and a browser that is bound to it.
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { sessionInfo, type SessionInfo } from '../../src/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { readyApp, type AppSetup, type Bag, type Handlers } from './app.ts'
import { newKey } from './helpers.ts'

export const PATH = '/session-device'

export const SESSION = { format: 'sealed', cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } }

export const LOGINS: Handlers = {
  'POST /login': ({ session, body }) => {
    session.regenerate()
    Object.assign(session, body)
    return 'in'
  },
  'POST /logout': ({ session }) => { session.delete(); return 'out' },
  'POST /again': ({ session }) => {
    const { user } = session as Bag
    session.regenerate()
    Object.assign(session, { user })
    return 'again'
  },
  'POST /keep': ({ session }) => { session.regenerate(['user'] as never); return 'kept' },
  'GET /me': ({ session }) => (session as Bag).user ?? 'nobody',
  'POST /write': ({ session, body }) => { Object.assign(session, body); return 'written' },
  'GET /info': ({ session }) => sessionInfo(session),
  'GET /public': () => 'hello'
}

/** Routes for browsers beside them: a page, and the end of a login at another site. */
export const PAGES: Handlers = {
  'GET /page': ({ session }, reply) => {
    reply.type('text/html')
    return `<!doctype html><title>A page</title><p id="user">${String((session as Bag).user ?? 'nobody')}</p><p id="part">a part</p>`
  },
  'GET /callback': ({ session, query }, reply) => {
    session.regenerate()
    Object.assign(session, { user: (query as { user: string }).user })
    return reply.redirect('/page')
  }
}

const PUBLIC = 'public, max-age=60'

/** Ways in which an app has caches share the page `/shared`, each with its routes; `addShared` adds the hook of one. */
export const SHARED: Record<string, Handlers> = {
  'in the handler': { 'GET /shared': ({ session }, reply) => { reply.header('cache-control', PUBLIC); return (session as Bag).user ?? 'nobody' } },
  'in a web Response': { 'GET /shared': ({ session }) => new Response(String((session as Bag).user ?? 'nobody'), { headers: { 'cache-control': PUBLIC } }) },
  'in a later onSend hook': { 'GET /shared': ({ session }, reply) => { reply.header('x-late', 'header'); return (session as Bag).user ?? 'nobody' } },
  'on the raw response, in a later onSend hook': { 'GET /shared': ({ session }, reply) => { reply.header('x-late', 'raw'); return (session as Bag).user ?? 'nobody' } }
}

export function addShared (app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply) => {
    if (reply.getHeader('x-late') === 'header') reply.header('cache-control', PUBLIC)
    if (reply.getHeader('x-late') === 'raw') reply.raw.setHeader('cache-control', PUBLIC)
  })
}

export interface DeviceSetup extends AppSetup {
  session?: object
  routes?: Handlers
}

/** An app with logins whose sessions are bound. */
export async function appWithDevices ({ session = {}, device = {}, routes = {}, ...setup }: DeviceSetup = {}): Promise<FastifyInstance> {
  return await readyApp({ ...setup, session: { key: newKey(), ...SESSION, ...session }, device, routes: { ...LOGINS, ...routes } })
}

/** A browser that has logged in. */
export async function loggedIn (app: FastifyInstance, device = createTestDevice(), user = 'ann'): Promise<{ device: TestDevice, response: LightMyRequestResponse }> {
  const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user } })
  return { device, response }
}

/** A browser that has logged in, and is bound. */
export async function boundDevice (app: FastifyInstance, device = createTestDevice(), user = 'ann'): Promise<TestDevice> {
  const { response } = await loggedIn(app, device, user)
  const answer = await device.register(app, response)
  assert.equal(answer?.statusCode, 200)
  return device
}

/** GET with cookies, past the browser that they came from. */
export async function stolen (app: FastifyInstance, cookie: string, url = '/me'): Promise<LightMyRequestResponse> {
  return await app.inject({ url, headers: { cookie } })
}

export async function infoOf (app: FastifyInstance, cookie: string): Promise<SessionInfo> {
  return (await stolen(app, cookie, '/info')).json()
}

/** Only some of the cookies of a header. */
export function only (cookies: string, ...names: string[]): string {
  return cookies.split('; ').filter(pair => names.includes(pair.slice(0, pair.indexOf('=')))).join('; ')
}

export const SESSION_ONLY = ['session']
export const PROOF_ONLY = ['session.device']

/** Challenge of an offer. */
export function offerOf (response: LightMyRequestResponse): { algorithms: string, path: string, challenge: string } {
  const [, algorithms, path, challenge] = /^\(([\w ]+)\);path="([^"]*)";challenge="([^"]*)"$/.exec(String(response.headers['secure-session-registration'])) ?? []
  assert.ok(algorithms !== undefined && path !== undefined && challenge !== undefined)
  return { algorithms, path, challenge }
}

/** Challenge for a refresh, and the identifier that it is for. */
export function challengeOf (response: LightMyRequestResponse): { challenge: string, id: string } {
  const [, challenge, id] = /^"([^"]*)";id="([^"]*)"$/.exec(String(response.headers['secure-session-challenge'])) ?? []
  assert.ok(challenge !== undefined && id !== undefined)
  return { challenge, id }
}

export interface Pair {
  privateKey: KeyObject
  jwk: Record<string, unknown>
}

export function newPair (curve = 'P-256'): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown> }
}

export function part (value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** A JWT of any content, signed as ES256. */
export function jwtOf (header: unknown, claims: unknown, key: KeyObject): string {
  const text = `${part(header)}.${part(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** The JWT of a registration. */
export function registrationOf (challenge: string, { privateKey, jwk }: Pair = newPair()): string {
  return jwtOf({ alg: 'ES256', jwk, typ: 'dbsc+jwt' }, { jti: challenge }, privateKey)
}

/** A registration that somebody sends by hand. */
export async function register (app: FastifyInstance, jwt: string | undefined, cookie = '', headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url: PATH, headers: { ...(jwt !== undefined && { 'secure-session-response': jwt }), ...(cookie !== '' && { cookie }), ...headers } })
}

/** A refresh that somebody sends by hand. */
export async function refresh (app: FastifyInstance, id: string, jwt?: string, cookie = ''): Promise<LightMyRequestResponse> {
  return await register(app, jwt, cookie, { 'sec-secure-session-id': id })
}
