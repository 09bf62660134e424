// What a session shows of itself, and how the language's own operations see it.
import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { format, formatWithOptions, inspect, type InspectOptions } from 'node:util'
import type { Session } from '../../src/index.ts'
import { newApp, type Bag } from '../support/app.ts'
import { captureLog, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { cookieHeader, openRaw, visit } from '../support/configurations.ts'

const SECRET = 'top-secret-value'
const DATA = { userId: SECRET, card: { number: SECRET, parts: [SECRET] } }

async function sessionWithSecrets (): Promise<Session> {
  const app = newApp({ session: { key: newKey() } })
  await app.ready()
  return app.createSecureSession(DATA)
}

/** What is printed, in which the names of the keys can be expected. */
const NAMING: Record<string, (session: Session) => string> = {
  'util.inspect': session => inspect(session),
  'depth: 0': session => inspect(session, { depth: 0 }),
  'depth: Infinity': session => inspect(session, { depth: Infinity }),
  'depth: null': session => inspect(session, { depth: null }),
  'showProxy: true': session => inspect(session, { showProxy: true }),
  'showHidden: true': session => inspect(session, { showHidden: true }),
  'getters: true': session => inspect(session, { getters: true }),
  'colors, sorted, not compact': session => inspect(session, { colors: true, sorted: true, compact: false, breakLength: 20 }),
  'inside other objects': session => inspect({ request: { session } }),
  'inside an array in objects': session => inspect({ a: { b: [session] } }),
  'util.format %s': session => format('%s', session),
  'util.format %o': session => format('%o', session),
  'util.format %O': session => format('%O', session),
  'util.format without a place': session => format('session', session),
  'util.formatWithOptions': session => formatWithOptions({ compact: 0 }, '%O', session),
  'console.log': session => printed(console => console.log(session)),
  'console.error': session => printed(console => console.error('%s %O', 'session', session))
}

/** Ways around the session's own inspection, and formats without room for names. */
const BYPASSING: Record<string, (session: Session) => string> = {
  'customInspect: false': session => inspect(session, { customInspect: false }),
  ...Object.fromEntries(everyOption().map(options => [
    JSON.stringify(options), (session: Session) => inspect(session, { ...options, depth: Infinity })
  ])),
  'console.dir, which has no custom inspection': session => printed(console => console.dir(session, { depth: null, showHidden: true })),
  'an error that carries the session': session => inspect(Object.assign(new Error('x'), { session }), { depth: Infinity, showHidden: true }),
  'a method': session => inspect(session.get, { showHidden: true, depth: Infinity }),
  'String()': session => String(session),
  'a template string': session => `${session as unknown as string}`,
  'util.format %d %i %f %c': session => format('%d %i %f %c', session, session, session, session)
}

function everyOption (): InspectOptions[] {
  const both = [false, true]
  return both.flatMap(customInspect => both.flatMap(showProxy => both.flatMap(showHidden => both.map(getters =>
    ({ customInspect, showProxy, showHidden, getters })))))
}

function printed (print: (console: Console) => void): string {
  let text = ''
  const stream = new Writable({ write (chunk, _encoding, done) { text += String(chunk); done() } })
  print(new Console(stream, stream))
  return text
}

describe('a session that is printed', () => {
  for (const [way, print] of Object.entries(NAMING)) {
    it(`shows the names of its keys and no value: ${way}`, async () => {
      const text = print(await sessionWithSecrets())
      assert.match(text, /userId/)
      assert.match(text, /card/)
      assert.ok(!text.includes(SECRET), text)
    })
  }

  for (const [way, print] of Object.entries(BYPASSING)) {
    it(`shows no value: ${way}`, async () => {
      const text = print(await sessionWithSecrets())
      assert.ok(!text.includes(SECRET), text)
    })
  }

  it('shows no value where it came in a cookie, was changed or was deleted', async () => {
    const { result } = await visit(session => {
      const before = inspect(session)
      session.set('added', SECRET)
      const changed = inspect(session)
      session.delete()
      return { before, changed, deleted: inspect(session) }
    }, DATA)
    assert.match(result.before, /userId/)
    assert.match(result.changed, /added.*changed: true/s)
    assert.match(result.deleted, /deleted: true/)
    assert.doesNotMatch(result.deleted, /userId/)
    assert.ok(!JSON.stringify(result).includes(SECRET))
  })

  it('shows no value where the request or the app is printed', async () => {
    const key = newKey()
    const app = newApp({ session: { key } })
    let text = ''
    app.get('/print', async request => {
      request.session.get('userId')
      text = inspect(request, { depth: 6, showHidden: true }) + inspect(app, { depth: 4 })
      return 'done'
    })
    await app.ready()
    const cookie = cookieHeader(app.encodeSecureSession(app.createSecureSession(DATA)))
    await app.inject({ url: '/print', headers: { cookie } })
    assert.notEqual(text, '')
    assert.ok(!text.includes(SECRET))
    assert.ok(!text.includes(key.toString('hex').slice(0, 16)))
    assert.ok(!text.includes(inspect(key).slice(8, 40)))
  })
})

describe("the app's log", () => {
  it('shows no value of the session of a request that is logged, that fails or whose cookie is refused', async () => {
    const { lines, logger } = captureLog('trace')
    const app = newApp({ server: { logger: logger! }, session: { key: newKey() } })
    app.get('/fail', async request => {
      request.log.info({ req: request, res: request }, 'the request')
      request.session.set('more', { secret: SECRET, big: 1n })
      return 'done'
    })
    await app.ready()
    const token = app.encodeSecureSession(app.createSecureSession(DATA))
    const failed = await app.inject({ url: '/fail', headers: { cookie: cookieHeader(token) } })
    assert.equal(failed.statusCode, 500)
    await app.inject({ url: '/get', headers: { cookie: cookieHeader(`${token}A`) } })
    assert.ok(lines.length > 4)
    assert.ok(!JSON.stringify(lines).includes(SECRET))
    assert.ok(!JSON.stringify(lines).includes(token.slice(0, 20)))
  })

  it('writes what JSON.stringify gives where the app logs the session itself with pino, in one line', async () => {
    const { lines } = await visit((session, app) => {
      app.log.info({ session }, 'as a property')
      app.log.info(session, 'as the object')
    }, { user: 1 })
    assert.deepEqual(lines.find(({ msg }) => msg === 'as a property')?.session, { user: 1 })
    assert.equal(lines.find(({ msg }) => msg === 'as the object')?.user, 1)
  })
})

describe("the language's own operations", () => {
  const reads: Record<string, [read: (session: Bag) => unknown, expected: unknown]> = {
    'JSON.stringify': [session => JSON.stringify(session), '{"user":1,"cart":{"items":[2]}}'],
    'JSON.stringify with the session inside': [session => JSON.stringify({ session }), '{"session":{"user":1,"cart":{"items":[2]}}}'],
    'Object.keys': [session => Object.keys(session), ['user', 'cart']],
    'Object.entries': [session => Object.entries(session), [['user', 1], ['cart', { items: [2] }]]],
    'Object.getOwnPropertyNames': [session => Object.getOwnPropertyNames(session), ['user', 'cart']],
    'Object.hasOwn': [session => [Object.hasOwn(session, 'user'), Object.hasOwn(session, 'absent')], [true, false]],
    spread: [session => ({ ...session }), { user: 1, cart: { items: [2] } }],
    'Object.assign': [session => Object.assign({ a: 0 }, session), { a: 0, user: 1, cart: { items: [2] } }],
    'a rest pattern': [session => { const { user, ...rest } = session; return [user, rest] }, [1, { cart: { items: [2] } }]],
    'for … in': [session => { const names: string[] = []; for (const name in session) names.push(name); return names }, ['user', 'cart']],
    in: [session => ['user' in session, 'absent' in session, 'get' in session, 'changed' in session], [true, false, false, false]]
  }
  for (const [what, [read, expected]] of Object.entries(reads)) {
    it(`see the session's data, and change nothing: ${what}`, async () => {
      const { result, response } = await visit(read, { user: 1, cart: { items: [2] } })
      assert.deepEqual(result, expected)
      assert.deepEqual(setCookies(response), [])
    })
  }

  it('see an empty session as an empty object', async () => {
    const { result } = await visit(session => [JSON.stringify(session), Object.keys(session), { ...session }, 'user' in session])
    assert.deepEqual(result, ['{}', [], {}, false])
  })

  it('delete removes a key, from the cookie too', async () => {
    const { result, plaintext } = await visit(session => {
      const deleted = delete session.user
      return [deleted, session.user, session.get('user'), 'user' in session, Object.keys(session), session.changed, session.deleted]
    }, { user: 1, cart: 2 })
    assert.deepEqual(result, [true, undefined, undefined, false, ['cart'], true, false])
    assert.deepEqual(Object.keys(plaintext()), ['cart', '__ts'])
  })

  it('delete of a key that is not there is no error, and sends no cookie', async () => {
    const { result, response } = await visit(session => delete session.absent, { user: 1 })
    assert.equal(result, true)
    assert.deepEqual(setCookies(response), [])
  })

  it('Object.assign into the session stores each key', async () => {
    const { app, response, key } = await visit(session => { Object.assign(session, { a: 1, b: { c: 2 } }) })
    assert.deepEqual(app.decodeSecureSession(tokenOf(response))?.data(), { a: 1, b: { c: 2 } })
    assert.equal(openRaw(key, tokenOf(response)).a, 1)
  })

  it('a change of the copy that spread or data() made is no change of the session', async () => {
    const { result, response } = await visit(session => {
      Object.assign(session.data()!, { user: 2 })
      Object.assign({ ...session }, { user: 2 })
      return session.user
    }, { user: 1 })
    assert.equal(result, 1)
    assert.deepEqual(setCookies(response), [])
  })
})
