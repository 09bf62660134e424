// Names of cookies with a prefix, and the attributes that browsers refuse for them.
import Fastify from 'fastify'
import secureSession, { Keyring, sealedSession } from 'fastify-sealed-session'
import type { SealedSessionPluginOptions, SecureSessionPluginOptions } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

const app = Fastify()
const key = new Keyring(['key'])
declare const isProduction: boolean
declare const anyName: string

describe('sealedSession', () => {
  test('takes a name with a prefix, and attributes that browsers take for it', () => {
    app.register(sealedSession, { key, cookieName: '__Host-sid' })
    app.register(sealedSession, { key, cookieName: '__Host-sid', cookie: { path: '/', sameSite: 'none', secure: true, partitioned: true } })
    app.register(sealedSession, { key, cookieName: '__Host-sid', cookie: { secure: 'auto', maxAge: 60, signed: true } })
    app.register(sealedSession, { key, cookieName: '__Secure-sid', cookie: { path: '/app', domain: 'app.example' } })
    app.register(sealedSession, [{ sessionName: 'session', key, cookieName: '__Host-sid', cookie: { path: '/' } }, { sessionName: 'other', key }])
  })

  test('refuses a domain, another path and `secure: false` with __Host-, and says why', () => {
    expect(app.register(sealedSession, { key, cookieName: '__Host-sid', cookie: { domain: 'app.example' } }))
      .type.toRaiseError(/A cookie whose name begins with __Host- must have no domain\./)
    expect(app.register(sealedSession, { key, cookieName: '__Host-sid', cookie: { path: '/app' } }))
      .type.toRaiseError(/A cookie whose name begins with __Host- must have the path/)
    expect(app.register(sealedSession, { key, cookieName: '__Host-sid', cookie: { secure: false } }))
      .type.toRaiseError(/A cookie whose name begins with __Secure- or __Host- must be secure\./)
    expect(app.register(sealedSession, { key, cookieName: '__Host-sid', cookieOptions: { domain: 'app.example' } }))
      .type.toRaiseError(/must have no domain\./)
    expect(app.register(sealedSession, [{ sessionName: 'a', key, cookieName: '__Host-sid', cookie: { domain: 'app.example' } }]))
      .type.toRaiseError(/must have no domain\./)
  })

  test('refuses `secure: false` with __Secure-', () => {
    expect(app.register(sealedSession, { key, cookieName: '__Secure-sid', cookie: { secure: false } }))
      .type.toRaiseError(/must be secure\./)
  })

  test('takes any attributes with a name that has no prefix', () => {
    const cookie = { path: '/app', domain: 'app.example', secure: isProduction }
    for (const cookieName of ['sid', 'S', '_sid', '___sid', '__app', '1'] as const) app.register(sealedSession, { key, cookieName, cookie })
    app.register(sealedSession, { key, cookie })
    app.register(sealedSession, { key, cookieName: undefined, cookie })
  })

  test('takes a name that the compiler does not know with attributes that all names take', () => {
    app.register(sealedSession, { key, cookieName: anyName, cookie: { path: '/', sameSite: 'strict', secure: 'auto' } })
    expect<SealedSessionPluginOptions>().type.not.toBeAssignableFrom<{ key: Keyring, cookieName: string, cookie: { domain: string } }>()
  })
})

describe('the drop-in', () => {
  test('takes any attributes with any name, as @fastify/secure-session does, and warns of them at the start', () => {
    app.register(secureSession, { key, cookieName: '__Host-sid', cookie: { domain: 'app.example' } })
    expect<SecureSessionPluginOptions>().type.toBeAssignableFrom<{ key: Keyring, cookieName: string, cookie: { domain: string, path: string, secure: boolean } }>()
  })
})
