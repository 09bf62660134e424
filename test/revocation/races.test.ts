// What happens to requests that are under way while a session ends.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { sessionInfo } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, gate, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, who, type LoginsSetup } from '../support/revocation.ts'

type Act = (session: Bag, app: FastifyInstance, list: string[]) => unknown

interface Race {
  app: FastifyInstance
  cookie: string
  /** The answer to a request that read its session, then waited while the session ended, then acted. */
  late: LightMyRequestResponse
}

/** Runs `end` while a request is under way that then does `act`. */
async function race (act: Act, end: (app: FastifyInstance, cookie: string) => Promise<unknown>, setup: LoginsSetup = {}): Promise<Race> {
  const [arrived, ended] = [gate(), gate()]
  const app = await appWithLogins({
    ...setup,
    after: app => app.post('/slow', async ({ session }) => {
      assert.equal((session as Bag).user, 'ann')
      const { list } = session as Bag & { list: string[] } // it reads as empty once it has ended
      arrived.open()
      await ended.opened
      await act(session as Bag, app, list)
      return ''
    })
  })
  const cookie = cookieOf(await post(app, '/login', undefined, { user: 'ann', list: [] }))
  const late = post(app, '/slow', cookie)
  await arrived.opened
  await end(app, cookie)
  ended.open()
  return { app, cookie, late: await late }
}

const logout = async (app: FastifyInstance, cookie: string): Promise<unknown> => await post(app, '/logout', cookie)

const ACTS: Record<string, Act> = {
  'writes its session': session => { session.theme = 'dark' },
  'touches its session': session => { session.touch() },
  'deletes its session': session => { session.delete() },
  'regenerates its session and keeps who is logged in': session => { session.regenerate(['user']) },
  'regenerates its session twice, and the first new id was seen': session => { session.regenerate(['user']); sessionInfo(session); session.regenerate(['user']) },
  'changes a value of its session in place': (_session, _app, list) => { list.push('x') }
}

const ENDS: Record<string, (app: FastifyInstance, cookie: string) => Promise<unknown>> = {
  'after a logout': logout,
  'after revokeSession': async (app, cookie) => await app.revokeSession(app.decodeSecureSession(decodeURIComponent(cookie.slice('session='.length)))!),
  'after revokeSubject': async app => await app.revokeSubject('ann'),
  'after revokeAll': async app => await app.revokeAll()
}

for (const [when, end] of Object.entries(ENDS)) {
  describe(`a request that was under way ${when}`, () => {
    for (const [what, act] of Object.entries(ACTS)) {
      // "Log out everywhere" is revokeSubject() and delete(): there the deletion is what was asked for.
      if (what === 'deletes its session' && /revokeSubject|revokeAll/.test(when)) continue
      it(`sends no cookie at all where it ${what}`, async () => {
        const { late } = await race(act, end)
        assert.equal(late.statusCode, 200, late.body)
        assert.deepEqual(setCookies(late), [])
      })
    }
  })
}

describe('a logout while another request is under way', () => {
  it('is not undone by it: this is how the peer loses it', async () => {
    const { app, cookie, late } = await race(session => { session.theme = 'dark' }, logout)
    assert.deepEqual(setCookies(late), [])
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is found in the store just before sealing although a moment ago it was known that there was none', async () => {
    const store = new TestStore()
    const other = await appWithLogins({ revocation: { store } })
    const { late } = await race(session => { session.theme = 'dark' }, async (_app, cookie) => await post(other, '/logout', cookie), { revocation: { store, cacheTtl: 300 } })
    assert.deepEqual(setCookies(late), [])
  })

  it('is found although an older question to the store has no answer yet, and the answer is out of date', async () => {
    const store = new TestStore()
    const other = await appWithLogins({ revocation: { store } })
    const [asked, answered] = [gate(), gate()]
    let reading: Promise<unknown> = answered.opened
    const { late } = await race(session => {
      session.theme = 'dark'
      setTimeout(answered.open, 50) // long after the answer to a question of its own
    }, async (app, cookie) => {
      const get = store.get.bind(store)
      store.get = async key => {
        store.get = get
        asked.open()
        await answered.opened
        return undefined
      }
      reading = app.isSessionRevoked(app.decodeSecureSession(decodeURIComponent(cookie.slice('session='.length)))!)
      await asked.opened
      await post(other, '/logout', cookie)
    }, { revocation: { store, cacheTtl: 0 } })
    assert.deepEqual(setCookies(late), [])
    await reading
  })

  it('in another process, is not followed by a deletion from a second logout, which could kill a newer login', async () => {
    const store = new MemoryStore()
    const other = await appWithLogins({ revocation: { store } })
    const { late } = await race(session => { session.delete() }, async (_app, cookie) => await post(other, '/logout', cookie), { revocation: { store } })
    assert.deepEqual(setCookies(late), [])
  })

  it('says so in the log at level debug', async () => {
    const lines: string[] = []
    await race(session => { session.theme = 'dark' }, logout, { server: { logger: { level: 'debug', stream: { write: (line: string) => { lines.push(line) } } } } })
    assert.ok(lines.some(line => line.includes('revoked meanwhile, sending no cookie')))
  })
})

describe('a request that was under way and logs in anew', () => {
  it('gets its cookie: a second click on "log in" must not lose the login', async () => {
    const { app, late } = await race(
      session => { session.regenerate(); session.user = 'ann' },
      async (app, cookie) => await post(app, '/login', cookie, { user: 'ann' })
    )
    assert.equal(await who(app, cookieOf(late)), 'ann')
  })

  it('so it does where it keeps what says nothing of who is logged in', async () => {
    const { app, late } = await race(
      session => { session.cart = 1; session.regenerate(['cart']); session.user = 'ann' },
      async (app, cookie) => await post(app, '/login', cookie, { user: 'ann' })
    )
    assert.equal(await who(app, cookieOf(late)), 'ann')
  })

  it('so it does without the option "subject", where it keeps nothing', async () => {
    const { app, late } = await race(session => { session.regenerate(); session.user = 'ann' }, logout, { revocation: { subject: undefined } as never })
    assert.equal(await who(app, cookieOf(late)), 'ann')
  })

  it('but without the option "subject" what it keeps may be that, so it gets none', async () => {
    const { late } = await race(session => { session.regenerate(['user']) }, logout, { revocation: { subject: undefined } as never })
    assert.deepEqual(setCookies(late), [])
  })
})

describe('a session that the request itself revokes', () => {
  it('sends no cookie', async t => {
    stopClock(t)
    const app = await appWithLogins({
      after: app => app.post('/end', async ({ session }) => {
        await app.revokeSession(session);
        (session as Bag).theme = 'dark'
        return ''
      })
    })
    const cookie = await login(app)
    assert.deepEqual(setCookies(await post(app, '/end', cookie)), [])
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('where the session is used', () => {
  it('in a hook that is registered before the plugin: a coded error, and nothing of the session shows', async () => {
    const app = await appWithLogins()
    const early = await appWithLogins({ before: app => app.addHook('onRequest', async request => { String((request.session as Bag).user) }) })
    const cookie = await login(app)
    const response = await get(early, '/me', cookie)
    assert.deepEqual([response.statusCode, response.json().code], [500, 'FST_SEALED_SESSION_NOT_CHECKED'])
    assert.deepEqual(setCookies(response), [])
    assert.equal((await get(early, '/me')).body, 'nobody', 'without a cookie there is nothing to check')
  })

  it('in a later onRequest hook it has been checked', async () => {
    const seen: unknown[] = []
    const app = await appWithLogins({ after: app => app.addHook('onRequest', async ({ session }) => { seen.push((session as Bag).user) }) })
    const cookie = await login(app)
    await get(app, '/public', cookie)
    assert.equal(seen.at(-1), 'ann')
  })

  it('in a cookie that a later hook put into request.cookies: a coded error', async () => {
    const app = await appWithLogins({
      after: app => app.addHook('onRequest', async request => {
        const planted = request.headers['x-session']
        if (typeof planted === 'string') request.cookies.session = planted
      })
    })
    const cookie = await login(app)
    const response = await app.inject({ url: '/me', headers: { 'x-session': decodeURIComponent(cookie.slice('session='.length)) } })
    assert.equal(response.json().code, 'FST_SEALED_SESSION_NOT_CHECKED')
  })
})
