// When what a key file holds counts: which looks at it lead to what. The file system and the time are played.
import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { watchKeyFile } from '../../src/keys/key-file-watch.ts'

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
  stop: () => void
}

/** A watch of a file that held "a" at first. */
function watch (interval = INTERVAL): Watch {
  const calls: string[] = []
  const stop = watchKeyFile({
    path: '/keys',
    interval,
    content: Buffer.from('a'),
    changed: content => { calls.push(`changed ${content}`) },
    lasted: () => { calls.push('lasted') },
    failed: ({ message }) => { calls.push(`failed ${message}`) }
  })
  return { calls, stop }
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
    ['tells of every change', ['b', 'b', 'a', 'a', 'c', 'c'], ['changed b', 'changed a', 'changed c']],
    ['tells when a new content was found ten times', times(30, 'b'), ['changed b', 'lasted']],
    ['does not tell before', times(9, 'b'), ['changed b']],
    ['counts anew after a change', [...times(9, 'b'), ...times(9, 'c')], ['changed b', 'changed c']],
    ['counts anew after a failure', [...times(9, 'b'), 'EIO', ...times(9, 'b')], ['changed b']]
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
