// A key that has left a watched file: what it opens meanwhile, and when it opens nothing any more. Which
// looks find what is played, and so is the time; the app, the cookies and the keyring are real.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it, mock, type TestContext } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { Keyring, createSessionCodec, type Format, type KeyFileOptions } from '../../src/index.ts'
import { get } from '../support/app.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { cookieSealedWith, folderOf, sessionInfoOf, keyFileLines, keyIdsOf, linesOfKeys, sealingId, startApp } from '../support/keys.ts'

const [leaked, second, third] = [newKey(), newKey(), newKey()]
const [leakedId, secondId, thirdId] = keyIdsOf(leaked, second, third) as [string, string, string]

const FORMATS = ['secretbox', 'sealed'] as const satisfies Format[]

/** Seconds between two looks. */
const INTERVAL = 1

const BAD = 'not a key\n'
const GONE = 'ENOENT'

let clock: Clock
/** The file at the next look: a text, or the code of an error. */
let file = ''

beforeEach(() => {
  clock = FakeTimers.install({ now: Date.now() + 24 * 3600 * 1000, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  mock.method(fs, 'readFile', async () => {
    if (file.startsWith('E')) throw Object.assign(new Error(file), { code: file })
    return Buffer.from(file)
  })
  syncBuiltinESMExports()
})

afterEach(() => {
  clock.uninstall()
  mock.restoreAll()
  syncBuiltinESMExports()
})

async function look (times = 1): Promise<void> {
  for (let time = 0; time < times; time++) await clock.tickAsync(INTERVAL * 1000)
}

/** A keyring that follows a file with some keys, which was written a day ago. */
async function follow (t: TestContext, keys: Buffer[], options: KeyFileOptions = {}): Promise<Keyring> {
  const path = join(folderOf(t), 'keys')
  file = linesOfKeys(...keys)
  writeFileSync(path, file, { mode: 0o600 })
  const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL, ...options })
  t.after(() => { keyring.close() })
  return keyring
}

/** Whether what a key has sealed opens in an app. */
async function opens (app: FastifyInstance, key: Buffer, format: Format = 'sealed'): Promise<boolean> {
  return (await sessionInfoOf(app, await cookieSealedWith(key, {}, format))).status === 'valid'
}

describe('a key that has left a watched file', () => {
  const after: Array<[title: string, looks: string[]]> = [
    ['stays as it is', []],
    ['is gone', [GONE]],
    ['cannot be read', ['EACCES']],
    ['is invalid', [BAD]],
    ['is empty', ['']],
    ['is in trouble and good in turns', [BAD, BAD, linesOfKeys(second), linesOfKeys(second), GONE, GONE, linesOfKeys(second), linesOfKeys(second)]],
    ['is written anew at each look', Array.from({ length: 8 }, (_, n) => `# ${n}\n${linesOfKeys(second)}`)],
    ['is written anew at each second look', Array.from({ length: 8 }, (_, n) => `# ${n >> 1}\n${linesOfKeys(second)}`)],
    ['gets other keys', [linesOfKeys(third, second)]]
  ]
  for (const [title, looks] of after) {
    it(`opens until ten looks have not found it, although the file then ${title}`, async t => {
      const keyring = await follow(t, [second, leaked])
      const { app } = await startApp(t, { key: keyring, format: 'sealed' })
      file = linesOfKeys(second)
      await look(2)
      for (let number = 3; number <= 10; number++) {
        assert.equal(await opens(app, leaked), true, `before look ${number}`)
        file = looks[Math.min(number - 3, looks.length - 1)] ?? file
        await look()
      }
      assert.equal(await opens(app, leaked), false)
      assert.equal(keyring.ids.includes(leakedId), false)
      assert.equal(await opens(app, second), true)
    })
  }

  for (const [title, content] of [['good', linesOfKeys(second)], ['gone', GONE], ['invalid', BAD]] as const) {
    it(`opens nothing any more from close() on, where the file is ${title} by then`, async t => {
      const keyring = await follow(t, [second, leaked])
      const { app } = await startApp(t, { key: keyring, format: 'sealed' })
      file = linesOfKeys(second)
      await look(2)
      file = content
      await look(3)
      assert.equal(await opens(app, leaked), true)
      keyring.close()
      assert.equal(await opens(app, leaked), false)
      assert.deepEqual(keyring.ids, [secondId])
    })
  }

  it('opens nothing any more when the file does not answer for long enough', async t => {
    const keyring = await follow(t, [second, leaked])
    file = linesOfKeys(second)
    await look(2)
    mock.method(fs, 'readFile', async () => await new Promise(() => {}))
    syncBuiltinESMExports()
    await look(30)
    assert.deepEqual(keyring.ids, [secondId])
  })

  it('is listed again when it comes back in time', async t => {
    const keyring = await follow(t, [second, leaked])
    const { app } = await startApp(t, { key: keyring, format: 'sealed' })
    file = linesOfKeys(second)
    await look(5)
    file = linesOfKeys(second, leaked)
    await look(30)
    assert.deepEqual(keyring.ids, [secondId, leakedId])
    assert.equal(setCookies(await get(app, '/get', await cookieSealedWith(leaked, { n: 1 }))).length, 1)
  })

  it('goes on its own time, where another one leaves later', async t => {
    const keyring = await follow(t, [third, second, leaked])
    file = linesOfKeys(third, second)
    await look(6)
    file = linesOfKeys(third)
    await look(3)
    assert.deepEqual(keyring.ids, [thirdId, secondId, leakedId])
    await look(1)
    assert.deepEqual(keyring.ids, [thirdId, secondId])
    await look(6)
    assert.deepEqual(keyring.ids, [thirdId])
  })

  it('seals nothing from then on, though all others are too new', async t => {
    const keyring = await follow(t, [leaked, second])
    const { app } = await startApp(t, { key: keyring })
    file = linesOfKeys(third, second)
    await look(2)
    assert.equal(await sealingId(app), secondId)
  })

  for (const format of FORMATS) {
    it(`has no session sealed again that it opens, by whichever session of the keyring: ${format}`, async t => {
      const other: Format = format === 'sealed' ? 'secretbox' : 'sealed'
      const keyring = await follow(t, [leaked, second], { activateAfter: 0 })
      const { app } = await startApp(t, [
        { key: keyring, format },
        { sessionName: 'other', key: keyring, format, accept: ['secretbox', 'sealed'], rolling: true, cookie: { signed: true } }
      ])
      app.log.level = 'silent'
      const codec = await createSessionCodec<object>({ key: keyring, format, accept: ['secretbox', 'sealed'] })
      file = linesOfKeys(third, second)
      for (let number = 1; number <= 12; number++) {
        await look()
        if (number === 1) continue // it does not count yet, and the leaked key is the one that seals
        for (const kind of [format, other]) {
          const response = await get(app, '/get', await cookieSealedWith(leaked, { n: 1 }, kind))
          if (kind === 'sealed' || format === 'secretbox') assert.deepEqual([response.body, setCookies(response)], [number < 10 ? '{"n":1}' : '{}', []], `look ${number}`)
          const token = (await createSessionCodec<object>({ key: leaked, format: kind })).seal({})
          const opened = codec.open(token)
          assert.deepEqual(opened.ok ? opened.stale : opened.ok, false, `look ${number}`)
        }
        // What a key opens that is listed is sealed again, in all of this.
        assert.equal(setCookies(await get(app, '/get', await cookieSealedWith(second, { n: 1 }, format))).length, 1)
      }
    })
  }
})

describe('a watched file that has none of its keys any more, as after rotate --keep 0,', () => {
  for (const format of FORMATS) {
    for (const options of [{}, { activateAfter: 0 }, { activateAfter: 10 * INTERVAL }]) {
      it(`ends what they have sealed at the second look, and nobody gets a cookie of the new key for it: ${format}, ${JSON.stringify(options)}`, async t => {
        const keyring = await follow(t, [second, leaked], options)
        const { app } = await startApp(t, { key: keyring, format })
        let cookie = await cookieSealedWith(leaked, { admin: true }, format)
        file = linesOfKeys(third)
        await look(1)
        const before = await get(app, '/get', cookie)
        assert.equal(before.body, '{"admin":true}')
        cookie = cookieOf(before)
        for (let number = 2; number < 15; number++) {
          await look()
          const response = await get(app, '/get', cookie)
          assert.deepEqual([response.body, setCookies(response)], ['{}', []])
        }
        assert.deepEqual(keyring.ids, [thirdId])
        assert.equal(await sealingId(app), thirdId)
      })
    }
  }

  it('is logged as read, and its keys as gone', async t => {
    const { lines } = await startApp(t, { key: await follow(t, [second, leaked]) })
    file = linesOfKeys(third)
    await look(20)
    assert.deepEqual(keyFileLines(lines).map(({ level, keyIds }) => [level, keyIds]), [[30, [thirdId]], [30, [thirdId]]])
    assert.match(keyFileLines(lines)[1]!.msg, /keys that are gone .* open nothing any more/)
  })

  it('still opens what they have sealed for ten looks where it was in trouble just before: the rest may be on its way', async t => {
    for (const trouble of ['', GONE, BAD]) {
      const keyring = await follow(t, [second, leaked])
      file = trouble
      await look(2)
      file = linesOfKeys(third)
      await look(9)
      assert.deepEqual(keyring.ids, [thirdId, secondId, leakedId])
      await look(1)
      assert.deepEqual(keyring.ids, [thirdId])
    }
  })
})

describe('of two processes with one file', () => {
  for (const format of FORMATS) {
    it(`the one that has read the new file gets no session from the other that the key which left it has made: ${format}`, async t => {
      const early = await follow(t, [leaked, second])
      const late = await follow(t, [leaked, second], { watchInterval: 3 * INTERVAL })
      const { app: a } = await startApp(t, { key: early, format })
      const { app: b } = await startApp(t, { key: late, format })
      let cookie = await cookieSealedWith(leaked, { admin: true }, format)
      file = linesOfKeys(third, second)
      for (let number = 1; number <= 40; number++) {
        await look()
        for (const app of [a, b]) {
          const response = await get(app, '/get', cookie)
          if (setCookies(response).length > 0) cookie = cookieOf(response)
        }
      }
      assert.deepEqual([early.ids, late.ids], [[thirdId, secondId], [thirdId, secondId]])
      for (const app of [a, b]) assert.equal((await sessionInfoOf(app, cookie)).status, 'rejected')
    })
  }
})
