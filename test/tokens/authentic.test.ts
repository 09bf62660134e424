// Authentic tokens, sealed with the right key, whose content no honest server would have sealed.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { get, newApp, post } from '../support/app.ts'
import { captureLog, newKey, setCookies, tokenOf, type LogLine } from '../support/helpers.ts'
import { cookieHeader, openRaw, refusals, sealRaw, seconds, stopClock } from '../support/configurations.ts'

async function start (t: TestContext): Promise<{ app: FastifyInstance, key: Buffer, lines: LogLine[], seal: (plaintext: string | Buffer) => string }> {
  stopClock(t)
  const { lines, logger } = captureLog()
  const key = newKey()
  const app = newApp({ server: { logger: logger! }, session: { key } })
  await app.ready()
  return { app, key, lines, seal: plaintext => sealRaw(key, plaintext) }
}

/** Refused where it is decoded and in a request: no error, an empty session, one line at level debug each. */
async function assertRefused (app: FastifyInstance, lines: LogLine[], token: string, reason: RegExp): Promise<void> {
  assert.equal(app.decodeSecureSession(token), null)
  const response = await get(app, '/get', cookieHeader(token))
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json(), {})
  assert.deepEqual(setCookies(response), [])
  assert.equal(refusals(lines).length, 2, 'one line each')
  for (const line of refusals(lines)) assert.match(line, reason)
  assert.deepEqual(lines.filter(({ level }) => level > 30), [], 'no warning or error')
}

async function assertOpened (app: FastifyInstance, lines: LogLine[], token: string, data: object): Promise<void> {
  assert.deepEqual(app.decodeSecureSession(token)?.data(), data)
  const response = await get(app, '/get', cookieHeader(token))
  assert.deepEqual(response.json(), data)
  assert.deepEqual(refusals(lines), [])
}

describe('a token without a time', () => {
  const times: Array<[what: string, json: (now: number) => string]> = [
    ['none', () => '{"user":1}'],
    ['null', () => '{"user":1,"__ts":null}'],
    ['a string of digits', now => `{"user":1,"__ts":"${now}"}`],
    ['an empty string', () => '{"user":1,"__ts":""}'],
    ['true', () => '{"user":1,"__ts":true}'],
    ['an array of a number', now => `{"user":1,"__ts":[${now}]}`],
    ['an object', () => '{"user":1,"__ts":{}}'],
    ['a number that is not finite', () => '{"user":1,"__ts":1e400}'],
    ['a negative number that is not finite', () => '{"user":1,"__ts":-1e400}'],
    ['a time that a second one takes back', now => `{"user":1,"__ts":${now},"__ts":null}`],
    ['only in a nested object', now => `{"user":{"__ts":${now}}}`],
    ['only on what __proto__ names', now => `{"user":1,"__proto__":{"__ts":${now}}}`],
    ['under a name in other letters', now => `{"user":1,"__TS":${now},"__ts ":${now}}`],
    ['in an empty object', () => '{}']
  ]
  for (const [what, json] of times) {
    it(`is refused: ${what}`, async t => {
      const { app, lines, seal } = await start(t)
      await assertRefused(app, lines, seal(json(seconds())), /no time/)
    })
  }

  it('is not refused for a name that is only spelt otherwise in the JSON', async t => {
    const { app, lines, seal } = await start(t)
    await assertOpened(app, lines, seal(`{"user":1,"\\u005f_ts":${seconds()}}`), { user: 1 })
  })
})

describe('a token from the future', () => {
  for (const ahead of [60.5, 61, 3600, 86401, 1e9, 1e15, 1e300]) {
    it(`is refused where it is ${ahead} seconds ahead`, async t => {
      const { app, lines, seal } = await start(t)
      await assertRefused(app, lines, seal(`{"user":1,"__ts":${seconds() + ahead}}`), /from the future/)
    })
  }

  for (const ahead of [1, 59, 60]) {
    it(`is opened where it is ${ahead} seconds ahead, since clocks of servers differ`, async t => {
      const { app, lines, seal } = await start(t)
      await assertOpened(app, lines, seal(`{"user":1,"__ts":${seconds() + ahead}}`), { user: 1 })
    })
  }

  it('is refused in milliseconds, which are far in the future as seconds', async t => {
    const { app, lines, seal } = await start(t)
    await assertRefused(app, lines, seal(`{"user":1,"__ts":${Date.now()}}`), /from the future/)
  })
})

describe('a token from the past', () => {
  for (const time of [0, -1, -1e300]) {
    it(`is refused as expired: ${time}`, async t => {
      const { app, lines, seal } = await start(t)
      await assertRefused(app, lines, seal(`{"user":1,"__ts":${time}}`), /expiry reached/)
    })
  }
})

describe('authentic plaintext that is not a JSON object', () => {
  const plaintexts: Array<[what: string, plaintext: (now: number) => string | Buffer]> = [
    ['an empty array', () => '[]'],
    ['an array of an object with a time', now => `[{"user":1,"__ts":${now}}]`],
    ['null', () => 'null'],
    ['true', () => 'true'],
    ['a number', now => String(now)],
    ['a string', () => '"text"'],
    ['a string that holds an object', now => JSON.stringify(`{"user":1,"__ts":${now}}`)],
    ['nothing', () => ''],
    ['white space', () => ' \n'],
    ['text', () => 'hello'],
    ['undefined', () => 'undefined'],
    ['an object that is cut off', now => `{"user":1,"__ts":${now}`],
    ['an object with something after it', now => `{"user":1,"__ts":${now}}{}`],
    ['an object after a byte order mark', now => `\ufeff{"user":1,"__ts":${now}}`],
    ['an object in single quotes', now => `{'user':1,'__ts':${now}}`],
    ['an object in UTF-16', now => Buffer.from(`{"user":1,"__ts":${now}}`, 'utf16le')],
    ['NaN as a value', now => `{"user":NaN,"__ts":${now}}`],
    ['bytes that are no UTF-8', () => Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['zero bytes', () => Buffer.alloc(32)],
    ['arrays in arrays, deeply', () => '['.repeat(20000)]
  ]
  for (const [what, plaintext] of plaintexts) {
    it(`is refused, and is no error 500: ${what}`, async t => {
      const { app, lines, seal } = await start(t)
      await assertRefused(app, lines, seal(plaintext(seconds())), /not a JSON object/)
    })
  }

  it('does not keep the app from starting a new session in its place', async t => {
    const { app, key, seal } = await start(t)
    const response = await post(app, '/set', cookieHeader(seal('[]')), { user: 2 })
    assert.equal(response.statusCode, 200)
    assert.deepEqual(openRaw(key, tokenOf(response)), { user: 2, __ts: seconds() })
  })

  it('is refused where an older key sealed it, too', async t => {
    stopClock(t)
    const { lines, logger } = captureLog()
    const [newer, older] = [newKey(), newKey()]
    const app = newApp({ server: { logger: logger! }, session: { key: [newer, older] } })
    await app.ready()
    await assertRefused(app, lines, sealRaw(older, '[]'), /not a JSON object/)
  })
})
