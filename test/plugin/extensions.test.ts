// Extensions beside revocation, which is the first: what they are told, and in which order.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Session } from '../../src/index.ts'
import { kSessions, type RegisteredSession } from '../../src/fastify/registered-session.ts'
import type { SessionExtension } from '../../src/extension/session-extension.ts'
import { get, newApp, post, readyApp } from '../support/app.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { appWithLogins, login, who } from '../support/revocation.ts'

type App = Awaited<ReturnType<typeof appWithLogins>>

/** A plugin that extends a session: the first unless told otherwise. */
function extending (extension: SessionExtension, index = 0): FastifyPluginAsync {
  return fp(async app => {
    (app as unknown as { [kSessions]: RegisteredSession[] })[kSessions][index]?.extend(extension)
  })
}

/** An app with revocation, and with extensions that are registered after it. */
async function appExtended (...extensions: SessionExtension[]): Promise<App> {
  return await appWithLogins({
    after: app => {
      for (const extension of extensions) app.register(extending(extension))
      app.addHook('onSend', async request => { if (request.url === '/late') Object.assign(request.session, { late: true }) })
      app.get('/late', async () => 'late')
      app.get('/revoked-within', async ({ session }) => { await app.revokeSubject('ann'); Object.assign(session, { note: 1 }); return 'x' })
    }
  })
}

/** Asks an extension that says what it is asked. */
function told (name: string, calls: string[], answer: boolean | Promise<boolean> = true): SessionExtension {
  const note = (call: string): void => { calls.push(`${name} ${call}`) }
  return {
    name,
    used: () => { note('used') },
    ended: () => { note('ended'); return false },
    sealing: (_state, isDue) => { if (isDue) note('sealing'); return answer },
    sealed: async () => { note('sealed') }
  }
}

describe('a second extension beside revocation', () => {
  it('is told what each cookie holds, and of each end: in twenty lines it limits a user to two sessions', async () => {
    const sessions: string[] = []
    const limit: SessionExtension = {
      name: 'limit',
      sealing: state => state.deleted || sessions.length < 2 || sessions.includes(String(state.record().id?.toString('hex'))),
      sealed: (_state, { id }) => { if (id !== null && !sessions.includes(id.toString('hex'))) sessions.push(id.toString('hex')) },
      ended: (_state, { id }) => {
        const index = sessions.indexOf(String(id?.toString('hex')))
        if (index !== -1) sessions.splice(index, 1)
        return false
      }
    }
    const app = await appExtended(limit)
    const [phone, laptop] = [await login(app), await login(app)]
    const third = await post(app, '/login', undefined, { user: 'ann' })
    assert.deepEqual([await who(app, phone), await who(app, laptop), setCookies(third)], ['ann', 'ann', []])
    await post(app, '/logout', phone)
    assert.equal(await who(app, await login(app)), 'ann')
  })

  it('ends a session when it says so, at the next use', async () => {
    let isOver = false
    const app = await appExtended({ name: 'over', refusal: () => isOver ? 'revoked' : null })
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    isOver = true
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is told what the cookie holds before the response leaves, which waits for it', async () => {
    const events: string[] = []
    const app = await appExtended({
      name: 'slow',
      async sealed (_state, record) {
        await new Promise(resolve => setImmediate(resolve))
        events.push(`sealed ${String(record.data.user)}`)
      }
    })
    await login(app)
    events.push('left')
    assert.deepEqual(events, ['sealed ann', 'left'])
  })

  for (const [how, sealed] of Object.entries({
    throws: () => { throw new Error('full') },
    rejects: async () => { throw new Error('full') }
  })) {
    it(`takes the cookie back if its sealed() ${how}: the request fails`, async () => {
      const app = await appExtended({ name: 'full', sealed })
      const response = await post(app, '/login', undefined, { user: 'ann' })
      assert.deepEqual([response.statusCode, setCookies(response)], [500, []])
    })
  }

  it('is told of a write after the hook that seals, for which nobody waits', async () => {
    const calls: string[] = []
    const app = await appExtended(told('a', calls))
    const cookie = await login(app)
    calls.length = 0
    const response = await get(app, '/late', cookie)
    assert.equal(setCookies(response).length, 1)
    assert.deepEqual(calls.filter(call => call.endsWith('sealed')), ['a sealed'])
  })
})

it('an extension judges what is sealed: a write while it was asked has it asked again', async () => {
  for (const first of [{ v: 1 }, {}]) {
    const judged: unknown[] = []
    let go = (): void => {}
    const app = newApp({
      after: app => {
        app.register(extending({
          name: 'slow',
          async sealing (state) {
            const isAllowed = state.record().data.v !== 2
            judged.push({ ...state.record().data })
            if (judged.length === 1) await new Promise<void>(resolve => { go = resolve })
            return isAllowed
          }
        }))
      },
      routes: app => {
        app.get('/', ({ session }, reply) => {
          Object.assign(session, first)
          reply.send('x')
          session.set('v' as never, 2 as never)
          go()
        })
      }
    })
    assert.deepEqual(setCookies(await app.inject('/')), [])
    assert.deepEqual(judged.slice(0, 2), [first, { v: 2 }])
  }
})

describe('several extensions', () => {
  it('are called in the order of their registration', async () => {
    const calls: string[] = []
    const app = await appExtended(told('a', calls), told('b', calls))
    const cookie = await login(app)
    assert.deepEqual(calls, ['a used', 'b used', 'a ended', 'b ended', 'a sealing', 'b sealing', 'a sealed', 'b sealed'])
    calls.length = 0
    await get(app, '/me', cookie)
    assert.deepEqual(calls, ['a used', 'b used'])
  })

  for (const [how, answer] of Object.entries<() => boolean | Promise<boolean>>({ 'at once': () => false, later: async () => false })) {
    it(`are not asked behind one that says no ${how}, and no cookie is sent`, async () => {
      const calls: string[] = []
      const app = await appExtended({ ...told('a', calls), sealing: answer }, told('b', calls))
      assert.deepEqual(setCookies(await post(app, '/login', undefined, { user: 'ann' })), [])
      assert.deepEqual(calls.filter(call => call.startsWith('b seal')), [])
    })
  }

  it('come after revocation if they are registered after it: of a session that is revoked they are not asked', async () => {
    const calls: string[] = []
    const app = await appExtended(told('a', calls))
    const cookie = await login(app)
    calls.length = 0
    assert.deepEqual(setCookies(await get(app, '/revoked-within', cookie)), [])
    assert.deepEqual(calls.filter(call => call.includes('seal')), [])
  })
})

describe('of several sessions, one that was sealed while another is waited for', () => {
  const ACTS: Record<string, { act: (request: FastifyRequest & Record<'a', Session>, app: FastifyInstance) => void, expected: unknown }> = {
    'is written': { act: ({ a }) => { a.set('v' as never, 2 as never) }, expected: { v: 2 } },
    'is regenerated': { act: ({ a }) => { a.regenerate() }, expected: {} },
    'is deleted': { act: ({ a }) => { a.delete() }, expected: null },
    'is replaced by assignment': { act: (request, app) => { request.a = app.createSecureSession({ v: 3 } as never) }, expected: { v: 3 } }
  }
  for (const [how, { act, expected }] of Object.entries(ACTS)) {
    it(`${how}: the cookie is as the session was when the response left`, async () => {
      let go = (): void => {}
      const app = await readyApp({
        session: [{ sessionName: 'a', key: newKey() }, { sessionName: 'b', key: newKey() }],
        after: app => {
          app.register(extending({ name: 'slow', sealing: async () => await new Promise(resolve => { go = () => { resolve(true) } }) }, 1))
        },
        routes: app => {
          app.get('/', (request, reply) => {
            const both = request as unknown as FastifyRequest & Record<'a' | 'b', Session>
            both.a.set('v' as never, 1 as never)
            both.b.set('v' as never, 1 as never)
            reply.send('x')
            act(both, app)
            go()
          })
        }
      })
      const line = setCookies(await app.inject('/')).find(line => line.startsWith('a='))
      const token = decodeURIComponent(line?.slice('a='.length).split(';')[0] ?? '')
      assert.deepEqual(token === '' ? null : app.decodeSecureSession(token, undefined, 'a')?.data(), expected)
    })
  }
})
