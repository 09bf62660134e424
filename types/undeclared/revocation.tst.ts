// What sessionRevocation takes, and what it adds to the app.
import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import type { Session } from 'fastify-sealed-session'
import byDefault, { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import type { RevocationStore, SessionRevocation, SessionRevocationOptions } from 'fastify-sealed-session/revocation'
import byRequire = require('fastify-sealed-session/revocation')
import { Keyv } from 'keyv'
import KeyvRedis from '@keyv/redis'
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('sessionRevocation', () => {
  test('is the default export, the named one, and what require() gives', () => {
    expect(byDefault).type.toBe<SessionRevocation>()
    expect(sessionRevocation).type.toBe<FastifyPluginAsync<SessionRevocationOptions>>()
    expect(byRequire).type.toBeAssignableTo<SessionRevocation>()
    expect(byRequire.default).type.toBe<SessionRevocation>()
    expect(byRequire.MemoryStore).type.toBe<typeof MemoryStore>()
    expect(app.register(sessionRevocation)).type.not.toRaiseError()
    expect(app.register(byRequire, { cacheTtl: 1 })).type.not.toRaiseError()
  })

  test('takes a Keyv, an adapter, a MemoryStore, or anything with get and set', () => {
    expect<RevocationStore>().type.toBeAssignableFrom<Keyv>()
    expect<RevocationStore>().type.toBeAssignableFrom<KeyvRedis<string>>()
    expect<RevocationStore>().type.toBeAssignableFrom<MemoryStore>()
    expect<RevocationStore>().type.toBeAssignableFrom<{ get: (key: string) => string | null, set: (key: string, value: string) => void }>()
    expect<RevocationStore>().type.not.toBeAssignableFrom<{ get: (key: string) => string }>()
  })

  test('takes a subject that says text or nothing, of whatever session', () => {
    expect<SessionRevocationOptions>().type.toBeAssignableFrom({ subject: (session: Session) => session.get<string>('user') })
    expect<SessionRevocationOptions>().type.toBeAssignableFrom({ subject: (session: Session<{ user: string }>) => session.user })
    expect<SessionRevocationOptions>().type.toBeAssignableFrom({ subject: () => null })
    expect<SessionRevocationOptions>().type.not.toBeAssignableFrom({ subject: () => 42 })
  })

  test('has two ways out of an outage', () => {
    expect<SessionRevocationOptions['onStoreError']>().type.toBe<'reject' | 'accept' | undefined>()
  })
})

describe('an app', () => {
  test('can revoke, and ask', () => {
    const session = app.createSecureSession()
    expect(app.revokeSession(session)).type.toBe<Promise<void>>()
    expect(app.revokeSubject('42')).type.toBe<Promise<void>>()
    expect(app.revokeAll()).type.toBe<Promise<void>>()
    expect(app.isSessionRevoked(session)).type.toBe<Promise<boolean>>()
    expect(app.revokeSubject).type.not.toBeCallableWith(42)
    expect(app.revokeSession).type.not.toBeCallableWith('id')
  })
})
