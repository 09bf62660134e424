// A session that is split, beside parts that somebody has planted.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { createSessionCodec } from '../../src/index.ts'
import { get, newApp, post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { countTries, newKey, setCookies, tokenOf } from '../support/helpers.ts'

const FORMATS = ['secretbox', 'sealed'] as const

interface Split {
  app: FastifyInstance
  /** The cookies of the user's session. */
  user: string[]
  /** Who a request is from. */
  who: (cookies: readonly string[]) => Promise<unknown>
}

async function split (bytes: number, options: object = {}, before?: (app: FastifyInstance) => void): Promise<Split> {
  const app = newApp({ session: { key: newKey(), maxChunks: 8, ...options }, before })
  const write = await post(app, '/set', undefined, { user: 'Ada', text: 'x'.repeat(bytes) })
  const user = setCookies(write).map(line => line.split(';')[0]!) // a line is not empty
  assert.ok(user.length > 1)
  return { app, user, who: async cookies => (await get(app, '/get', cookies.join('; '))).json().user }
}

/** The cookies as version 0.1.0 wrote them. */
function withoutTags (cookies: readonly string[]): string[] {
  return cookies.map(cookie => cookie.replace(/=(\d?)~[\w-]{4}~/, '=$1~'))
}

const names = ['session.1', 'session.2', 'session.3', 'session.7']
const some = (count: number, value: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => names.map(name => `${name}=${value(n)}`)).flat()

const PLANTED: Record<string, () => string[]> = {
  'one without a tag': () => some(1, () => '~x'),
  'four without a tag': () => some(4, n => `~x${n}`),
  '300 without a tag': () => some(300, n => `~x${n}`),
  '300 with other tags': () => some(300, n => `~${randomBytes(3).toString('base64url')}~x${n}`),
  '300 with a tag that has first parts of its own': () => [...some(300, n => `~AAAA~x${n}`), ...Array.from({ length: 15 }, (_, n) => `session=2~AAAA~${n}`)],
  '15 whole sessions of planted parts': () => Array.from({ length: 15 }, (_, n) => [`session=8~AAA${n % 10}~${n}`, ...[1, 2, 3, 4, 5, 6, 7].map(index => `session.${index}=~AAA${n % 10}~${'x'.repeat(50)}`)]).flat(),
  '15 first parts without a tag that have all others': () => [...Array.from({ length: 15 }, (_, n) => `session=2~${n}`), ...some(4, n => `~${'x'.repeat(900)}${n}`)],
  'what is no part': () => some(300, n => `x${n}`)
}

for (const format of FORMATS) {
  describe(`planted parts do not log a user out of a split session: ${format}`, () => {
    for (const [what, plant] of Object.entries(PLANTED)) {
      it(`${what}, before and behind the user's`, async () => {
        const { user, who } = await split(9500, { format })
        assert.equal(await who([...plant(), ...user]), 'Ada')
        assert.equal(await who([...user, ...plant()]), 'Ada')
      })

      it(`${what}: with a codec`, async () => {
        const options = { key: newKey(), format }
        const { user } = await split(4500, options)
        const opened = (await createSessionCodec<{ user: string }>(options)).openCookies([...plant(), ...user].join('; '))
        assert.equal(opened?.ok === true && opened.data.user, 'Ada')
      })
    }

    it('where the app has its own @fastify/cookie, or signs cookies', async () => {
      for (const [options, before] of [[{ cookie: { signed: true } }, undefined], [{}, (app: FastifyInstance) => app.register(cookiePlugin)]] as const) {
        const { user, who } = await split(4500, { format, ...options }, before)
        assert.equal(await who([...PLANTED['300 without a tag']!(), ...user]), 'Ada') // it is there
      }
    })

    it('where an older session of the user is there as well', async t => {
      const clock = stopClock(t)
      const { app, user, who } = await split(4500, { format })
      clock.tick(5000)
      const newer = setCookies(await post(app, '/set', user.join('; '), { user: 'Ada II' })).map(line => line.split(';')[0]!) // as above
      assert.equal(await who([user[0]!, newer[0]!, user[1]!, newer[1]!]), 'Ada II') // there are two of each
      assert.equal(await who([newer[0]!, user[1]!, newer[1]!, user[0]!]), 'Ada II')
    })
  })

  describe(`the parts of a split session: ${format}`, () => {
    it('have the tag of their write, which is another for each', async () => {
      const tags = new Set<string | undefined>()
      for (let write = 0; write < 20; write++) {
        const { user } = await split(4500, { format })
        const [first, second] = user.map(cookie => /=2?~([\w-]{4})~/.exec(cookie)?.[1])
        assert.equal(first, second)
        tags.add(first)
      }
      assert.equal(tags.size, 20)
      assert.ok(!tags.has(undefined))
    })

    it('do not open with the parts of another write, whatever tag they are given', async () => {
      const { app, user, who } = await split(4500, { format })
      const other = setCookies(await post(app, '/set', undefined, { user: 'Eve', text: 'y'.repeat(4500) })).map(line => line.split(';')[0]!) // a line is not empty
      const [, tag = ''] = /~([\w-]{4})~/.exec(user[0]!) ?? [] // there are two
      const exchanged = other[1]!.replace(/~[\w-]{4}~/, `~${tag}~`)
      assert.equal(await who([user[0]!, other[1]!]), undefined)
      assert.equal(await who([user[0]!, exchanged]), undefined)
    })

    it('open as version 0.1.0 wrote them, without tags, and beside those of a newer write', async t => {
      const clock = stopClock(t)
      const { app, user, who } = await split(9500, { format })
      clock.tick(5000)
      assert.equal(await who(withoutTags(user)), 'Ada')
      const newer = setCookies(await post(app, '/set', user.join('; '), { user: 'Ada II' })).map(line => line.split(';')[0]!) // as above
      assert.equal(await who([...withoutTags(user), ...newer]), 'Ada II')
      assert.equal(await who([...withoutTags(newer), ...user]), 'Ada II')
    })

    it('are put together without work for others: one decryption, whatever is planted', async t => {
      const { app, user } = await split(4500, { format })
      const tries = countTries(t)
      await get(app, '/get', [...PLANTED['300 without a tag']!(), ...PLANTED['300 with other tags']!(), ...user].join('; ')) // they are there
      assert.equal(tries.decryptions, 1)
    })
  })
}

describe('a token', () => {
  it('is never taken for a part, nor a part without a tag for one with a tag', async () => {
    for (const format of FORMATS) {
      const { app } = await split(4500, { format })
      for (let n = 0; n < 200; n++) assert.doesNotMatch(tokenOf(await post(app, '/set', undefined, { n })), /~/)
    }
  })
})
