// Replies of async handlers and hooks that end before their response does: with revocation as without.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { after, before, describe, it } from 'node:test'
import type { Answer, Report } from './async-replies-child.ts'
import { RedisServer, noRedis } from './redis-server.ts'

const child = fileURLToPath(new URL('async-replies-child.ts', import.meta.url))

interface Outcome { code: number | null, errors: string, answers: Map<string, Answer> }

/** All answers of a process that has an app with a store. */
async function answersWith (store: string, port = 0): Promise<Outcome> {
  const answers = new Map<string, Answer>()
  const running = fork(child, [store, String(port)], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let errors = ''
  running.stderr?.on('data', (data: Buffer) => { errors += data.toString() })
  running.on('message', ({ name, answer }: Report) => { answers.set(name, answer) })
  const [code] = await once(running, 'close') as [number | null]
  return { code, errors, answers }
}

/** True for a stream that Fastify leaves out without revocation: it takes the end of the handler for an empty answer. */
const isCutShort = (name: string, { body }: Answer): boolean => body === '' && name.endsWith('returns nothing after send() of a stream')

describe('a reply that an async handler or hook sends', () => {
  let plain: Outcome
  before(async () => { plain = await answersWith('none') })

  it('is the same in each run without revocation, which is compared with', () => {
    assert.equal(plain.code, 0, plain.errors)
    assert.ok(plain.answers.size > 600)
  })

  let redis: RedisServer | null = null
  after(async () => { await redis?.remove() })

  for (const [store, what, skip] of [
    ['memory', 'a store in memory', false],
    ['slow', 'a slow store', false],
    ['redis', 'Redis', noRedis]
  ] as const) {
    it(`is answered once, whole, and by nobody else, with ${what} as without revocation`, { skip }, async () => {
      if (store === 'redis') redis = await RedisServer.create()
      const { code, errors, answers } = await answersWith(store, redis?.port)
      assert.equal(code, 0, errors)
      const different = [...plain.answers].filter(([name, answer]) => {
        const other = answers.get(name)
        return !isDeepStrictEqual(other, answer) && !(isCutShort(name, answer) && other?.body === 'abc')
      })
      assert.deepEqual(different.map(([name, answer]) => ({ name, answer, got: answers.get(name) })), [])
    })
  }

  for (const [store, what] of [['failing', 'a store that fails'], ['refusing', 'a store that fails at once']] as const) {
    it(`is a 503 without a cookie, or what it is without revocation, with ${what}`, async () => {
      const { code, errors, answers } = await answersWith(store)
      assert.equal(code, 0, errors)
      const wrong = [...plain.answers].filter(([name, answer]) => {
        const other = answers.get(name)
        if (other?.status === 503) return other.cookies > 0 || other.ran !== answer.ran
        // Such as a delete() of a session that nobody can have a copy of.
        return other === undefined || other.status !== answer.status || other.ran !== answer.ran
      })
      assert.deepEqual(wrong.map(([name, answer]) => ({ name, answer, got: answers.get(name) })), [])
    })
  }
})
