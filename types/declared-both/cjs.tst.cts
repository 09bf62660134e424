// The CommonJS file of a program whose other file, esm.tst.mts, is an ES module. Each declares a key.
import type { FastifyRequest } from 'fastify'
import type { Session } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

declare module 'fastify-sealed-session' {
  interface SessionData {
    fromCjs: number
  }
}

declare const request: FastifyRequest

test('a CommonJS file sees the keys that either file declared', () => {
  expect(request.session).type.toBe<Session>()
  expect(request.session.get('fromEsm')).type.toBe<string | undefined>()
  expect(request.session.get('fromCjs')).type.toBe<number | undefined>()
  expect(request.session.set).type.not.toBeCallableWith('fromNowhere', 1)
})
