// A program in which nobody declares what a session holds.
import Fastify from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { FastifyRequest } from 'fastify'
import secureSession, { type CookieRequest, type Session, type SessionData } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

const app = Fastify()
app.register(secureSession, { key: 'key' })

declare const session: Session
declare const request: FastifyRequest

type IsAny<T> = 0 extends 1 & T ? true : false

interface Profile {
  name: string
  visits: number
}

declare const profile: Session<Profile>
export const readUserId = () => session.get('userId')

describe('without declared keys', () => {
  test('nothing is declared in SessionData', () => {
    expect<SessionData>().type.toBe<{}>()
  })

  test('`set` takes any key and value', () => {
    expect(session.set).type.toBeCallableWith('userId', 1)
    expect(session.set).type.toBeCallableWith('cart', { items: [] })
    expect(session.set('userId', 1)).type.toBe<void>()
    expect(session.set).type.not.toBeCallableWith(1, 1)
    expect(session.set).type.not.toBeCallableWith('userId')
  })

  test('`get` gives any, unless the caller says what it is', () => {
    expect<IsAny<ReturnType<typeof readUserId>>>().type.toBe<true>()
    expect(session.get<number>('userId')).type.toBe<number | undefined>()
  })

  test('a property is not known', () => {
    expect(session).type.not.toHaveProperty('userId')
  })

  test('`request.session` is a Session, and no other session is on the request', () => {
    expect(request.session).type.toBe<Session>()
    expect(request).type.not.toHaveProperty('profile')
  })
})

describe('methods of a session', () => {
  test('`data` gives all of it', () => {
    expect(session.data()).type.toBe<SessionData | undefined>()
    expect(profile.data()).type.toBe<Profile | undefined>()
  })

  test('`delete` and `touch` take nothing', () => {
    expect(session.delete()).type.toBe<void>()
    expect(session.touch()).type.toBe<void>()
    expect(session.delete).type.not.toBeCallableWith('userId')
  })

  test('`regenerate` takes no key, one key, or several', () => {
    expect(session.regenerate).type.toBeCallableWith()
    expect(session.regenerate).type.toBeCallableWith('userId')
    expect(session.regenerate).type.toBeCallableWith(['userId', 'cart'])
    expect(session.regenerate).type.toBeCallableWith(['userId', 'cart'] as const)
    expect(session.regenerate).type.not.toBeCallableWith(1)
  })

  test('`options` takes what setCookie takes', () => {
    expect(session.options).type.toBeCallableWith({ maxAge: 42, path: '/', sameSite: 'lax', secure: 'auto', signed: true })
    expect(session.options).type.not.toBeCallableWith({ maxAge: '42' })
    expect(session.options).type.not.toBeCallableWith()
  })

  test('`changed` and `deleted` are writable booleans', () => {
    expect(session.changed).type.toBe<boolean>()
    expect(session.deleted).type.toBe<boolean>()
    session.changed = false
    session.deleted = false
  })

  test('methods may be taken out of the session', () => {
    const { get, set } = session
    expect(get<number>('userId')).type.toBe<number | undefined>()
    expect(set).type.toBeCallableWith('userId', 1)
  })
})

describe('outside a request', () => {
  test('`createSecureSession` takes an object, or nothing', () => {
    expect(app.createSecureSession()).type.toBe<Session>()
    expect(app.createSecureSession({ userId: 1 })).type.toBe<Session>()
    expect(app.createSecureSession(null)).type.toBe<Session>()
    expect(app.createSecureSession).type.toBeCallableWith({ name: 'Ada', visits: 1 } as Profile)
    expect(app.createSecureSession).type.not.toBeCallableWith('userId')
    expect(app.createSecureSession).type.not.toBeCallableWith(1)
  })

  test('`encodeSecureSession` takes any session and gives a string', () => {
    expect(app.encodeSecureSession(session)).type.toBe<string>()
    expect(app.encodeSecureSession(profile, 'profile')).type.toBe<string>()
    expect(app.encodeSecureSession).type.not.toBeCallableWith({ userId: 1 })
    expect(app.encodeSecureSession).type.not.toBeCallableWith(session, 1)
  })

  test('`decodeSecureSession` takes what `request.cookies` holds: a string or undefined', () => {
    expect(app.decodeSecureSession('token')).type.toBe<Session | null>()
    expect(app.decodeSecureSession(undefined)).type.toBe<Session | null>()
    expect(app.decodeSecureSession(request.cookies['session'])).type.toBe<Session | null>()
    expect(app.decodeSecureSession).type.not.toBeCallableWith(1)
    expect(app.decodeSecureSession).type.not.toBeCallableWith()
  })

  test('`decodeSecureSession` takes a request, of Fastify or node:http, over HTTP/2 too', () => {
    expect(app.decodeSecureSession(request)).type.toBe<Session | null>()
    expect(app.decodeSecureSession).type.toBeCallableWith({} as IncomingMessage)
    expect(app.decodeSecureSession).type.toBeCallableWith({} as Http2ServerRequest, app.log, 'profile')
    expect<CookieRequest>().type.toBeAssignableFrom<FastifyRequest>()
    expect(app.decodeSecureSession).type.not.toBeCallableWith(request.session)
    expect(app.decodeSecureSession).type.not.toBeCallableWith({ headers: new Headers() })
  })

  test('what they give may be assigned to a request', () => {
    request.session = app.createSecureSession()
    request.session = app.decodeSecureSession('token') ?? app.createSecureSession()
    expect(request.session = { userId: 1 }).type.toRaiseError()
  })

  test('`decodeSecureSession` takes any of Fastify\'s loggers, or undefined, and the name of a session', () => {
    expect(app.decodeSecureSession).type.toBeCallableWith('token', app.log)
    expect(app.decodeSecureSession).type.toBeCallableWith('token', request.log, 'profile')
    expect(app.decodeSecureSession).type.toBeCallableWith('token', undefined, 'profile')
    expect(app.decodeSecureSession).type.not.toBeCallableWith('token', 'profile')
  })

  test('what `decodeSecureSession` gives can be typed', () => {
    expect(app.decodeSecureSession<Profile>('token', undefined, 'profile')).type.toBe<Session<Profile> | null>()
  })
})

describe('functions over sessions', () => {
  test('one that takes any session is given a typed one', () => {
    function logOut (session: Session): void { session.delete() }
    expect(logOut).type.toBeCallableWith(profile)
    expect(logOut).type.toBeCallableWith(request.session)
  })

  test('a generic one reads and writes', () => {
    function replace<Data, Key extends keyof Data> (session: Session<Data>, key: Key, value: Data[Key]): Data[Key] | undefined {
      const before = session.get(key)
      session.set(key, value)
      return before
    }
    expect(replace(profile, 'visits', 2)).type.toBe<number | undefined>()
    expect(replace).type.not.toBeCallableWith(profile, 'visits', '2')
  })
})
