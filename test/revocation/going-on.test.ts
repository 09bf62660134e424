// Sessions that go on after a revocation which left them out, by a clock that was not theirs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticated } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { post, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf } from '../support/helpers.ts'
import { appWithLogins, login, who } from '../support/revocation.ts'

const GOING_ON: Handlers = {
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /keep': ({ session }) => { session.regenerate(['user']) },
  'POST /both': ({ session }) => {
    session.regenerate(['user'])
    authenticated(session, 'password')
  }
}

for (const format of ['sealed', 'secretbox']) {
  for (const seconds of [0, 5]) {
    describe(`after the others were ended by a process whose clock is ${seconds} seconds ahead (${format})`, () => {
      for (const route of Object.keys(GOING_ON)) {
        it(`the session goes on by ${route} at once: it begins no earlier than before`, async t => {
          const clock = stopClock(t)
          const store = new MemoryStore()
          const [app, ahead] = await Promise.all([0, 1].map(async () => await appWithLogins({
            session: { format },
            revocation: { store, cacheTtl: 0 },
            routes: { ...GOING_ON, 'POST /others': async ({ session, server }) => { await server.revokeOtherSessions(session) } }
          })))
          const [cookie, other] = [await login(app!), await login(app!)] // there are two
          clock.setSystemTime(Date.now() + seconds * 1000)
          const left = cookieOf(await post(ahead!, '/others', cookie)) // as above
          clock.setSystemTime(Date.now() - seconds * 1000)
          const gone = cookieOf(await post(app!, route.slice(5), left))
          const users = [cookie, other, left, gone].map(async cookie => await who(ahead!, cookie))
          assert.deepEqual(await Promise.all(users), ['nobody', 'nobody', 'nobody', 'ann'])
        })
      }
    })
  }
}
