// What authenticated, requireSession and requireFresh take and return, for an app that declares its data.
import Fastify, { type FastifyRequest } from 'fastify'
import { authenticated, requireFresh, requireSession, sessionInfo, type NotFreshError, type Session, type SessionGuard } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

declare module 'fastify' {
  interface FastifyRequest {
    guarded: Session<{ adminId: string }>
  }
}

declare const request: FastifyRequest
declare const error: NotFreshError

describe('requireSession', () => {
  test('takes the keys that are declared, and no other', () => {
    expect(requireSession({ keys: ['userId'] })).type.toBe<SessionGuard>()
    expect(requireSession()).type.toBe<SessionGuard>()
    expect(requireSession).type.not.toBeCallableWith({ keys: ['userID'] })
    expect(requireSession).type.not.toBeCallableWith({ keys: ['get'] })
    expect(requireSession).type.not.toBeCallableWith({ keys: 'userId' })
  })

  test('takes the keys of the session that is named', () => {
    expect(requireSession({ sessionName: 'guarded', keys: ['adminId'] })).type.toBe<SessionGuard>()
    expect(requireSession).type.not.toBeCallableWith({ sessionName: 'guarded', keys: ['userId'] })
  })

  test('takes any keys of a session that is not declared', () => {
    expect(requireSession({ sessionName: 'other', keys: ['anything'] })).type.toBe<SessionGuard>()
  })

  test('takes no other options', () => {
    expect(requireSession).type.not.toBeCallableWith({ key: ['userId'] })
    expect(requireSession).type.not.toBeCallableWith({ redirect: 5 })
  })
})

describe('requireFresh', () => {
  test('needs the seconds', () => {
    expect(requireFresh({ within: 300 })).type.toBe<SessionGuard>()
    expect(requireFresh({ within: 300, method: 'password', redirect: '/confirm', sessionName: 'session' })).type.toBe<SessionGuard>()
    expect(requireFresh).type.not.toBeCallableWith()
    expect(requireFresh).type.not.toBeCallableWith({})
    expect(requireFresh).type.not.toBeCallableWith({ within: '300' })
    expect(requireFresh).type.not.toBeCallableWith({ within: 300, keys: ['userId'] })
  })

  test('throws an error with what a page has to ask for', () => {
    expect(error.within).type.toBe<number>()
    expect(error.method).type.toBe<string | null>()
    expect(error.statusCode).type.toBe<403>()
  })
})

describe('a guard', () => {
  const app = Fastify()
  const guards = [requireSession({ keys: ['userId'] }), requireFresh({ within: 300 })]

  test('is a hook of a route, of an app and of routes with types of their own', () => {
    expect(app.get('/', { onRequest: guards }, async () => '')).type.not.toRaiseError()
    expect(app.get('/', { onRequest: requireSession(), preValidation: guards, preHandler: requireFresh({ within: 1 }) }, async () => '')).type.not.toRaiseError()
    expect(app.addHook('onRequest', requireSession())).type.not.toRaiseError()
    expect(app.addHook('preValidation', requireSession())).type.not.toRaiseError()
    expect(app.addHook('preHandler', requireSession())).type.not.toRaiseError()
    expect(app.post<{ Body: { amount: number }, Params: { id: string }, Reply: { 200: { done: boolean } } }>(
      '/:id', { onRequest: guards, preHandler: requireSession() }, async () => ({ done: true })
    )).type.not.toRaiseError()
    expect(app.route<{ Querystring: { q: string } }>({ method: 'GET', url: '/q', preHandler: guards, handler: async request => request.query.q })).type.not.toRaiseError()
    expect(Fastify({ http2: true }).get('/', { preHandler: guards }, async () => '')).type.not.toRaiseError()
  })
})

describe('authenticated', () => {
  test('takes a session, whatever that holds, and the name of a method', () => {
    expect(authenticated(request.session)).type.toBe<void>()
    expect(authenticated(request.guarded, 'totp')).type.toBe<void>()
    expect(authenticated).type.not.toBeCallableWith('token')
    expect(authenticated).type.not.toBeCallableWith(request.session, 5)
    expect(authenticated).type.not.toBeCallableWith()
  })

  test('gives times that may be missing', () => {
    expect(sessionInfo(request.session).authentications.password).type.toBe<Date | undefined>()
  })
})
