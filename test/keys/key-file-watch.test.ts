// When what a key file holds counts: which looks at it lead to what. The file system and the time are played.
import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { watchKeys } from '../../src/keys/key-file.ts'

const INTERVAL = 5

let clock: Clock
/** What the next looks find: a text, or the code of an error. */
let found: string[] = []
let reads: string[] = []

beforeEach(() => {
  clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout'] })
  reads = []
  mock.method(fs, 'readFile', async (path: string) => {
    reads.push(path)
    const next = found.shift() ?? assert.fail('one look too many')
    if (next.startsWith('E')) throw Object.assign(new Error(next), { code: next })
    return Buffer.from(next)
  })
  syncBuiltinESMExports()
})

afterEach(() => {
  clock.uninstall()
  mock.restoreAll()
  syncBuiltinESMExports()
})

interface Watch {
  calls: string[]
  /** How many looks were told so far. */
  looks: () => number
  stop: () => void
}

/** A watch of a file that held "a" at first. */
function watch (interval = INTERVAL): Watch {
  const calls: string[] = []
  let looks = 0
  const stop = watchKeys({
    read: async () => await fs.readFile('/keys'),
    interval,
    content: Buffer.from('a'),
    changed: content => { calls.push(`changed ${content}`) },
    looked: () => { looks++ },
    failed: ({ message }) => { calls.push(`failed ${message}`) }
  })
  return { calls, looks: () => looks, stop }
}

async function look (times: number): Promise<void> {
  for (let time = 0; time < times; time++) await clock.tickAsync(INTERVAL * 1000)
}

const times = (count: number, text: string): string[] => Array.from({ length: count }, () => text)

describe('a watch', () => {
  const looks: Array<[title: string, found: string[], calls: string[]]> = [
    ['says nothing of a file that stays as it is', times(20, 'a'), []],
    ['says nothing of what was found once', ['b'], []],
    ['tells what was found twice in a row, once', ['b', 'b', 'b', 'b'], ['changed b']],
    ['skips what was found once only, as while the file is written', ['', 'b', 'bc', 'bc'], ['changed bc']],
    ['says nothing where the file is as before at the second look', ['b', 'a', 'a', 'a'], []],
    ['says nothing of a file that was missed once, as where it was removed and written anew', ['ENOENT', 'a', 'a', 'ENOENT', 'b'], []],
    ['tells of a failure that was there twice in a row, once', times(20, 'ENOENT'), ['failed ENOENT']],
    ['tells of another failure, too', ['ENOENT', 'ENOENT', 'EISDIR', 'EISDIR'], ['failed ENOENT', 'failed EISDIR']],
    ['tells what is there again after a failure, even if it is as before', ['ENOENT', 'ENOENT', 'a', 'a', 'a'], ['failed ENOENT', 'changed a']],
    ['tells of every change', ['b', 'b', 'a', 'a', 'c', 'c'], ['changed b', 'changed a', 'changed c']]
  ]
  for (const [title, contents, expected] of looks) {
    it(title, async () => {
      found = [...contents]
      const { calls, stop } = watch()
      await look(contents.length)
      stop()
      assert.deepEqual(found, [], 'looks at each interval')
      assert.deepEqual(calls, expected)
    })
  }

  it('tells of each look, whatever it finds', async () => {
    found = ['a', 'b', 'b', 'b', 'ENOENT', 'ENOENT', 'a', 'c', 'a']
    const { looks, stop } = watch()
    for (const expected of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      await look(1)
      assert.equal(looks(), expected)
    }
    stop()
  })

  it('tells of a change before it tells of the look that found it', async () => {
    found = ['b', 'b']
    const order: string[] = []
    const stop = watchKeys({
      read: async () => await fs.readFile('/keys'),
      interval: INTERVAL,
      content: Buffer.from('a'),
      changed: () => { order.push('changed') },
      looked: () => { order.push('looked') },
      failed: () => {}
    })
    await look(2)
    stop()
    assert.deepEqual(order, ['looked', 'changed', 'looked'])
  })

  it('takes a file system that does not answer within ten seconds for a failure, and its looks count', async () => {
    let finish = (): void => {}
    const hanging = mock.method(fs, 'readFile', async () => await new Promise<Buffer>(resolve => { finish = () => { resolve(Buffer.from('b')) } }))
    syncBuiltinESMExports()
    const { calls, looks, stop } = watch()
    await look(2)
    assert.deepEqual([looks(), calls], [0, []], 'it is slow')
    await look(1)
    assert.deepEqual([looks(), calls], [1, []])
    await look(5)
    assert.equal(looks(), 6)
    assert.deepEqual(calls, ['failed ETIMEDOUT: no answer'])
    assert.equal(hanging.mock.callCount(), 1)
    finish()
    await look(1)
    finish()
    await look(1)
    assert.deepEqual(calls.slice(1), ['changed b'])
    stop()
  })

  it('looks only when the last look has ended', async () => {
    let finish = (): void => {}
    const slow = mock.method(fs, 'readFile', async () => await new Promise<Buffer>(resolve => { finish = () => { resolve(Buffer.from('a')) } }))
    syncBuiltinESMExports()
    const { stop } = watch()
    await look(5)
    assert.equal(slow.mock.callCount(), 1)
    finish()
    await look(1)
    assert.equal(slow.mock.callCount(), 2)
    stop()
  })

  it('looks no more and tells nothing after it was stopped, not even of a look that was under way', async () => {
    found = ['b', 'b', 'b']
    const { calls, stop } = watch()
    await look(1)
    clock.tick(INTERVAL * 1000) // begins the second look, whose answer is still to come
    stop()
    await look(5)
    assert.equal(reads.length, 2)
    assert.deepEqual(calls, [])
  })

  it('with an interval of years does not look all the time', async () => {
    found = ['a']
    const { stop } = watch(1e9)
    await clock.tickAsync(60_000)
    assert.deepEqual(reads, [])
    stop()
  })
})
