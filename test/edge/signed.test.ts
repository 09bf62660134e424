// Signed cookies at the edge: @fastify/cookie signs and checks them on Node.js, and noble does at the edge.
import { Signer } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import cookiePlugin from '@fastify/cookie'
import { get, post, readyApp } from '../support/app.ts'
import type { WebBag } from '../support/fetch.ts'
import { cookieOf, newKey } from '../support/helpers.ts'
import { inWorkerd, load } from './support.ts'

type Parts = typeof import('./programs/parts.ts')

const keys = [newKey(), newKey()]
const OPTIONS = { key: keys, format: 'sealed', cookieName: 'session', cookie: { path: '/', secure: true, signed: true } } as const
const SECRETS: Record<string, string | string[] | Buffer | undefined> = {
  'made of the keys': undefined,
  text: 'a secret of the app, which is long enough',
  'an older one of several': ['the new secret', 'the old secret'],
  bytes: Buffer.alloc(80, 7)
}

describe('a signed cookie at the edge', () => {
  let edge: Parts
  before(async () => { edge = await load<Parts>('parts.ts') })

  for (const [kind, secret] of Object.entries(SECRETS)) {
    const app = async (own = secret): Promise<FastifyInstance> => await readyApp({
      session: OPTIONS,
      ...(own !== undefined && { before: (app: FastifyInstance) => { app.register(cookiePlugin, { secret: own as string }) } })
    })
    const old = Array.isArray(secret) ? secret[1] : secret

    it(`opens there if the app has signed it, by a secret that is ${kind}`, async () => {
      const cookie = cookieOf(await post(await app(old), '/set', undefined, { user: 'ann' }))
      const sessions = await edge.createWebSessions({ ...OPTIONS, ...(secret !== undefined && { cookieSecret: secret as string }) })
      assert.equal((await sessions.open({ headers: { cookie } }) as WebBag).user, 'ann')
    })

    it(`opens in the app if it was signed there, by a secret that is ${kind}`, async () => {
      const sessions = await edge.createWebSessions({ ...OPTIONS, ...(old !== undefined && { cookieSecret: old as string }) })
      const session = await sessions.open({ headers: {} }) as WebBag
      session.user = 'ann'
      const headers = new Headers()
      await session.commit(headers)
      const [cookie] = headers.getSetCookie()[0]!.split(';')
      assert.deepEqual((await get(await app(), '/get', cookie)).json(), { user: 'ann' })
    })
  }

  it('does not open with a signature that is missing, of another secret, or changed in one place', async () => {
    const app = await readyApp({ session: OPTIONS })
    const cookie = cookieOf(await post(app, '/set', undefined, { user: 'ann' }))
    const sessions = await edge.createWebSessions({ ...OPTIONS })
    const userOf = async (cookie: string): Promise<unknown> => (await sessions.open({ headers: { cookie } }) as WebBag).user
    assert.equal(await userOf(cookie), 'ann')
    const value = decodeURIComponent(cookie.slice('session='.length))
    const dot = value.lastIndexOf('.')
    const [token, signature] = [value.slice(0, dot), value.slice(dot + 1)]
    const wrong = [token, `${token}.`, new Signer('another secret').sign(token), `${token}.${signature.slice(1)}`, `${token}.${signature}=`, `${token}.${signature}A`,
      ...Array.from(signature, (character, at) => `${token}.${signature.slice(0, at)}${character === 'A' ? 'B' : 'A'}${signature.slice(at + 1)}`)]
    for (const value of wrong) assert.equal(await userOf(`session=${encodeURIComponent(value)}`), undefined, value)
  })

  it('is signed as @fastify/cookie signs, for secrets and values of any length and any script', () => {
    for (let length = 0; length < 200; length++) {
      const [secret, value] = [`k${'ë漢😀'.repeat(length)}`.slice(0, length + 1), 'a.😀'.repeat(length)]
      for (const own of [secret, Buffer.from(secret)]) {
        const [node, noble] = [new Signer(own as string), edge.signerFactory(own)]
        assert.equal(noble.sign(value), node.sign(value))
        assert.deepEqual(noble.unsign(node.sign(value)), { renew: false, valid: true, value })
        assert.deepEqual(noble.unsign(`${node.sign(value)}x`), { renew: false, valid: false, value: null })
      }
    }
  })

  for (const secret of [1, {}, null, [undefined]]) {
    it(`is refused for a secret that is none, as on Node.js: ${JSON.stringify(secret)}`, async () => {
      if (secret !== null) await assert.rejects(edge.createWebSessions({ ...OPTIONS, cookieSecret: secret as never }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
      assert.throws(() => edge.signerFactory(secret as never), TypeError)
    })
  }
})

describe('in workerd', () => {
  it('a signed session opens that an app has sealed', async () => {
    const cookie = cookieOf(await post(await readyApp({ session: OPTIONS }), '/set', undefined, { user: 'ann' }))
    const send = await inWorkerd(`
      import { createWebSessions, Keyring } from '../../../src/web/index.ts'
      const made = createWebSessions({ key: Keyring.fromEnv('SESSION_KEYS'), cookieName: 'session', cookie: { secure: true, signed: true } })
      export default { async fetch (request) { return Response.json((await (await made).open(request)).user ?? 'nobody') } }
    `, { SESSION_KEYS: keys.map(key => key.toString('hex')).join(',') })
    assert.equal(await (await send('/', { headers: { cookie } })).json(), 'ann')
    assert.equal(await (await send('/', { headers: { cookie: cookie.slice(0, -1) } })).json(), 'nobody')
  })
})
