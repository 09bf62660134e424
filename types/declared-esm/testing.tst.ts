// What sessionCookies and browserCookies take and return, for an app that declares its data.
import http2 from 'node:http2'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Session } from 'fastify-sealed-session'
import { browserCookies, sessionCookies, type BrowserCookie, type TestedData } from 'fastify-sealed-session/testing'
import { describe, expect, test } from 'tstyche'

declare module 'fastify' {
  interface FastifyRequest {
    tested: Session<{ adminId: string }>
    loose: Session<object>
  }
}

declare const app: FastifyInstance
const url = 'http://localhost:3000'

describe('sessionCookies', () => {
  test('takes some of the keys that are declared, and no other', () => {
    expect(sessionCookies).type.toBeCallableWith(app, { userId: 42 })
    expect(sessionCookies).type.toBeCallableWith(app, {})
    expect(sessionCookies).type.not.toBeCallableWith(app, { userID: 42 })
    expect(sessionCookies).type.not.toBeCallableWith(app, { userId: '42' })
    expect(sessionCookies).type.not.toBeCallableWith(app, undefined)
    expect(sessionCookies).type.not.toBeCallableWith(app)
  })

  test('takes the data of the session that is named', () => {
    expect(sessionCookies).type.toBeCallableWith(app, { adminId: 'a' }, { sessionName: 'tested' })
    expect(sessionCookies).type.not.toBeCallableWith(app, { userId: 42 }, { sessionName: 'tested' })
    expect<TestedData<'tested'>>().type.toBe<Partial<{ adminId: string }>>()
  })

  test('takes any data of a session of which nothing is declared', () => {
    expect(sessionCookies).type.toBeCallableWith(app, { anything: 1 }, { sessionName: 'other' })
    expect(sessionCookies).type.toBeCallableWith(app, { anything: 1 }, { sessionName: 'loose' })
  })

  test('takes its options, and no others', () => {
    expect(sessionCookies).type.toBeCallableWith(app, {}, { at: new Date(), authenticated: 'password' })
    expect(sessionCookies).type.toBeCallableWith(app, {}, { at: 0, authenticated: ['password', 'totp'] })
    expect(sessionCookies).type.not.toBeCallableWith(app, {}, { at: '2026-01-01' })
    expect(sessionCookies).type.not.toBeCallableWith(app, {}, { url })
  })

  test('takes every app of Fastify, and no promise of one', () => {
    expect(sessionCookies).type.toBeCallableWith(Fastify({ logger: true }), {})
    expect(sessionCookies).type.toBeCallableWith(Fastify({ http2: true }), {})
    expect(sessionCookies).type.toBeCallableWith(Fastify({ serverFactory: handler => http2.createServer(handler as never) as never }), {})
    expect(sessionCookies).type.not.toBeCallableWith(Promise.resolve(app), {})
  })

  test('gives inject its cookies', async () => {
    const cookies = await sessionCookies(app, { userId: 42 })
    expect(cookies).type.toBe<Record<string, string>>()
    expect(app.inject({ url: '/', cookies })).type.not.toRaiseError()
  })
})

describe('browserCookies', () => {
  test('needs the address of the app', () => {
    expect(browserCookies).type.toBeCallableWith(app, { userId: 42 }, { url })
    expect(browserCookies).type.toBeCallableWith(app, { adminId: 'a' }, { url: new URL(url), sessionName: 'tested' })
    expect(browserCookies).type.not.toBeCallableWith(app, { userId: 42 })
    expect(browserCookies).type.not.toBeCallableWith(app, { userID: 42 }, { url })
    expect(browserCookies(app, {}, { url })).type.toBe<Promise<BrowserCookie[]>>()
  })
})
