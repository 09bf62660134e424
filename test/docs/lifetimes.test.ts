// The timelines of docs/guide/lifetimes.md are read, and lived through with a real app.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import { cookieOf, newKey } from '../support/helpers.ts'
import { get, linesOf, readyApp } from '../support/app.ts'

const START = 1_800_000_000_000
/** What one column of the picture stands for. */
const SECONDS_PER_COLUMN = 2.5

interface Timeline {
  title: string
  /** W a write, r a read, R a read that sends the session again; with its second. */
  events: Array<[what: string, second: number]>
  end: number
}

const page = readFileSync(new URL('../../docs/guide/lifetimes.md', import.meta.url), 'utf8')
const [, picture = ''] = /```text\n(expiry: 100 [\s\S]*?)```/.exec(page) ?? []

const timelines = picture.split('\n').flatMap((row): Timeline[] => {
  const [, title = '', line = '', end = ''] = /^ {2}(\S.*?) +├(.*)┤ (\d+)$/.exec(row) ?? []
  if (title === '') return []
  const secondOf = (column: number): number => (column + 1) * SECONDS_PER_COLUMN
  assert.equal(secondOf(line.length), Number(end), `drawn to another second: ${row}`)
  return [{ title, events: [...line].flatMap((what, column) => what === '─' ? [] : [[what, secondOf(column)] as [string, number]]), end: Number(end) }]
})

async function live (t: TestContext, format: string, { title, events, end }: Timeline): Promise<void> {
  const clock = FakeTimers.install({ toFake: ['Date'], now: START })
  t.after(() => clock.uninstall())
  const [, absoluteTimeout] = /^absoluteTimeout: (\d+)/.exec(title) ?? []
  const limits = { expiry: 100, rolling: title.startsWith('rolling'), absoluteTimeout: absoluteTimeout === undefined ? undefined : Number(absoluteTimeout) }
  const app = await readyApp({
    session: { key: newKey(), format, ...limits },
    routes: {
      '/W': ({ session }) => { session.set('user', 1) },
      '/read': ({ session }) => session.get('user') ?? 'nobody'
    }
  })
  let cookie = cookieOf(await get(app, '/W'))
  for (const [what, second] of events) {
    clock.setSystemTime(START + second * 1000)
    const response = await get(app, what === 'W' ? '/W' : '/read', cookie)
    assert.equal(linesOf(response).length, what === 'r' ? 0 : 1, `${what} at ${second}`)
    if (what !== 'r') cookie = cookieOf(response)
  }
  clock.setSystemTime(START + end * 1000 - 1)
  assert.equal((await get(app, '/read', cookie)).body, '1')
  clock.setSystemTime(START + end * 1000)
  assert.equal((await get(app, '/read', cookie)).body, 'nobody')
}

describe('the picture in docs/guide/lifetimes.md', () => {
  it('has a timeline for each way to end', () => {
    assert.deepEqual(timelines.map(({ title, end }) => [title, end]), [['read only', 100], ['written at 60', 160], ['rolling, read at 40 and 60', 160], ['absoluteTimeout: 120', 120]])
  })

  for (const timeline of timelines) {
    it(`draws the events that it names: ${timeline.title}`, () => {
      const named = / at (.*)/.exec(timeline.title)?.[1]?.split(' and ').map(Number)
      if (named !== undefined) assert.deepEqual(timeline.events.map(([, second]) => second), named)
    })
    for (const format of ['secretbox', 'sealed']) {
      it(`is what happens: ${timeline.title}, ${format}`, async t => { await live(t, format, timeline) })
    }
  }
})
