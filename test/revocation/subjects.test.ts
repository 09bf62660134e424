// Sessions with several subjects: a user, a tenant, a session of an identity provider.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { kSessions, type RegisteredSession } from '../../src/fastify/registered-session.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, who, type LoginsSetup } from '../support/revocation.ts'

interface Login { user?: string, tenant?: string, sid?: string }

/** The user first, then the tenant and the id of the identity provider's session. */
const subjects = (session: Session): string[] => {
  const { user, tenant, sid } = session as Bag & Login
  return user === undefined ? [] : [`user:${user}`, ...(tenant === undefined ? [] : [`tenant:${tenant}`]), ...(sid === undefined ? [] : [`sid:${sid}`])]
}

async function appOfTenants (setup: LoginsSetup = {}): Promise<FastifyInstance> {
  return await appWithLogins({ ...setup, revocation: { subject: subjects, store: new MemoryStore(), ...setup.revocation } })
}

async function loginAs (app: FastifyInstance, login: Login, cookie?: string): Promise<string> {
  return cookieOf(await post(app, '/login', cookie, login))
}

const ANN = { user: 'ann', tenant: '7', sid: 'x' }

for (const format of ['sealed', 'secretbox'] as const) {
  describe(`a session with several subjects, in the ${format} format`, () => {
    for (const revoked of ['user:ann', 'tenant:7', 'sid:x']) {
      it(`ends if any of them is revoked, and a login right after works: ${revoked}`, async t => {
        stopClock(t)
        const app = await appOfTenants({ session: { format } })
        const [mine, others] = [await loginAs(app, ANN), await loginAs(app, { user: 'bob', tenant: '8', sid: 'y' })]
        await app.revokeSubject(revoked)
        assert.deepEqual([await who(app, mine), await who(app, others)], ['nobody', 'bob'])
        assert.equal(await who(app, await loginAs(app, ANN)), 'ann')
      })
    }
  })
}

describe('the first subject', () => {
  it('is whose sessions are listed: extensions are told all of them, in this order', async () => {
    const told: Array<readonly string[]> = []
    const app = await appOfTenants({
      after: app => app.get('/subjects', async request => {
        const [session] = (app as { [kSessions]?: RegisteredSession[] })[kSessions]!
        told.push(session!.identities!.subjectsOf(session!.held(request)!)) // the revocation has set and checked it
      })
    })
    await get(app, '/subjects', await loginAs(app, ANN))
    assert.deepEqual(told, [['user:ann', 'tenant:7', 'sid:x']])
  })

  it('is whose other sessions revokeOtherSessions ends, in every tenant', async () => {
    const app = await appOfTenants({ after: app => app.post('/others', async ({ session }) => { await app.revokeOtherSessions(session); return '' }) })
    const [here, there, colleague] = [await loginAs(app, ANN), await loginAs(app, { user: 'ann', tenant: '8' }), await loginAs(app, { user: 'bob', tenant: '7' })]
    const next = cookieOf(await post(app, '/others', here))
    assert.deepEqual([await who(app, next), await who(app, here), await who(app, there), await who(app, colleague)], ['ann', 'nobody', 'nobody', 'bob'])
  })

  it('that changes is another login: the session gets a new id and begins anew', async t => {
    const clock = stopClock(t)
    const app = await appOfTenants()
    const cookie = await loginAs(app, ANN)
    const before = (await get(app, '/info', cookie)).json()
    clock.tick(5000)
    const after = (await get(app, '/info', cookieOf(await post(app, '/write', cookie, { user: 'bob' })))).json()
    assert.notEqual(after.id, before.id)
    assert.equal(Date.parse(after.createdAt) - Date.parse(before.createdAt), 5000)
  })
})

describe('a session that gains another subject', () => {
  it('keeps its id and its creation time: to change the tenant must not prolong it', async t => {
    const clock = stopClock(t)
    const app = await appOfTenants()
    const cookie = await loginAs(app, ANN)
    const before = (await get(app, '/info', cookie)).json()
    clock.tick(5000)
    const after = (await get(app, '/info', cookieOf(await post(app, '/write', cookie, { tenant: '8' })))).json()
    assert.deepEqual([after.id, after.createdAt], [before.id, before.createdAt])
  })

  it('begins after the last revocation of that one: joining a tenant that was ended before works', async t => {
    const clock = stopClock(t)
    const app = await appOfTenants()
    const cookie = await loginAs(app, ANN)
    clock.tick(5000)
    await app.revokeSubject('tenant:8')
    clock.tick(5000)
    const joined = cookieOf(await post(app, '/write', cookie, { tenant: '8' }))
    assert.equal(await who(app, joined), 'ann')
    clock.tick(5000)
    await app.revokeSubject('tenant:8')
    assert.equal(await who(app, joined), 'nobody', 'and ends with the next one')
  })

  it('does not get rid of a revocation of one that it drops in the same request', async () => {
    const app = await appOfTenants({
      after: app => app.post('/move', async ({ session }) => {
        (session as Bag).tenant = '8'
        await app.revokeSubject('tenant:7')
        return ''
      })
    })
    const cookie = await loginAs(app, ANN)
    assert.deepEqual(setCookies(await post(app, '/move', cookie)), [])
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('with { except } of a subject that is not the first goes on alone', async t => {
    stopClock(t)
    const app = await appOfTenants({ after: app => app.post('/tenant', async ({ session }) => { await app.revokeSubject('tenant:7', { except: session }); return '' }) })
    const [here, there, elsewhere] = [await loginAs(app, ANN), await loginAs(app, { user: 'bob', tenant: '7' }), await loginAs(app, { user: 'ann', tenant: '8' })]
    const next = cookieOf(await post(app, '/tenant', here))
    assert.deepEqual([await who(app, next), await who(app, here), await who(app, there), await who(app, elsewhere)], ['ann', 'nobody', 'nobody', 'ann'])
  })

  it('that began by a clock that is ahead outlives its own revokeOtherSessions', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const after = (app: FastifyInstance): void => { app.post('/tenant', async ({ session }) => { await app.revokeSubject('tenant:7', { except: session }); return '' }) }
    const [ahead, app] = [await appOfTenants({ revocation: { store } }), await appOfTenants({ revocation: { store }, after })]
    clock.tick(5000)
    await ahead.revokeSubject('user:ann')
    clock.setSystemTime(Date.now() - 5000)
    const next = cookieOf(await post(app, '/tenant', await loginAs(app, ANN)))
    assert.equal(await who(app, next), 'ann')
  })
})

describe('subjects', () => {
  it('that are an empty array are those of nobody: such a session costs the store nothing when it ends', async () => {
    const store = new TestStore()
    const app = await appOfTenants({ revocation: { store } })
    const cookie = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    store.take()
    await post(app, '/logout', cookie)
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), [])
  })

  for (const [what, value, code] of [
    ['a number among them', ['user:1', 7], 'FST_SEALED_SESSION_SUBJECT_TYPE'],
    ['empty text among them', ['user:1', ''], 'FST_SEALED_SESSION_SUBJECT_TYPE'],
    ['undefined among them', ['user:1', undefined], 'FST_SEALED_SESSION_SUBJECT_TYPE'],
    ['a hole among them', Object.assign([], { length: 2 }), 'FST_SEALED_SESSION_SUBJECT_TYPE'],
    ['an array among them', [['user:1']], 'FST_SEALED_SESSION_SUBJECT_TYPE'],
    ['more than 16', Array.from({ length: 17 }, (_, index) => `user:${index}`), 'FST_SEALED_SESSION_SUBJECT_LIMIT'],
    ['one of more than 1024 characters', ['user:1', 'x'.repeat(1025)], 'FST_SEALED_SESSION_SUBJECT_LIMIT'],
    ['a text of more than 1024 characters', 'x'.repeat(1025), 'FST_SEALED_SESSION_SUBJECT_LIMIT']
  ] as const) {
    it(`with ${what} fail the request with a code`, async () => {
      const app = await appWithLogins({ revocation: { subject: () => value as never } })
      const response = await post(app, '/login', undefined, ANN)
      assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [500, code, []])
    })
  }

  it('may be 16 of 1024 characters each', async () => {
    const most = Array.from({ length: 16 }, (_, index) => `${index}:`.padEnd(1024, 'x'))
    const app = await appWithLogins({ revocation: { subject: session => (session as Bag).user === undefined ? undefined : most } })
    const cookie = await loginAs(app, ANN)
    assert.equal(await who(app, cookie), 'ann')
    await app.revokeSubject(most[15]!) // there are 16
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('are read when they are returned: an array that the app changes later changes nothing', async () => {
    const shared = ['user:ann', 'tenant:7']
    const app = await appWithLogins({ revocation: { subject: session => (session as Bag).user === undefined ? [] : shared } })
    const cookie = await loginAs(app, ANN)
    shared.length = 1
    await app.revokeSubject('user:ann')
    assert.equal(await who(app, cookie), 'nobody')
  })
})
