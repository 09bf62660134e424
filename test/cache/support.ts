// Sessions that come again and again, and the decryptions that they cost.
import type { TestContext } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { get } from '../support/app.ts'
import { countTries } from '../support/helpers.ts'

export const FORMATS = ['sealed', 'secretbox'] as const

/** Counts decryptions: the function says how many there were since it was called last. */
export function countDecryptions (t: TestContext): () => number {
  const tries = countTries(t)
  return () => {
    const { decryptions } = tries
    tries.decryptions = 0
    return decryptions
  }
}

/** Stops the time and the timers at a whole second until the test ends. */
export function stopTime (t: TestContext): Clock {
  const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  t.after(() => { clock.uninstall() })
  return clock
}

/** Answer to a cookie that has come often enough to be in the cache. */
export async function again (app: FastifyInstance, cookie: string, url = '/get'): Promise<unknown> {
  let body: unknown
  for (let time = 0; time < 3; time++) body = (await get(app, url, cookie)).json()
  return body
}
