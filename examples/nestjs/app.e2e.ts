import 'reflect-metadata'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { sessionCookies } from 'fastify-sealed-session/testing'
import { AppModule } from './app.module.js'
import { newAdapter, OPTIONS, setUp } from './set-up.js'

let app: NestFastifyApplication

before(async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile()
  app = module.createNestApplication<NestFastifyApplication>(newAdapter(), OPTIONS)
  await setUp(app)
  await app.init()
})
after(async () => { await app.close() })

/** Cookies of a user who is logged in. Each test takes a name of its own. */
async function cookiesOf (name: string, options?: { authenticated?: string, at?: number }): Promise<Record<string, string>> {
  return await sessionCookies(app.getHttpAdapter().getInstance(), { name }, options)
}

async function statusOf (url: string, cookies: Record<string, string>): Promise<number> {
  return (await app.inject({ url, cookies })).statusCode
}

test('the profile needs a login', async () => {
  assert.equal(await statusOf('/profile', {}), 401)
})

test('a user who is logged in sees the profile', async () => {
  const response = await app.inject({ url: '/profile', cookies: await cookiesOf('Ada') })
  assert.deepEqual(response.json(), { name: 'Ada', visits: 1 })
})

test('after 16 minutes the user has to log in again', async () => {
  const cookies = await cookiesOf('Barbara', { at: Date.now() - 16 * 60_000 })
  assert.equal(await statusOf('/profile', cookies), 401)
})

test('the account is removed only after a fresh login', async () => {
  const old = await cookiesOf('Edsger', { authenticated: 'login', at: Date.now() - 301_000 })
  const fresh = await cookiesOf('Edsger', { authenticated: 'login' })
  assert.equal((await app.inject({ method: 'DELETE', url: '/account', cookies: old })).statusCode, 403)
  assert.equal((await app.inject({ method: 'DELETE', url: '/account', cookies: fresh })).statusCode, 204)
})

test('a login needs the password, and gives the cookie', async () => {
  const user = { name: 'Grace', password: 'a long password' }
  await app.inject({ method: 'POST', url: '/signup', payload: user })
  const wrong = await app.inject({ method: 'POST', url: '/login', payload: { ...user, password: 'another password' } })
  assert.deepEqual([wrong.statusCode, wrong.cookies], [401, []])
  const right = await app.inject({ method: 'POST', url: '/login', payload: user })
  assert.deepEqual([right.statusCode, right.cookies[0]?.name], [204, 'session'])
})

test('a logout everywhere ends the sessions of all browsers', async () => {
  const [laptop, phone] = [await cookiesOf('Katherine'), await cookiesOf('Katherine')]
  assert.equal(await statusOf('/profile', phone), 200)
  await app.inject({ method: 'POST', url: '/logout-everywhere', cookies: laptop })
  assert.deepEqual([await statusOf('/profile', laptop), await statusOf('/profile', phone)], [401, 401])
})

test('server-sent events bring the cookie', async () => {
  await app.listen(0, '127.0.0.1') // inject() has no socket, which Nest 11 needs for events
  const { session } = await cookiesOf('Hedy')
  const response = await fetch(`${await app.getUrl()}/events`, { headers: { cookie: `session=${session}` } })
  assert.match(await response.text(), /^data: Hello Hedy$/m)
  assert.match(response.headers.get('set-cookie') ?? '', /^session=/)
})
