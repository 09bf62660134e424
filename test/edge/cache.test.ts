// The option `cache` in runtimes that have no timers between requests.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stopClock } from '../support/configurations.ts'
import { newKey } from '../support/helpers.ts'
import { load } from './support.ts'

type Web = Pick<typeof import('../../src/web/index.ts'), 'createWebSessions'>

describe('a cache at the edge', () => {
  it('opens a session as often as it comes, until it expires, and sets no timer: that would end with its request', async t => {
    const clock = stopClock(t)
    const { createWebSessions } = await load<Web>("export { createWebSessions } from '../../../src/web/index.ts'")
    const sessions = await createWebSessions({ key: newKey(), cache: true, expiry: 300, rolling: false })
    const writing = await sessions.open({ headers: new Headers() })
    writing.set('user' as never, { list: [1] } as never)
    const headers = new Headers()
    await writing.commit(headers)
    const cookie = headers.getSetCookie()[0]!.split(';')[0]!
    const timers = t.mock.method(globalThis, 'setTimeout')
    const visit = async (): Promise<unknown> => {
      const session = await sessions.open({ headers: new Headers({ cookie }) })
      const user = session.get('user' as never) as { list: number[] } | undefined
      user?.list.push(2)
      return user?.list.length
    }
    for (const seconds of [0, 0, 0, 31, 0, 61, 0, 0, 200]) {
      clock.tick(seconds * 1000)
      assert.equal(await visit(), 2)
    }
    clock.tick(8_000)
    assert.equal(await visit(), undefined)
    assert.equal(timers.mock.callCount(), 0)
  })
})
