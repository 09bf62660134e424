// A program whose only session has another name than `session`.
import type { FastifyRequest } from 'fastify'
import type { Session } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

declare module 'fastify-sealed-session' {
  interface Sessions {
    user: { userId: number }
  }
}

declare const request: FastifyRequest

test('the request has the session that is declared, and no `session`', () => {
  expect(request.user.get('userId')).type.toBe<number | undefined>()
  expect(request.user).type.toBe<Session<{ userId: number }>>()
  expect(request.user.get).type.not.toBeCallableWith('usrId')
  expect(request.session).type.toBe<undefined>()
})
