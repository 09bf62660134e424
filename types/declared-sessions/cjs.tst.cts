// A CommonJS file of the same program, which declares one more session.
import type { FastifyRequest } from 'fastify'
import type { Session } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

declare module 'fastify-sealed-session' {
  interface Sessions {
    visitor: { visits: number }
  }
}

declare const request: FastifyRequest

test('a CommonJS file sees the sessions that either file declared', () => {
  expect(request.visitor).type.toBe<Session<{ visits: number }>>()
  expect(request.visitor.get('visits')).type.toBe<number | undefined>()
  expect(request.admin.get('adminId')).type.toBe<string | undefined>()
  expect(request.session.get).type.not.toBeCallableWith('adminId')
})
