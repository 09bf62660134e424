// A login whose client holds the request open until its session has expired.
import type { TestContext } from 'node:test'
import { authenticated } from '../../src/index.ts'
import { readyApp } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { countArrivals, PROTOCOLS, type HeldAnswer } from '../support/held.ts'
import { newKey } from '../support/helpers.ts'
import { Visitor } from './support.ts'

export const PROTOCOL_NAMES = Object.keys(PROTOCOLS)

export async function held (t: TestContext, protocol: string): Promise<HeldAnswer> {
  const clock = stopClock(t)
  const { server, hold } = PROTOCOLS[protocol]! // it is one of the names
  const app = await readyApp({
    t,
    server,
    session: { key: newKey(), format: 'sealed', expiry: 60 },
    after: app => { app.after(() => { app.addHook('onRequest', async ({ session }) => { session.get('user' as never) }); countArrivals(app) }) },
    routes: {
      'POST /confirm': ({ session }) => { authenticated(session, 'password'); return 'ok' },
      'POST /first': () => 'first',
      'POST /login': ({ session }) => { session.set('user' as never, 'ann' as never); return 'in' }
    }
  })
  const ann = new Visitor(app)
  await ann.post('/login')
  const { finish } = await hold(app, '/confirm', ann.cookie!)
  clock.tick(61_000)
  return await finish()
}
