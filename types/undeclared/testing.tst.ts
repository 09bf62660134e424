// What sessionCookies takes as long as nobody has declared a session's data.
import type { FastifyInstance } from 'fastify'
import type { BrowserContext } from 'playwright-core'
import { browserCookies, sessionCookies } from 'fastify-sealed-session/testing'
import { expect, test } from 'tstyche'

declare const app: FastifyInstance
declare const context: BrowserContext

test('sessionCookies takes any object', () => {
  expect(sessionCookies).type.toBeCallableWith(app, { userId: 42, tenant: { id: 'a' } })
  expect(sessionCookies).type.not.toBeCallableWith(app, 'ann')
  expect(sessionCookies).type.not.toBeCallableWith(app, null)
})

test('context.addCookies() of Playwright takes what browserCookies gives', async () => {
  const cookies = await browserCookies(app, { userId: 42 }, { url: 'http://localhost:3000' })
  expect(context.addCookies).type.toBeCallableWith(cookies)
})
