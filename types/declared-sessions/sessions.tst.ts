// A program that declares the sessions of its app in one place.
import Fastify from 'fastify'
import type { FastifyRequest } from 'fastify'
import { type AnySession, Keyring, requireSession, sealedSession, type NamedSession, type Session, type SessionCodec, type Sessions } from 'fastify-sealed-session'
import { deviceBinding } from 'fastify-sealed-session/device'
import { sessionRevocation } from 'fastify-sealed-session/revocation'
import { createWebSessions, type OpenOptions, type WebRequestSource, type WebSession, type WebSessions } from 'fastify-sealed-session/web'
import { describe, expect, test } from 'tstyche'

interface User {
  userId: number
  cart: { items: string[] }
}

declare module 'fastify-sealed-session' {
  interface Sessions {
    session: User
    admin: { adminId: string }
  }
}

const app = Fastify()
const key = new Keyring(['key'])
app.register(sealedSession, [{ sessionName: 'session', key }, { sessionName: 'admin', key }])

declare const request: FastifyRequest
const { session, admin } = request

type IsAny<T> = 0 extends 1 & T ? true : false
declare const anySession: AnySession
declare const webSessions: WebSessions
declare const webSession: WebSession
export const readAny = () => anySession.get('adminId')

describe('an app that declares its sessions', () => {
  test('has each of them on the request, by its name', () => {
    expect(session).type.toBe<Session<User>>()
    expect(session).type.toBe<Session>()
    expect(admin).type.toBe<Session<{ adminId: string }>>()
    expect(admin).type.toBe<NamedSession<'admin'>>()
    expect(request.visitor).type.toBe<Session<{ visits: number }>>()
    expect(request).type.not.toHaveProperty('other')
    app.get('/', async request => {
      expect(request.session.get('userId')).type.toBe<number | undefined>()
      expect(request.admin.adminId).type.toBe<string | undefined>()
    })
  })

  test('reads and writes the declared keys', () => {
    expect(session.get('userId')).type.toBe<number | undefined>()
    expect(session.userId).type.toBe<number | undefined>()
    expect(session.data()).type.toBe<Partial<User>>()
    expect(session.set).type.toBeCallableWith('userId', 1)
    expect(session.set).type.not.toBeCallableWith('userId', '1')
    expect(admin.get('adminId')).type.toBe<string | undefined>()
  })

  test('is told of a key that nobody declared', () => {
    expect(session.get).type.not.toBeCallableWith('usrId')
    expect(session.get('usrId')).type.toRaiseError("Argument of type '\"usrId\"' is not assignable to parameter of type 'keyof User'")
    expect(session.get<string>('usrId')).type.toRaiseError()
    expect(session.get).type.not.toBeCallableWith('adminId')
    expect(session.get).type.not.toBeCallableWith('toString')
    expect(session.set).type.not.toBeCallableWith('usrId', 1)
    expect(session).type.not.toHaveProperty('usrId')
    expect(admin.get).type.not.toBeCallableWith('userId')
    const { get } = session
    expect(get).type.not.toBeCallableWith('usrId')
  })

  test('opens and seals each outside a request', () => {
    expect(app.createSecureSession()).type.toBe<Session>()
    expect(app.decodeSecureSession('token')).type.toBe<Session | null>()
    expect(app.decodeSecureSession('token', app.log, 'admin')).type.toBe<NamedSession<'admin'> | null>()
    expect(app.decodeSecureSession('token', undefined, 'admin')?.get('adminId')).type.toBe<string | undefined>()
    expect(app.encodeSecureSession(session)).type.toBe<string>()
    expect(app.encodeSecureSession(admin, 'admin')).type.toBe<string>()
    const codec = {} as SessionCodec
    expect(codec.seal).type.toBeCallableWith({ userId: 1 })
    expect(codec.seal).type.not.toBeCallableWith({ usrId: 1 })
  })

  test('has guards that know the keys of each', () => {
    expect(requireSession).type.toBeCallableWith({ keys: ['userId'] } as const)
    expect(requireSession).type.not.toBeCallableWith({ keys: ['usrId'] } as const)
    expect(requireSession).type.toBeCallableWith({ sessionName: 'admin', keys: ['adminId'] } as const)
    expect(requireSession({ sessionName: 'admin', keys: ['userId'] })).type.toRaiseError()
  })

  test('gives functions in options a session that has the keys of each', () => {
    app.register(sessionRevocation, { subject: session => session.get('userId')?.toString() })
    app.register(sessionRevocation, { sessionName: 'admin', subject: session => session.get('adminId') })
    app.register(sessionRevocation, { sessionName: 'admin', subject: (session: NamedSession<'admin'>) => session.get('adminId') })
    app.register(deviceBinding, { sessionName: 'admin', when: session => session.get('adminId') !== undefined })
    app.register(deviceBinding, { sessionName: 'admin', when: (session: NamedSession<'admin'>) => session.get('adminId') !== undefined })
    expect({} as AnySession).type.toBeAssignableTo<Session>()
    expect(({} as AnySession).get).type.not.toBeCallableWith('usrId')
  })

  test('gets no `any` from a session', () => {
    expect<IsAny<ReturnType<Session['get']>>>().type.toBe<false>()
    expect<IsAny<ReturnType<typeof readAny>>>().type.toBe<false>()
  })

  test('can name their types', () => {
    expect<keyof Sessions>().type.toBe<'session' | 'admin' | 'visitor'>()
    expect((session: Session): string => String(session.get('userId'))).type.toBeCallableWith(session)
    expect((session: Session): string => String(session.get('userId'))).type.not.toBeCallableWith(admin)
  })
})

describe('a session on web standards', () => {
  test('has the keys of the session that is declared as "session", unless the caller names others', () => {
    expect(webSessions.open).type.toBe<(request: WebRequestSource, options?: OpenOptions) => Promise<WebSession<User>>>()
    expect(webSession.get('userId')).type.toBe<number | undefined>()
    expect(webSession.set).type.not.toBeCallableWith('usreId', 1)
    expect(createWebSessions<{ adminId: string }>({ key: 'key' })).type.toBe<Promise<WebSessions<{ adminId: string }>>>()
  })
})
