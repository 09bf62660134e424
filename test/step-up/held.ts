// A login whose client holds the request open until its session has expired.
import type { TestContext } from 'node:test'
import { authenticated } from '../../src/index.ts'
import { stopClock } from '../support/configurations.ts'
import { countArrivals, PROTOCOLS, type Answer } from '../support/held.ts'
import Fastify from 'fastify'
import secureSession from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Visitor } from './support.ts'

export const PROTOCOL_NAMES = Object.keys(PROTOCOLS)

export async function held (t: TestContext, protocol: string): Promise<Answer> {
  const clock = stopClock(t)
  const { server, hold } = PROTOCOLS[protocol]! // it is one of the names
  const app = Fastify(server)
  t.after(async () => { await app.close() })
  app.register(secureSession, { key: newKey(), format: 'sealed', expiry: 60 })
  app.register(async app => {
    app.addHook('onRequest', async ({ session }) => { session.get('user' as never) })
    app.post('/confirm', async ({ session }) => { authenticated(session, 'password'); return 'ok' })
    app.post('/first', async () => 'first')
    app.post('/login', async ({ session }) => { session.set('user' as never, 'ann' as never); return 'in' })
  })
  countArrivals(app as never)
  await app.ready()
  const ann = new Visitor(app as never)
  await ann.post('/login')
  const { finish } = await hold(app as never, '/confirm', ann.cookie!)
  clock.tick(61_000)
  return await finish()
}
