// A session that has expired on one side has expired on the other, at the same millisecond.
import assert from 'node:assert/strict'
import { install, type Clock } from '@sinonjs/fake-timers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { cookiesOf, newKey } from '../support/helpers.ts'
import { DIRECTIONS, SIDES, bothSides, serverOf } from '../support/peer.ts'

const START = Date.UTC(2026, 0, 2, 3, 4, 5)

/** Milliseconds after a full second at which the session is written, and the second that counts. */
const WRITTEN = [{ at: 0, second: 0 }, { at: 499, second: 0 }, { at: 500, second: 1 }, { at: 999, second: 1 }]
const EXPIRIES = [{ expiry: 60 }, { expiry: 900 }, { expiry: 1.5 }, { expiry: 86401 }, {}]
const DEFAULT_EXPIRY = 86401

describe('with the clock stopped', () => {
  let clock: Clock
  beforeEach(() => { clock = install({ now: START, toFake: ['Date'] }) })
  afterEach(() => { clock.uninstall() })

  for (const options of EXPIRIES) {
    const title = options.expiry === undefined ? 'the default expiry' : `an expiry of ${options.expiry} s`

    for (const writer of SIDES) {
      for (const { at, second } of WRITTEN) {
        it(`${title}: what ${writer} writes at .${at} s expires on both sides at the same millisecond`, async () => {
          const servers = await bothSides({ options: { key: newKey(), ...options } })
          clock.setSystemTime(START + at)
          const cookie = cookiesOf(await servers[writer].visit(session => session.set('n', 1)))
          const end = START + (second + (options.expiry ?? DEFAULT_EXPIRY)) * 1000

          for (const reader of SIDES) {
            const readAt = async (now: number): Promise<object> => {
              clock.setSystemTime(now)
              return (await servers[reader].visit(session => session.data(), cookie)).json()
            }
            assert.deepEqual(await readAt(START + at), { n: 1 }, `${reader}, at once`)
            assert.deepEqual(await readAt(end - 1), { n: 1 }, `${reader}, in the last millisecond`)
            assert.deepEqual(await readAt(end), {}, `${reader}, at the end`)
            assert.deepEqual(await readAt(end + 1), {}, `${reader}, after the end`)
          }
        })
      }
    }
  }

  for (const [toucher, reader] of DIRECTIONS) {
    it(`a touch by ${toucher} gives the session its whole expiry again, for ${reader} too`, async () => {
      const servers = await bothSides({ options: { key: newKey(), expiry: 60 } })
      const first = cookiesOf(await servers[reader].visit(session => session.set('n', 1)))
      clock.setSystemTime(START + 59_000)
      const touched = cookiesOf(await servers[toucher].visit(session => session.touch(), first))

      const read = async (cookie: string): Promise<object> => (await servers[reader].visit(session => session.data(), cookie)).json()
      clock.setSystemTime(START + 60_000)
      assert.deepEqual(await read(first), {})
      clock.setSystemTime(START + 118_999)
      assert.deepEqual(await read(touched), { n: 1 })
      clock.setSystemTime(START + 119_000)
      assert.deepEqual(await read(touched), {})
    })

    it(`a session that ${toucher} writes expires for ${reader} by the expiry of ${reader}`, async () => {
      const key = newKey()
      const writer = await serverOf(toucher, { options: { key, expiry: 3600 } })
      const strict = await serverOf(reader, { options: { key, expiry: 10 } })
      const cookie = cookiesOf(await writer.visit(session => session.set('n', 1)))
      for (const [seconds, data] of [[9.999, { n: 1 }], [10, {}]] as const) {
        clock.setSystemTime(START + seconds * 1000)
        assert.deepEqual((await strict.visit(session => session.data(), cookie)).json(), data)
      }
    })

    it(`sealing again with a new key by ${toucher} leaves the end of a session where it was`, async () => {
      const [key, old] = [newKey(), newKey()]
      const writer = await serverOf(reader, { options: { key: old, expiry: 60 } })
      const rotating = await bothSides({ options: { key: [key, old], expiry: 60 } })
      const written = cookiesOf(await writer.visit(session => session.set('n', 1)))
      clock.setSystemTime(START + 30_000)
      const resealed = cookiesOf(await rotating[toucher].visit(session => session.data(), written))
      for (const [ms, data] of [[59_999, { n: 1 }], [60_000, {}]] as const) {
        clock.setSystemTime(START + ms)
        assert.deepEqual((await rotating[reader].visit(session => session.data(), resealed)).json(), data)
      }
    })
  }

  it('both sides tell the time of the last write under __ts', async () => {
    const servers = await bothSides({ options: { key: newKey() } })
    for (const [writer, reader] of DIRECTIONS) {
      clock.setSystemTime(START + 700)
      const cookie = cookiesOf(await servers[writer].visit(session => session.set('n', 1)))
      clock.setSystemTime(START + 5000)
      const times = await servers[reader].visit(session => [session.get('__ts'), session.__ts], cookie)
      assert.deepEqual(times.json(), [START / 1000 + 1, START / 1000 + 1])
    }
  })
})
