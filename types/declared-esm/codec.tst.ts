// Tokens without Fastify, in a program that declares what its sessions hold (in session.tst.ts).
import type { IncomingMessage } from 'node:http'
import { unsign } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { Keyring, createSessionCodec, type Format, type OpenedToken, type RefusalReason, type SessionCodec, type SessionData, type TokenData, type Unsign } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

interface Ticket {
  userId: number
  room: string
}

declare const app: FastifyInstance
declare const request: IncomingMessage
declare const codec: SessionCodec
declare const tickets: SessionCodec<Ticket>

describe('createSessionCodec', () => {
  test('gives a codec of the declared keys, or of those that the caller names', () => {
    expect(createSessionCodec({ key: 'key' })).type.toBe<Promise<SessionCodec>>()
    expect(createSessionCodec<Ticket>({ key: 'key' })).type.toBe<Promise<SessionCodec<Ticket>>>()
  })

  test('takes the options of one session, whatever it has for a key', () => {
    expect(createSessionCodec).type.toBeCallableWith({ key: ['new', 'old'], format: 'sealed', cookieName: '__Host-session' } as const)
    expect(createSessionCodec).type.toBeCallableWith({ key: new Keyring('key'), accept: ['secretbox'] })
    expect(createSessionCodec).type.toBeCallableWith({ secret: 'secret', context: 'ticket', expiry: 30 })
  })

  test('takes nothing else: no list of sessions, and not without a key', () => {
    expect(createSessionCodec).type.not.toBeCallableWith()
    expect(createSessionCodec).type.not.toBeCallableWith({})
    expect(createSessionCodec).type.not.toBeCallableWith([{ sessionName: 'session', key: 'key' }])
    expect(createSessionCodec).type.not.toBeCallableWith({ key: 'key', format: 'jwt' })
  })
})

describe('seal', () => {
  test('takes the declared keys, all or some of them', () => {
    expect(codec.seal).type.toBeCallableWith({ userId: 1, cart: { items: [] } })
    expect(codec.seal).type.toBeCallableWith({ userId: 1 })
    expect(codec.seal({})).type.toBe<string>()
  })

  test('takes no other keys or values', () => {
    expect(codec.seal).type.not.toBeCallableWith({ userId: '1' })
    expect(codec.seal).type.not.toBeCallableWith({ name: 'Ada' })
    expect(codec.seal).type.not.toBeCallableWith()
    expect(codec.seal).type.not.toBeCallableWith(null)
  })

  test('takes exactly what the caller has named', () => {
    expect(tickets.seal).type.toBeCallableWith({ userId: 1, room: 'lobby' })
    expect(tickets.seal).type.not.toBeCallableWith({ userId: 1 })
  })
})

describe('open', () => {
  test('takes what a cookie parser gives: a string or undefined', () => {
    expect(codec.open).type.toBeCallableWith('token')
    expect(codec.open).type.toBeCallableWith(undefined)
    expect(codec.open).type.not.toBeCallableWith(null)
    expect(codec.open).type.not.toBeCallableWith(1)
  })

  test('gives what the token holds once `ok` was looked at, and not before', () => {
    const opened = codec.open('token')
    expect(opened).type.toBe<OpenedToken>()
    expect(opened).type.not.toHaveProperty('data')
    expect(opened).type.not.toHaveProperty('reason')
    if (opened.ok) {
      expect(opened.data).type.toBe<Partial<SessionData>>()
      expect(opened.createdAt).type.toBe<Date | null>()
      expect(opened.lastWriteAt).type.toBe<Date>()
      expect(opened.expiresAt).type.toBe<Date>()
      expect(opened.keyId).type.toBe<string>()
      expect(opened.format).type.toBe<Format>()
      expect(opened.stale).type.toBe<boolean>()
      expect(opened).type.not.toHaveProperty('reason')
    } else {
      expect(opened.reason).type.toBe<RefusalReason>()
      expect(opened).type.not.toHaveProperty('data')
    }
  })

  test('says of a declared key that it may be missing: not every session is logged in', () => {
    const opened = codec.open('token')
    if (opened.ok) expect(opened.data.userId).type.toBe<number | undefined>()
    expect<TokenData>().type.toBe<Partial<SessionData>>()
  })

  test('gives what the caller has named', () => {
    const opened = tickets.open('token')
    expect(opened).type.toBe<OpenedToken<Ticket>>()
    if (opened.ok) expect(opened.data).type.toBe<Ticket>()
  })

  test('serves a function over codecs of any data', () => {
    function userOf<T extends { userId?: number }> (codec: SessionCodec<T>, token: string): number | undefined {
      const opened = codec.open(token)
      return opened.ok ? opened.data.userId : undefined
    }
    expect(userOf).type.toBeCallableWith(codec, 'token')
    expect(userOf).type.toBeCallableWith(tickets, 'token')
  })
})

describe('openCookies', () => {
  test('takes the header of a request of node:http', () => {
    expect(codec.openCookies).type.toBeCallableWith('session=token')
    expect(codec.openCookies).type.toBeCallableWith(request.headers.cookie)
    expect(codec.openCookies).type.not.toBeCallableWith(['session=token'])
    expect(codec.openCookies).type.not.toBeCallableWith(null)
    expect(codec.openCookies).type.not.toBeCallableWith()
  })

  test('takes what checks signatures: that of an app, or the one of @fastify/cookie with a secret', () => {
    expect(codec.openCookies).type.toBeCallableWith('session=token', app.unsignCookie)
    expect(codec.openCookies).type.toBeCallableWith('session=token', (value: string) => unsign(value, 'secret'))
    expect(codec.openCookies).type.not.toBeCallableWith('session=token', 'secret')
    expect(app.unsignCookie).type.toBeAssignableTo<Unsign>()
  })

  test('gives what open gives, or null where there is no cookie', () => {
    expect(codec.openCookies('session=token')).type.toBe<OpenedToken | null>()
    expect(tickets.openCookies('session=token')).type.toBe<OpenedToken<Ticket> | null>()
  })
})

describe('the reasons to refuse', () => {
  test('are all in this list, so that a switch over them needs no default', () => {
    function advice (reason: RefusalReason): string {
      switch (reason) {
        case 'malformed':
        case 'too-long':
        case 'ciphertext-length':
        case 'nonce-length': return 'no token'
        case 'version-unknown':
        case 'key-unknown':
        case 'format-not-accepted': return 'another configuration'
        case 'not-authentic':
        case 'header-invalid':
        case 'payload-invalid':
        case 'schema-invalid':
        case 'time-missing': return 'not of this session'
        case 'expired':
        case 'time-in-future': return 'not now'
        case 'signature-invalid': return 'not signed'
        case 'chunk-missing': return 'not complete'
        case 'revoked':
        case 'stamp-changed': return 'ended'
        case 'device-unproven':
        case 'device-required': return 'another device'
      }
    }
    expect(advice).type.toBeCallableWith('expired')
    expect(advice).type.not.toBeCallableWith('unknown')
  })
})
