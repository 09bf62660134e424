// Mistakes with `sessionCookies` and `browserCookies`: each has an error that says what to do.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { browserCookies, sessionCookies } from '../../src/testing/index.ts'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'

const USER = { userId: 42 }
/** An app of NestJS, as far as it could pass for one of Fastify. */
const nest = { getHttpAdapter: () => ({}), init: async () => {}, inject: async () => {} }

/** Rejects with this code, and a message and advice that match. */
async function refused (run: (...given: never[]) => Promise<unknown>, given: readonly unknown[], code: string, words = /./): Promise<void> {
  await assert.rejects(run(...given as never[]), (error: Error & { code?: string, hint?: string }) => {
    assert.equal(error.code, `FST_SEALED_SESSION_${code}`)
    assert.match(`${error.message} ${error.hint}`, words)
    return true
  })
}

describe('sessionCookies refuses', () => {
  it('what is no app, and says what to pass', async () => {
    for (const [given, words] of [[undefined, /got undefined/], [Promise.resolve(newApp()), /got a promise.*Await/], [nest, /getHttpAdapter\(\)/], [{}, /got an object/]] as const) {
      await refused(sessionCookies, [given, USER], 'TEST_APP', words)
    }
  })

  it('an app without a session', async () => {
    await refused(sessionCookies, [newApp({ plugin: null, routes: {} }), USER], 'TEST_ALONE', /Register sealedSession/)
  })

  it('an app that does not start, with the error of the start', async () => {
    await refused(sessionCookies, [newApp({ session: { key: 'short' } }), USER], 'KEY_TEXT')
  })

  it('a session that there is not, and names those that there are', async t => {
    const app = newApp({ t, session: [{ key: newKey(), sessionName: 'session' }, { key: newKey(), sessionName: 'admin' }] })
    await refused(sessionCookies, [app, USER, { sessionName: 'admn' }], 'UNKNOWN_SESSION', /"session", "admin"/)
    await refused(sessionCookies, [app, USER, { sessionName: 1 }], 'OPTION_INVALID', /sessionName/)
  })

  it('data that is no object: a user who was not found is nobody to log in', async t => {
    const app = newApp({ t })
    for (const data of [undefined, null, 'ann', 42, [USER], Promise.resolve(USER)]) await refused(sessionCookies, [app, data], 'DATA_INVALID')
    await refused(sessionCookies, [app, { __ts: 1 }], 'KEY_RESERVED')
  })

  it('data that the app could not seal either', async t => {
    const app = newApp({ t, session: { key: newKey(), schema: z.object({ userId: z.number() }) } })
    await refused(sessionCookies, [app, { userId: '42' }], 'SCHEMA_INVALID', /userId/)
    await refused(sessionCookies, [newApp({ t }), { find: () => USER }], 'VALUE_UNSTORABLE', /find/)
    await refused(sessionCookies, [newApp({ t }), { text: 'x'.repeat(9000) }], 'COOKIE_TOO_LARGE')
  })

  it('a time that is none, or in the future, or in seconds', async t => {
    const app = newApp({ t })
    const times: Array<[at: unknown, words: RegExp]> = [
      ['2026-01-01', /got a string/], [null, /got null/], [NaN, /got NaN/], [-1, /got -1/], [new Date('never'), /invalid Date/], [Infinity, /future/],
      [Date.now() + 61_000, /in the future/], [Math.floor(Date.now() / 1000) - 3600, /looks like seconds/]
    ]
    for (const [at, words] of times) await refused(sessionCookies, [app, USER, { at }], 'OPTION_INVALID', words)
  })

  it('names of methods that authenticated() would not take', async t => {
    const app = newApp({ t })
    for (const authenticated of [true, '', 'A b', ['password', 1], Array.from({ length: 9 }, (_, index) => `m${index}`)]) {
      await refused(sessionCookies, [app, USER, { authenticated }], 'METHOD_INVALID')
    }
  })

  it('an option that there is not', async t => {
    await refused(sessionCookies, [newApp({ t }), USER, { session: 'admin' }], 'OPTION_UNKNOWN', /sessionName/)
    await refused(sessionCookies, [newApp({ t }), USER, { url: 'http://localhost' }], 'OPTION_UNKNOWN')
  })
})

describe('browserCookies refuses', () => {
  it('an address that is none of an app', async t => {
    for (const url of [undefined, '', '/path', 'localhost:3000', 'ftp://localhost', 42]) {
      await refused(browserCookies, [newApp({ t }), USER, { url }], 'OPTION_INVALID', /http:\/\/localhost:3000/)
    }
  })

  it('a call without options', async t => {
    await refused(browserCookies, [newApp({ t }), USER], 'OPTIONS_INVALID')
  })
})
