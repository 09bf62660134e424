// A program that declares what its sessions hold, in CommonJS files.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OpenedToken, Session, SessionCodec, SessionData } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

type IsAny<T> = 0 extends 1 & T ? true : false

interface Profile {
  name: string
}

declare module 'fastify-sealed-session' {
  interface SessionData {
    userId: number
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    profile: Session<Profile>
  }
}

declare const app: FastifyInstance
declare const request: FastifyRequest
const { session, profile } = request
export const readName = () => session.get('name')

test('the request has a session with the declared keys', () => {
  expect(session).type.toBe<Session>()
  expect<keyof SessionData>().type.toBe<'userId'>()
  expect(session.data()).type.toBe<SessionData | undefined>()
})

test('declared keys have their types, by method and as properties', () => {
  expect(session.get('userId')).type.toBe<number | undefined>()
  expect(session.userId).type.toBe<number | undefined>()
  expect(session.set).type.toBeCallableWith('userId', 1)
  expect(session.set).type.not.toBeCallableWith('userId', '1')
})

test('any other key is refused by `set` and read as any, or as what the caller says', () => {
  expect(session.set).type.not.toBeCallableWith('name', 'Ada')
  expect<IsAny<ReturnType<typeof readName>>>().type.toBe<true>()
  expect(session.get<string>('name')).type.toBe<string | undefined>()
  expect(session).type.not.toHaveProperty('name')
})

test('a session with another name has keys of its own', () => {
  expect(profile.get('name')).type.toBe<string | undefined>()
  expect(profile.get<number>('userId')).type.toBe<number | undefined>()
  expect(profile.set).type.not.toBeCallableWith('userId', 1)
})

test('the declared session is what is made, opened and sealed outside a request', () => {
  expect(app.createSecureSession().userId).type.toBe<number | undefined>()
  expect(app.decodeSecureSession('token')).type.toBe<Session | null>()
  expect(app.encodeSecureSession(session)).type.toBe<string>()
})

test('declared keys have their types in tokens without Fastify, and may be missing', () => {
  const codec: SessionCodec = {} as SessionCodec
  const opened: OpenedToken = codec.open('token')
  if (opened.ok) expect(opened.data).type.toBe<Partial<SessionData>>()
  expect(codec.seal).type.toBeCallableWith({ userId: 1 })
  expect(codec.seal).type.not.toBeCallableWith({ name: 'Ada' })
})
