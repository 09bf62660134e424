// An attribute that is undefined is left out of options(): often it comes from the environment.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { get, linesOf, readyApp } from '../support/app.ts'

const SAFE = { path: '/', secure: true, sameSite: 'strict', httpOnly: true } as const

describe('an attribute of the cookie that is undefined or null', () => {
  for (const nothing of [undefined, null]) {
    const none = { path: nothing, secure: nothing, sameSite: nothing, httpOnly: nothing }

    it(`takes no protection away when it is given to options(): ${nothing}`, async () => {
      const app = await readyApp({
        session: { key: newKey(), cookieName: '__Host-session', cookie: SAFE },
        routes: { '/': ({ session }) => { session.set('a', 1); session.options({ maxAge: 60, ...none } as never) } }
      })
      const [line = ''] = linesOf(await get(app, '/'), '__Host-session')
      assert.match(line, /; Max-Age=60; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    })
  }

  it('is told from false, which switches an attribute off', async () => {
    const app = await readyApp({
      session: { key: newKey(), cookie: SAFE },
      routes: { '/': ({ session }) => { session.set('a', 1); session.options({ httpOnly: false, secure: false, sameSite: false }) } }
    })
    const [line = ''] = linesOf(await get(app, '/'))
    assert.doesNotMatch(line, /HttpOnly|Secure|SameSite/)
  })
})
