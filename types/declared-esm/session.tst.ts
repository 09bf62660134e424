// A program that declares what its sessions hold, in ES modules.
import Fastify from 'fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import secureSession, { type Session, type SessionData } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

type IsAny<T> = 0 extends 1 & T ? true : false

interface Profile {
  name: string
  visits?: number
}

declare module 'fastify-sealed-session' {
  interface SessionData {
    userId: number
    cart: { items: string[] }
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    profile: Session<Profile>
  }
}

const app = Fastify()
app.register(secureSession, [{ sessionName: 'session', key: 'key' }, { sessionName: 'profile', key: 'key' }])

declare const request: FastifyRequest
const { session, profile } = request
export const readName = () => session.get('name')
export const readUserId = () => profile.get('userId')

describe('a session whose keys are declared', () => {
  test('is what the request has', () => {
    expect(session).type.toBe<Session>()
    expect(session).type.toBe<Session<SessionData>>()
    expect<keyof SessionData>().type.toBe<'userId' | 'cart'>()
    app.get('/', async (request, reply) => {
      expect(request).type.toBeAssignableTo<FastifyRequest>()
      expect(reply).type.toBeAssignableTo<FastifyReply>()
      expect(request.session).type.toBe<Session>()
    })
  })

  test('reads them with their types, by `get` and as properties', () => {
    expect(session.get('userId')).type.toBe<number | undefined>()
    expect(session.get('cart')).type.toBe<{ items: string[] } | undefined>()
    expect(session.userId).type.toBe<number | undefined>()
    expect(session.cart).type.toBe<{ items: string[] } | undefined>()
    expect(session.data()).type.toBe<SessionData | undefined>()
  })

  test('stores them with their types, by `set` and as properties', () => {
    expect(session.set).type.toBeCallableWith('userId', 1)
    expect(session.set).type.toBeCallableWith('userId', undefined)
    expect(session.set).type.not.toBeCallableWith('userId', '1')
    expect(session.set).type.not.toBeCallableWith('userId', null)
    session.userId = 1
    expect(session.userId = '1').type.toRaiseError()
  })

  test('refuses to store any other', () => {
    expect(session.set).type.not.toBeCallableWith('name', 'Ada')
    expect(session.set).type.not.toBeCallableWith('toString', 'Ada')
    expect(session).type.not.toHaveProperty('name')
  })

  test('reads any other as any, unless the caller says what it is', () => {
    expect<IsAny<ReturnType<typeof readName>>>().type.toBe<true>()
    expect(session.get<string>('name')).type.toBe<string | undefined>()
  })

  test('keeps its types where methods are taken out of it', () => {
    const { get, set } = session
    expect(get('userId')).type.toBe<number | undefined>()
    expect(set).type.not.toBeCallableWith('name', 'Ada')
  })

  test('is what is made, opened and sealed outside a request', () => {
    expect(app.createSecureSession({ userId: 1 })).type.toBe<Session>()
    expect(app.createSecureSession().userId).type.toBe<number | undefined>()
    expect(app.decodeSecureSession('token')).type.toBe<Session | null>()
    expect(app.encodeSecureSession(session)).type.toBe<string>()
  })
})

describe('a session with another name', () => {
  test('has keys of its own', () => {
    expect(profile).type.toBe<Session<Profile>>()
    expect(profile.get('name')).type.toBe<string | undefined>()
    expect(profile.get('visits')).type.toBe<number | undefined>()
    expect(profile.name).type.toBe<string | undefined>()
    expect(profile.data()).type.toBe<Profile | undefined>()
    expect(profile.set).type.toBeCallableWith('name', 'Ada')
    expect(profile.set).type.not.toBeCallableWith('name', 1)
  })

  test('has none of the first', () => {
    expect<IsAny<ReturnType<typeof readUserId>>>().type.toBe<true>()
    expect(profile.set).type.not.toBeCallableWith('userId', 1)
    expect(profile).type.not.toHaveProperty('userId')
  })

  test('has the methods of every session', () => {
    expect(profile.delete).type.toBeCallableWith()
    expect(profile.touch).type.toBeCallableWith()
    expect(profile.options).type.toBeCallableWith({ maxAge: 42 })
    expect(profile.regenerate).type.toBeCallableWith(['name'])
  })

  test('is opened and sealed outside a request', () => {
    expect(app.decodeSecureSession<Profile>('token', app.log, 'profile')).type.toBe<Session<Profile> | null>()
    expect(app.encodeSecureSession(profile, 'profile')).type.toBe<string>()
  })
})
