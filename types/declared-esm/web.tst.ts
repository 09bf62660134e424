// Sessions on web standards, in a program that declares what its sessions hold (in session.tst.ts).
import type { IncomingMessage } from 'node:http'
import { type Session, Keyring } from 'fastify-sealed-session'
import { authenticated, createWebSessions, sessionInfo, sessionSignal, type WebSession, type WebSessions } from 'fastify-sealed-session/web'
import { describe, expect, test } from 'tstyche'

interface Visit {
  visits: number
}

declare const sessions: WebSessions
declare const visits: WebSessions<Visit>
declare const incoming: IncomingMessage
const request = new Request('https://app.example/')
declare const session: WebSession
declare const visit: WebSession<Visit>

describe('createWebSessions', () => {
  test('gives sessions of the declared keys, or of those that the caller names', () => {
    expect(createWebSessions({ key: 'key' })).type.toBe<Promise<WebSessions>>()
    expect(createWebSessions<Visit>({ key: 'key' })).type.toBe<Promise<WebSessions<Visit>>>()
    expect(sessions.open(request)).type.toBe<Promise<WebSession>>()
    expect(visits.open(request)).type.toBe<Promise<WebSession<Visit>>>()
  })

  test('takes the options of one session and those of plugins, and nothing else', () => {
    expect(createWebSessions).type.toBeCallableWith({ key: new Keyring('key'), device: true, cookieSecret: ['new', 'old'], log: console })
    expect(createWebSessions).type.toBeCallableWith({ key: 'key', device: { policy: 'require', grace: 30 } })
    expect(createWebSessions).type.toBeCallableWith({ key: 'key', revocation: { subject: (own: Session) => String(own.get('userId')) }, registry: { maxSessions: 3 } })
    expect(createWebSessions).type.not.toBeCallableWith({ key: 'key', device: 'true' })
    expect(createWebSessions).type.not.toBeCallableWith([{ key: 'key' }])
  })
})

describe('open', () => {
  test('takes a web request, one of node:http, and an object with headers', () => {
    expect(sessions.open).type.toBeCallableWith(request, { extend: false })
    expect(sessions.open).type.toBeCallableWith(incoming)
    expect(sessions.open).type.toBeCallableWith({ headers: new Headers() })
    expect(sessions.open).type.toBeCallableWith({ headers: { cookie: 'session=token' } })
    expect(sessions.open).type.not.toBeCallableWith(request, { extend: 'false' })
    expect(sessions.open).type.not.toBeCallableWith('session=token')
  })
})

describe('a session on web standards', () => {
  test('is a session, with the declared keys', () => {
    expect(session).type.toBeAssignableTo<Session>()
    expect(session.get('userId')).type.toBe<number | undefined>()
    expect(session.userId).type.toBe<number | undefined>()
    expect(session.set).type.not.toBeCallableWith('userId', '1')
    expect(visit.get('visits')).type.toBe<number | undefined>()
    expect(visit.set).type.not.toBeCallableWith('visits', 'many')
  })

  test('is committed to web headers, and to those of a response', () => {
    expect(session.commit(new Headers())).type.toBe<Promise<void>>()
    expect(session.commit).type.toBeCallableWith(new Response().headers)
    expect(session.commit).type.not.toBeCallableWith({ 'content-type': 'text/plain' })
    expect(session.commit).type.not.toBeCallableWith()
  })

  test('is taken by the functions beside it, and by the methods that end it', () => {
    expect(sessionInfo(session).authentications).type.toBe<Readonly<Record<string, Date | undefined>>>()
    expect(authenticated).type.toBeCallableWith(session, 'password')
    expect(sessionSignal(visit)).type.toBe<AbortSignal>()
    expect(sessions.revokeSession(session)).type.toBe<Promise<void>>()
    expect(sessions.revokeSubject).type.toBeCallableWith('42', { except: session })
  })
})
