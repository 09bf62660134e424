// Several cookies of one name: a subdomain, another path or an attacker on the network can plant one.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { get, newApp, post } from '../support/app.ts'
import { captureLog, cookieOf, newKey, setCookies, type LogLine } from '../support/helpers.ts'
import { cookieHeader, refusals, sealRaw, seconds } from '../support/configurations.ts'

interface Started {
  app: FastifyInstance
  key: Buffer
  lines: LogLine[]
  /** The cookie of a session that was written so many seconds ago. */
  cookie: (data: object, age?: number) => string
}

async function start (options: object = {}, older: Buffer[] = []): Promise<Started> {
  const { lines, logger } = captureLog()
  const key = newKey()
  const app = newApp({ server: { logger: logger! }, session: { key: [key, ...older], ...options } })
  await app.ready()
  const cookie = (data: object, age = 0): string => cookieHeader(sealRaw(key, JSON.stringify({ ...data, __ts: seconds() - age })))
  return { app, key, lines, cookie }
}

const forged = (): string => cookieHeader(`${randomBytes(60).toString('base64')};${randomBytes(24).toString('base64')}`)

const PLANTED: Record<string, (started: Started) => string> = {
  'one that is forged': forged,
  'an empty one': () => 'session=',
  'one without a value': () => 'session',
  'one in quotes': () => 'session="x"',
  'one with broken percent-encoding': () => 'session=%E0%A4%A%;x',
  'one of another key': () => cookieHeader(sealRaw(newKey(), `{"user":2,"__ts":${seconds()}}`)),
  'one that expired': ({ cookie }) => cookie({ user: 2 }, 100_000),
  'one from the future': ({ cookie }) => cookie({ user: 2 }, -1000),
  'one that is no object': ({ key }) => cookieHeader(sealRaw(key, '[]')),
  'a long one': () => `session=${'A'.repeat(7000)}`,
  'an older session of the attacker': ({ cookie }) => cookie({ user: 2 }, 10),
  'one with another name that only starts the same': ({ cookie }) => cookie({ user: 2 }).replace('session=', 'session2='),
  'one with another name that only ends the same': ({ cookie }) => cookie({ user: 2 }).replace('session=', 'my-session='),
  'one of the same name in capitals': ({ cookie }) => cookie({ user: 2 }).replace('session=', 'Session='),
  'one called __proto__': () => '__proto__=x'
}

describe('a planted cookie does not log the user out', () => {
  for (const [what, plant] of Object.entries(PLANTED)) {
    it(`before, after and on both sides of the user's: ${what}`, async () => {
      const started = await start()
      const user = started.cookie({ user: 1 })
      const planted = plant(started)
      for (const header of [[planted, user], [user, planted], [planted, user, planted], ['a=1', planted, 'b=2', user, 'c=3']]) {
        const response = await get(started.app, '/get', header.join('; '))
        assert.equal(response.statusCode, 200)
        assert.deepEqual(response.json(), { user: 1 })
      }
    })
  }

  it('without a space after the ; that separates cookies', async () => {
    const { app, cookie } = await start()
    assert.deepEqual((await get(app, '/get', `${forged()};${cookie({ user: 1 })};`)).json(), { user: 1 })
  })

  it('in a signed session, signed or not', async () => {
    const { app } = await start({ cookie: { signed: true } })
    const user = cookieOf(await post(app, '/set', undefined, { user: 1 }))
    const unsigned = cookieHeader(app.encodeSecureSession(app.createSecureSession({ user: 2 })))
    const signed = `session=${encodeURIComponent(app.signCookie('nonsense'))}`
    for (const header of [[unsigned, user], [signed, user], [user, unsigned], [unsigned, signed, user, unsigned]]) {
      assert.deepEqual((await get(app, '/get', header.join('; '))).json(), { user: 1 })
    }
  })

  it('in a session that an older key sealed, which is sealed again with the first', async () => {
    const older = newKey()
    const { app } = await start({}, [older])
    const user = cookieHeader(sealRaw(older, `{"user":1,"__ts":${seconds()}}`))
    const response = await get(app, '/get', `${forged()}; ${user}`)
    assert.deepEqual(response.json(), { user: 1 })
    assert.equal(setCookies(response).length, 1)
  })

  it('where 15 of them come first', async () => {
    const { app, cookie } = await start()
    const header = [...Array.from({ length: 15 }, forged), cookie({ user: 1 })].join('; ')
    assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
  })

  for (const keys of [9, 32, 64, 100]) { // 9 leave one of the 64 attempts, 32 and 64 leave none
    it(`in a sealed session with ${keys} keys, where planted ones of the other format use up what may be tried of that`, async () => {
      const { app } = await start({ format: 'sealed', accept: ['sealed', 'secretbox'] }, Array.from({ length: keys }, newKey))
      const user = cookieOf(await post(app, '/set', undefined, { user: 1 }))
      const header = [...Array.from({ length: 15 }, forged), user].join('; ')
      assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
    })
  }

  for (const keys of [5, 17, 33, 64]) {
    it(`with ${keys} keys: planted cookies do not keep the newest keys from being tried`, async () => {
      const { app, cookie } = await start({}, Array.from({ length: keys - 1 }, newKey))
      const header = [...Array.from({ length: 15 }, forged), cookie({ user: 1 })].join('; ')
      assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
    })
  }

  for (const [planted, index] of [[15, 3], [7, 7], [3, 15], [1, 31]] as const) {
    it(`with 64 keys, where ${planted} come first and key ${index + 1} has sealed the user's: each is tried as often`, async () => {
      const keys = Array.from({ length: 64 }, newKey)
      const app = newApp({ session: { key: keys } })
      const user = cookieHeader(sealRaw(keys[index]!, `{"user":1,"__ts":${seconds()}}`)) // it is one of them
      const header = [...Array.from({ length: planted }, forged), user].join('; ')
      assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
    })
  }

  it('in a signed session with 33 keys', async () => {
    const { app } = await start({ cookie: { signed: true } }, Array.from({ length: 32 }, newKey))
    const user = cookieOf(await post(app, '/set', undefined, { user: 1 }))
    const signed = Array.from({ length: 15 }, (_, n) => `session=${n}AAA.${randomBytes(32).toString('base64url')}`)
    assert.deepEqual((await get(app, '/get', [...signed, user].join('; '))).json(), { user: 1 })
  })

  it('and a write answers with one cookie, which holds the write', async () => {
    const { app, cookie } = await start()
    const response = await post(app, '/set', `${forged()}; ${cookie({ user: 1 })}`, { more: 2 })
    assert.equal(setCookies(response).length, 1)
    assert.deepEqual((await get(app, '/get', cookieOf(response))).json(), { user: 1, more: 2 })
  })
})

describe('of several cookies that open', () => {
  it('the one written last counts, wherever it stands', async () => {
    const { app, cookie } = await start()
    const sessions = [cookie({ n: 1 }, 30), cookie({ n: 2 }, 20), cookie({ n: 3 }, 10)]
    for (const [a, b, c] of [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] as const) {
      const header = `${sessions[a]}; ${sessions[b]}; ${sessions[c]}`
      assert.deepEqual((await get(app, '/get', header)).json(), { n: 3 })
    }
  })
})

describe('that different sessions open in one request', () => {
  const SIGN = /different sessions open in one request/
  const notices = (lines: readonly LogLine[]): LogLine[] => lines.filter(({ msg }) => SIGN.test(msg))

  it('is said in the log once, at level info, without a value', async () => {
    const { app, cookie, lines } = await start()
    await get(app, '/get', [cookie({ n: 'first' }, 30), cookie({ n: 'second' }, 20), cookie({ n: 'third' })].join('; '))
    assert.deepEqual(notices(lines).map(({ level }) => level), [30])
    assert.doesNotMatch(JSON.stringify(lines), /first|second|third/)
  })

  it('is in each message about them, with the number of the others', async t => {
    const { app, cookie } = await start()
    const counts: number[] = []
    const count = (message: unknown): void => { counts.push((message as { others: number }).others) }
    subscribe('fastify-sealed-session:open', count)
    t.after(() => unsubscribe('fastify-sealed-session:open', count))
    await get(app, '/get', [forged(), cookie({ n: 1 }, 30), cookie({ n: 2 }, 20), cookie({ n: 3 })].join('; '))
    assert.deepEqual(counts, [0, 2, 2, 2])
  })

  const ordinary: Record<string, (started: Started) => string | Promise<string>> = {
    'one cookie': ({ cookie }) => cookie({ n: 1 }),
    'the same cookie twice': ({ cookie }) => { const one = cookie({ n: 1 }); return `${one}; ${one}` },
    'the same token twice, once as a whole line': ({ cookie }) => { const one = cookie({ n: 1 }); return `${one}; ${one}%3B%20Path%3D%2F` },
    'one that does not open beside it': ({ cookie }) => `${forged()}; ${cookie({ n: 1 })}`,
    'one that expired beside it': ({ cookie }) => `${cookie({ n: 2 }, 100_000)}; ${cookie({ n: 1 })}`
  }
  for (const [what, header] of Object.entries(ordinary)) {
    it(`is not said of ${what}`, async () => {
      const started = await start()
      assert.deepEqual((await get(started.app, '/get', await header(started))).json(), { n: 1 })
      assert.deepEqual(notices(started.lines), [])
    })
  }

  it('is not said of two writes of one session, where its tokens say which session they are of', async () => {
    const { app, lines } = await start({ format: 'sealed' })
    const first = cookieOf(await post(app, '/set', undefined, { n: 1 }))
    const second = cookieOf(await post(app, '/set', first, { n: 2 }))
    assert.equal((await get(app, '/get', `${first}; ${second}`)).statusCode, 200)
    assert.deepEqual(notices(lines), [])
  })
})

describe('the number of cookies that are tried is bounded', () => {
  for (const [keys, most] of [[1, 16], [4, 16], [5, 12], [20, 3], [64, 1], [100, 1]] as const) {
    it(`with ${keys} key${keys === 1 ? '' : 's'}: at most ${most} of 200`, async () => {
      const { app, lines } = await start({}, Array.from({ length: keys - 1 }, newKey))
      const header = Array.from({ length: 200 }, forged).join('; ')
      const response = await get(app, '/get', header)
      assert.equal(response.statusCode, 200)
      assert.deepEqual(response.json(), {})
      assert.ok(refusals(lines).length >= 1)
      assert.ok(refusals(lines).length <= most, `${refusals(lines).length} were tried`)
    })
  }

  it('for signed sessions as well', async () => {
    const { app, lines } = await start({ cookie: { signed: true } })
    await get(app, '/get', Array.from({ length: 200 }, forged).join('; '))
    assert.ok(refusals(lines).length >= 1 && refusals(lines).length <= 16)
  })

  it("but the user's cookie is found among 200 where it comes first, with any number of keys", async () => {
    for (const keys of [1, 20, 100]) {
      const { app, cookie } = await start({}, Array.from({ length: keys - 1 }, newKey))
      const header = [cookie({ user: 1 }), ...Array.from({ length: 200 }, forged)].join('; ')
      assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
    }
  })
})
