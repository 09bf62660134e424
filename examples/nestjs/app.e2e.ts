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

test('the profile needs a login', async () => {
  const response = await app.inject('/profile')
  assert.equal(response.statusCode, 401)
})

test('a user who is logged in sees the profile', async () => {
  const cookies = await sessionCookies(app.getHttpAdapter().getInstance(), { name: 'Ada' })
  const response = await app.inject({ url: '/profile', cookies })
  assert.deepEqual(response.json(), { name: 'Ada', visits: 1 })
})

test('after 16 minutes the user has to log in again', async () => {
  const at = Date.now() - 16 * 60_000
  const cookies = await sessionCookies(app.getHttpAdapter().getInstance(), { name: 'Ada' }, { at })
  const response = await app.inject({ url: '/profile', cookies })
  assert.equal(response.statusCode, 401)
})

test('the account is removed only after a fresh login', async () => {
  const fastify = app.getHttpAdapter().getInstance()
  const old = await sessionCookies(fastify, { name: 'Ada' }, { authenticated: 'login', at: Date.now() - 301_000 })
  const fresh = await sessionCookies(fastify, { name: 'Ada' }, { authenticated: 'login' })
  assert.equal((await app.inject({ method: 'DELETE', url: '/account', cookies: old })).statusCode, 403)
  assert.equal((await app.inject({ method: 'DELETE', url: '/account', cookies: fresh })).statusCode, 204)
})

test('a login gives the cookie', async () => {
  const response = await app.inject({ method: 'POST', url: '/login', payload: { name: 'Ada' } })
  assert.equal(response.statusCode, 204)
  assert.equal(response.cookies[0]?.name, 'nestjs-example')
})
