// What the revocation tells other extensions of a session: its subjects, and a way to end it by its id.
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { describe, it } from 'node:test'
import Fastify from 'fastify'
import secureSession from '../../src/index.ts'
import { kSessions, type ExtensibleSession } from '../../src/fastify/extension.ts'
import { TestStore, appWith, get, key, login, who } from '../support/revocation.ts'

const sessionOf = (app: FastifyInstance): ExtensibleSession => (app as { [kSessions]?: ExtensibleSession[] })[kSessions]![0]! // it has one

describe('another extension of a session', () => {
  it('is told the subjects of a session by the revocation', async () => {
    const told: Array<readonly string[]> = []
    const app = await appWith({
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
    const [app, other] = [await appWith({ revocation: { store } }), await appWith({ revocation: { store } })]
    const [ended, kept] = [await login(app), await login(app)]
    const { id } = (await get(app, '/info', ended)).json<{ id: string }>()
    await sessionOf(app).identities!.revokeId(Buffer.from(id, 'base64url')) // it has revocation
    assert.deepEqual([await who(app, ended), await who(other, ended), await who(app, kept)], ['nobody', 'nobody', 'ann'])
  })

  it('has nobody to ask without revocation', async () => {
    const app = Fastify()
    app.register(secureSession, { key })
    await app.ready()
    assert.equal(sessionOf(app).identities, null)
  })
})
