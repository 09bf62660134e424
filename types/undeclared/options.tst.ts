// What `register` takes and what it refuses.
import Fastify from 'fastify'
import { Buffer } from 'node:buffer'
import secureSession, { Keyring, type InferSession, type SecureSessionOptions, type SecureSessionPluginOptions, type Session } from 'fastify-sealed-session'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import superjson from 'superjson'
import * as v from 'valibot'
import { z } from 'zod'
import { describe, expect, test } from 'tstyche'

const app = Fastify()
const key = 'key'

export const schemas = {
  a: z.object({ at: z.string().transform(text => text.length) }),
  b: v.object({ at: v.pipe(v.string(), v.transform(text => text.length)) }),
  c: type({ at: 'number' })
}

/** What `register` of Fastify is called with. */
function register (options: Parameters<typeof secureSession>[1]): void {
  app.register(secureSession, options)
}

describe('key', () => {
  test('is a string, a Buffer, a Uint8Array, or an array of them', () => {
    app.register(secureSession, { key: 'key' })
    app.register(secureSession, { key: Buffer.from('key') })
    app.register(secureSession, { key: new Uint8Array(32) })
    app.register(secureSession, { key: ['new', 'old'] })
    app.register(secureSession, { key: [Buffer.from('new'), 'old', new Uint8Array(32)] })
  })

  test('may be a readonly array', () => {
    const keys: readonly string[] = ['new', 'old']
    app.register(secureSession, { key: keys })
    app.register(secureSession, { key: ['new', 'old'] } as const)
  })

  test('is nothing else', () => {
    expect(register).type.not.toBeCallableWith({ key: 1 })
    expect(register).type.not.toBeCallableWith({ key: [1] })
    expect(register).type.not.toBeCallableWith({ key: ['key', 1] })
    expect(register).type.not.toBeCallableWith({ key: null })
    expect(register).type.not.toBeCallableWith({ key: new Date() })
    expect(app.register).type.not.toBeCallableWith(secureSession, { key: 1 })
  })

  test('may come from the environment, where a variable may not be set', () => {
    app.register(secureSession, { key: process.env['SESSION_KEY'] })
    app.register(secureSession, { secret: process.env['SESSION_SECRET'] })
    expect(Keyring.fromFile(process.env['SESSION_KEYS'])).type.toBe<Promise<Keyring>>()
    expect(Keyring).type.toBeConstructableWith(process.env['SESSION_KEY'])
    expect(Keyring.fromFile).type.not.toBeCallableWith()
  })

  test('or a secret is required', () => {
    expect(register).type.not.toBeCallableWith({})
    expect(register).type.not.toBeCallableWith({ sessionName: 'profile' })
    expect(register).type.not.toBeCallableWith({ salt: 'salt' })
    expect(app.register).type.not.toBeCallableWith(secureSession, {})
  })
})

describe('secret', () => {
  test('is a string or bytes, with or without a salt', () => {
    app.register(secureSession, { secret: 'secret' })
    app.register(secureSession, { secret: 'secret', salt: 'salt' })
    app.register(secureSession, { secret: Buffer.from('secret'), salt: Buffer.from('salt') })
    app.register(secureSession, { secret: new Uint8Array(32), salt: new Uint8Array(16) })
  })

  test('may stand beside a key', () => {
    app.register(secureSession, { key, secret: 'secret', salt: 'salt' })
  })

  test('is nothing else', () => {
    expect(register).type.not.toBeCallableWith({ secret: 1 })
    expect(register).type.not.toBeCallableWith({ secret: 'secret', salt: 1 })
    expect(register).type.not.toBeCallableWith({ key, secret: 1 })
  })
})

describe('the other options', () => {
  test('are all optional', () => {
    app.register(secureSession, {
      key,
      sessionName: 'profile',
      cookieName: 'profile-cookie',
      expiry: 24 * 60 * 60,
      cookie: { path: '/', httpOnly: true, secure: 'auto', sameSite: 'lax', signed: true, maxAge: 1, domain: 'example.org' },
      noStore: false
    })
  })

  test('may be undefined, and `expiry` null', () => {
    app.register(secureSession, { key, sessionName: undefined, cookieName: undefined, expiry: undefined, cookie: undefined, noStore: undefined })
    app.register(secureSession, { key, expiry: null })
  })

  test('include `cookieOptions`', () => {
    app.register(secureSession, { key, cookieOptions: { path: '/' } })
    expect(register).type.not.toBeCallableWith({ key, cookieOptions: { path: 1 } })
  })

  test('include those of Fastify\'s register', () => {
    app.register(secureSession, { key, prefix: '/app', logLevel: 'warn' })
  })

  test('may come from a function', () => {
    app.register(secureSession, () => ({ key }))
  })

  test('have types of their own', () => {
    expect(register).type.not.toBeCallableWith({ key, expiry: '60' })
    expect(register).type.not.toBeCallableWith({ key, sessionName: 1 })
    expect(register).type.not.toBeCallableWith({ key, cookieName: 1 })
    expect(register).type.not.toBeCallableWith({ key, cookie: 'path=/' })
    expect(register).type.not.toBeCallableWith({ key, cookie: { sameSite: 'loose' } })
    expect(register).type.not.toBeCallableWith({ key, noStore: 'yes' })
  })

  test('include a serializer, such as superjson or JSON', () => {
    app.register(secureSession, { key, serializer: superjson })
    app.register(secureSession, { key, serializer: JSON })
    expect(register).type.not.toBeCallableWith({ key, serializer: { stringify: () => '' } })
    expect(register).type.not.toBeCallableWith({ key, serializer: { stringify: () => 1, parse: () => ({}) } })
    expect(register).type.not.toBeCallableWith({ key, serializer: { stringify: async () => '', parse: () => ({}) } })
  })

  test('include a schema of any library that implements Standard Schema', () => {
    app.register(secureSession, { key, schema: z.object({ userId: z.number() }) })
    app.register(secureSession, { key, schema: v.object({ userId: v.number() }) })
    app.register(secureSession, { key, schema: type({ userId: 'number' }) })
    const schema: StandardSchemaV1 = z.object({})
    app.register(secureSession, { key, schema })
    expect(register).type.not.toBeCallableWith({ key, schema: { type: 'object' } })
    expect(register).type.not.toBeCallableWith({ key, schema: 'object' })
  })

  test('say with a schema what a session holds: what it gives, not what it takes', () => {
    expect<InferSession<typeof schemas.a>>().type.toBe<{ at: number }>()
    expect<InferSession<typeof schemas.b>>().type.toBe<{ at: number }>()
    expect<InferSession<typeof schemas.c>>().type.toBe<{ at: number }>()
    expect<Session<InferSession<typeof schemas.a>>['at']>().type.toBe<number | undefined>()
  })

  test('are refused where the name is not known', () => {
    expect(register).type.not.toBeCallableWith({ key, expirey: 60 })
    expect(register).type.not.toBeCallableWith([{ key, sessionName: 'profile', expirey: 60 }])
    expect(app.register).type.not.toBeCallableWith(secureSession, { key, expirey: 60 })
  })
})

describe('several sessions', () => {
  test('are an array in which each entry has a name', () => {
    app.register(secureSession, [{ sessionName: 'session', key }, { sessionName: 'profile', secret: 'secret' }])
    expect(register).type.not.toBeCallableWith([{ key }])
    expect(register).type.not.toBeCallableWith([{ sessionName: 'session', key }, { key }])
    expect(register).type.not.toBeCallableWith([{ sessionName: undefined, key }])
    expect(register).type.not.toBeCallableWith([{ sessionName: 'session' }])
  })

  test('may be a readonly array', () => {
    app.register(secureSession, [{ sessionName: 'session', key }, { sessionName: 'profile', key }] as const)
  })
})

test('the types of the options are exported', () => {
  expect<SecureSessionPluginOptions>().type.toBeAssignableTo<SecureSessionOptions>()
  expect({ key, expiry: 60 }).type.toBeAssignableTo<SecureSessionPluginOptions>()
  expect([{ key, sessionName: 'profile' }]).type.toBeAssignableTo<SecureSessionOptions>()
  expect([{ key }]).type.not.toBeAssignableTo<SecureSessionOptions>()
})

test('an HTTP/2 app takes the plugin too', () => {
  const app = Fastify({ http2: true })
  app.register(secureSession, { key })
  app.get('/', async request => expect(request.session.get<number>('userId')).type.toBe<number | undefined>())
})
