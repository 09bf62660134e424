// The ES module of a program whose other file, cjs.tst.cts, is CommonJS. Each declares a key.
import type { FastifyRequest } from 'fastify'
import type * as esm from 'fastify-sealed-session'
import type * as cjs from 'fastify-sealed-session' with { 'resolution-mode': 'require' }
import { expect, test } from 'tstyche'

declare module 'fastify-sealed-session' {
  interface SessionData {
    fromEsm: string
  }
}

declare const request: FastifyRequest

test('both modules mean the same session', () => {
  expect(request.session).type.toBe<esm.Session>()
  expect(request.session).type.toBe<cjs.Session>()
  expect<esm.FastifySecureSession>().type.toBe<cjs.FastifySecureSession>()
  expect<esm.SecureSessionOptions>().type.toBe<cjs.SecureSessionOptions>()
})

test('an ES module sees the keys that either file declared', () => {
  expect(request.session.get('fromEsm')).type.toBe<string | undefined>()
  expect(request.session.get('fromCjs')).type.toBe<number | undefined>()
  expect(request.session.set).type.not.toBeCallableWith('fromNowhere', 1)
})
