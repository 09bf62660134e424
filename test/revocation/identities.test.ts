// What the revocation tells other extensions of a session: its subjects, and a way to end it by its id.
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { describe, it } from 'node:test'
import { MemoryStore } from '../../src/revocation/index.ts'
import { STAMP } from '../../src/token/claims.ts'
import { hashOf } from '../../src/revocation/store-keys.ts'
import { kSessions, type RegisteredSession } from '../../src/fastify/registered-session.ts'
import { get, readyApp } from '../support/app.ts'
import { TestStore, appWithLogins, key, login, who } from '../support/revocation.ts'

const sessionOf = (app: FastifyInstance): RegisteredSession => (app as { [kSessions]?: RegisteredSession[] })[kSessions]![0]! // it has one

describe('another extension of a session', () => {
  it('is told the subjects of a session by the revocation', async () => {
    const told: Array<readonly string[]> = []
    const app = await appWithLogins({
      after: app => app.get('/subjects', async request => {
        const session = sessionOf(app)
        told.push(session.identities!.subjectsOf(session.held(request)!)) // the revocation has checked it
      })
    })
    await get(app, '/subjects', await login(app))
    assert.deepEqual(told, [['ann']])
  })

  it('ends a session by its id, in this process at once and in the store', async () => {
    const store = new TestStore()
    const [app, other] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    const [ended, kept] = [await login(app), await login(app)]
    const { id } = (await get(app, '/info', ended)).json<{ id: string }>()
    await sessionOf(app).identities!.revokeId(Buffer.from(id, 'base64url')) // it has revocation
    assert.deepEqual([await who(app, ended), await who(other, ended), await who(app, kept)], ['nobody', 'nobody', 'ann'])
  })

  it('is told which session a request brought, as it came in, and none that had ended', async () => {
    const told: unknown[] = []
    const app = await appWithLogins({
      after: app => app.get('/brought', async request => {
        const session = sessionOf(app)
        Object.assign(request.session, { user: 'bob' })
        const brought = session.identities!.broughtBy(session.held(request)!) // it has revocation, and the session is used
        told.push(brought === null ? null : [brought.id.toString('base64url'), brought.subjects])
      })
    })
    const cookie = await login(app)
    const { id } = (await get(app, '/info', cookie)).json<{ id: string }>()
    await get(app, '/brought', cookie)
    await get(app, '/brought')
    await app.revokeSubject('ann')
    await get(app, '/brought', cookie)
    assert.deepEqual(told, [[id, ['ann']], null, null])
  })

  it('asks which of a subject\'s sessions have ended, by their id or with others', async () => {
    const app = await appWithLogins()
    const sessions = await Promise.all([1, 2].map(async () => {
      const { id, createdAt } = (await get(app, '/info', await login(app))).json<{ id: string, createdAt: string }>()
      return { id: Buffer.from(id, 'base64url'), created: Date.parse(createdAt), subjectHashes: [hashOf('ann'), hashOf('team')], stamp: null }
    }))
    const identities = sessionOf(app).identities! // it has revocation
    assert.deepEqual(await identities.haveEnded('ann', sessions), [false, false])
    await identities.revokeId(sessions[1]!.id) // there are two
    assert.deepEqual(await identities.haveEnded('ann', sessions), [false, true])
    const [first] = sessions
    await app.revokeSubject('team')
    assert.deepEqual(await identities.haveEnded('ann', [first!, { ...first!, subjectHashes: [hashOf('ann')] }]), [true, false])
    await app.revokeAll()
    assert.deepEqual(await identities.haveEnded('ann', [{ ...first!, subjectHashes: [hashOf('ann')] }]), [true])
  })

  it('asks of many in one round trip, and the store rather than what was known a moment ago', async () => {
    const calls: string[][] = []
    const held = new MemoryStore()
    const store = {
      get: (key: string) => held.get(key),
      set: (key: string, value: string, ttl: number) => { held.set(key, value, ttl) },
      getMany: (keys: string[]) => { calls.push(keys); return keys.map(key => held.get(key)) }
    }
    const [app, other] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    const sessions = ['1', '2', '3'].map(id => ({ id: Buffer.alloc(16, id), created: Date.now(), subjectHashes: [hashOf('ann')], stamp: null }))
    const { identities } = sessionOf(app)
    assert.deepEqual(await identities?.haveEnded('ann', sessions), [false, false, false])
    await sessionOf(other).identities?.revokeId(sessions[2]!.id) // there are three
    calls.length = 0
    assert.deepEqual(await identities?.haveEnded('ann', sessions), [false, false, true])
    assert.deepEqual(calls.map(({ length }) => length), [5])
  })

  it('asks which have ended by the stamp of their user', async () => {
    let version = '1'
    const stamps: Array<Buffer | null> = []
    const app = await appWithLogins({
      revocation: { stamp: async () => version, cacheTtl: 0 },
      after: app => app.get('/stamp', async request => { stamps.push(sessionOf(app).held(request)?.record().claims?.get(STAMP) ?? null) })
    })
    await get(app, '/stamp', await login(app))
    version = '2'
    await get(app, '/stamp', await login(app))
    const sessions = [...stamps, null].map((stamp, index) => ({ id: Buffer.alloc(16, index + 1), created: Date.now(), subjectHashes: [hashOf('ann')], stamp }))
    assert.deepEqual(await sessionOf(app).identities?.haveEnded('ann', sessions), [true, false, true])
  })

  it('is told if the app says whose a session is', async () => {
    const apps = [await appWithLogins(), await appWithLogins({ revocation: { subject: undefined } as never })]
    assert.deepEqual(apps.map(app => sessionOf(app).identities?.tellsSubjects), [true, false])
  })

  it('has nobody to ask without revocation', async () => {
    const app = await readyApp({ session: { key } })
    assert.equal(sessionOf(app).identities, null)
  })
})
