// What the guards take as long as nobody has declared a session's data.
import { requireSession, type GuardKey, type SessionGuard } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

test('requireSession takes any keys', () => {
  expect<GuardKey<'session'>>().type.toBe<string>()
  expect(requireSession({ keys: ['userId', 'tenant'] })).type.toBe<SessionGuard>()
})
