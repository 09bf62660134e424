// A key that a watched file puts first opens at once and seals later, so that no process seals what
// another one cannot open yet. The files and the watch are real; the time is set by hand.
import assert from 'node:assert/strict'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { Keyring, createSessionCodec, type Format, type KeyFileOptions } from '../../src/index.ts'
import { get, post } from '../support/app.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { INTERVAL, cookieSealedWith, folderOf, sessionInfoOf, keyIdsOf, linesOfKeys, replaceFile, sealingId, startApp, until } from '../support/keys.ts'

const [first, second, third] = [newKey(), newKey(), newKey()]
const [firstId, secondId, thirdId] = keyIdsOf(first, second, third) as [string, string, string]

const DAY = 24 * 60 * 60
/** What the files of these tests wait, in seconds. */
const WAIT = 60

let clock: Clock
beforeEach(() => { clock = FakeTimers.install({ now: Date.now(), toFake: ['Date'] }) })
afterEach(() => { clock.uninstall() })

const pass = (seconds: number): void => { clock.tick(seconds * 1000) }

/** A file that is written now. */
function write (t: TestContext, ...keys: Buffer[]): string {
  const path = join(folderOf(t), 'keys')
  writeFileSync(path, linesOfKeys(...keys))
  return path
}

/** A file that was written a day ago. */
function writeEarlier (t: TestContext, ...keys: Buffer[]): string {
  const path = write(t, ...keys)
  pass(DAY)
  return path
}

async function follow (t: TestContext, path: string, options: KeyFileOptions = {}): Promise<Keyring> {
  const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL, activateAfter: WAIT, ...options })
  t.after(() => { keyring.close() })
  return keyring
}

async function read (keyring: Keyring, ...keys: Buffer[]): Promise<void> {
  await until(() => keyring.ids.join() === keyIdsOf(...keys).join(), 'the file is read')
}

describe('a key that appears in a watched file', () => {
  for (const format of ['secretbox', 'sealed'] as const) {
    it(`opens at once and seals after activateAfter: ${format}`, async t => {
      const path = writeEarlier(t, first)
      const keyring = await follow(t, path)
      const { app } = await startApp(t, { key: keyring, format })
      replaceFile(path, linesOfKeys(second, first))
      await read(keyring, second, first)
      assert.equal((await sessionInfoOf(app, await cookieSealedWith(second, {}, format))).keyId, secondId)
      assert.equal(await sealingId(app), firstId)
      pass(WAIT - 1)
      assert.equal(await sealingId(app), firstId)
      pass(1)
      assert.equal(await sealingId(app), secondId)
    })
  }

  it('is not the one that seals meanwhile, which what a codec seals says, as docs/guide/keys.md has it; a new session does not', async t => {
    const path = writeEarlier(t, first)
    const keyring = await follow(t, path)
    const codec = await createSessionCodec<object>({ key: keyring, format: 'sealed', context: 'which key seals' })
    const sealingNow = (): unknown => {
      const opened = codec.open(codec.seal({}))
      return opened.ok ? opened.keyId : opened.reason
    }
    const { app } = await startApp(t, { key: keyring, format: 'sealed' })
    replaceFile(path, linesOfKeys(second, first))
    await read(keyring, second, first)
    assert.deepEqual([keyring.ids[0], sealingNow()], [secondId, firstId])
    assert.equal((await get(app, '/info')).json().keyId, null)
    pass(WAIT)
    assert.deepEqual([keyring.ids[0], sealingNow()], [secondId, secondId])
  })

  it('seals after 120 seconds unless it is said otherwise, and at once with 0', async t => {
    for (const [options, seconds] of [[{ activateAfter: undefined }, 120], [{ activateAfter: 0 }, 0]] as const) {
      const path = writeEarlier(t, first)
      const keyring = await follow(t, path, options)
      const { app } = await startApp(t, { key: keyring })
      replaceFile(path, linesOfKeys(second, first))
      await read(keyring, second, first)
      if (seconds > 0) {
        pass(seconds - 1)
        assert.equal(await sealingId(app), firstId)
        pass(1)
      }
      assert.equal(await sealingId(app), secondId)
    }
  })

  it('signs cookies from when it seals, and signatures of all keys count', async t => {
    const path = writeEarlier(t, first)
    const keyring = await follow(t, path)
    const signed = { cookie: { signed: true } }
    const { app } = await startApp(t, { key: keyring, ...signed })
    const { app: newer } = await startApp(t, { key: [second, first], ...signed })
    const { app: older } = await startApp(t, { key: first, ...signed })
    replaceFile(path, linesOfKeys(second, first))
    await read(keyring, second, first)
    const login = async (): Promise<string> => cookieOf(await post(app, '/set', undefined, { n: 1 }))
    assert.equal((await sessionInfoOf(app, cookieOf(await post(newer, '/set', undefined, { n: 1 })))).status, 'valid')
    assert.equal((await sessionInfoOf(older, await login())).status, 'valid')
    pass(WAIT)
    assert.equal((await sessionInfoOf(older, await login())).reason, 'signature-invalid')
    assert.equal((await sessionInfoOf(newer, await login())).status, 'valid')
  })

  it('seals at once where it has no other beside it', async t => {
    const path = writeEarlier(t, first)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    replaceFile(path, linesOfKeys(second))
    await read(keyring, second)
    assert.equal(await sealingId(app), secondId)
  })

  it('is the oldest where all are too new', async t => {
    const path = writeEarlier(t, first)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    replaceFile(path, linesOfKeys(third, second))
    await read(keyring, third, second)
    assert.equal(await sealingId(app), secondId)
    pass(WAIT)
    assert.equal(await sealingId(app), thirdId)
  })

  it('waits again where it was taken out and comes back', async t => {
    const path = writeEarlier(t, second, first)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    assert.equal(await sealingId(app), secondId)
    replaceFile(path, linesOfKeys(first))
    await read(keyring, first)
    replaceFile(path, linesOfKeys(second, first))
    await read(keyring, second, first)
    assert.equal(await sealingId(app), firstId)
  })
})

describe('a key that was in the file for long', () => {
  it('seals at once when it moves to the front', async t => {
    const path = writeEarlier(t, first, second)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    replaceFile(path, linesOfKeys(second, first))
    await read(keyring, second, first)
    assert.equal(await sealingId(app), secondId)
  })

  it('seals at once when it appeared behind another, waited, and moves to the front', async t => {
    const path = writeEarlier(t, first)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    replaceFile(path, linesOfKeys(first, second))
    await read(keyring, first, second)
    pass(WAIT)
    replaceFile(path, linesOfKeys(second, first))
    await read(keyring, second, first)
    assert.equal(await sealingId(app), secondId)
  })

  it('goes on sealing when the file is written anew with another comment, or with a key more at its end', async t => {
    const path = writeEarlier(t, second)
    const keyring = await follow(t, path)
    const { app } = await startApp(t, { key: keyring })
    replaceFile(path, `# another comment\n${linesOfKeys(second, first)}`)
    await read(keyring, second, first)
    assert.equal(await sealingId(app), secondId)
  })
})

describe('the first key of a file, for a process that starts', () => {
  it('seals at once where the file was written long ago', async t => {
    const { app } = await startApp(t, { key: await follow(t, writeEarlier(t, second, first)) })
    assert.equal(await sealingId(app), secondId)
  })

  it('seals activateAfter the file was written, where that was a moment ago', async t => {
    const path = write(t, second, first)
    pass(10)
    const { app } = await startApp(t, { key: await follow(t, path) })
    assert.equal(await sealingId(app), firstId)
    pass(WAIT - 10 - 5)
    assert.equal(await sealingId(app), firstId)
    pass(10)
    assert.equal(await sealingId(app), secondId)
  })

  it('seals at once where it is the only one', async t => {
    const { app } = await startApp(t, { key: await follow(t, write(t, second)) })
    assert.equal(await sealingId(app), secondId)
  })

  it('waits where the file has just come here with the time of its original, as from rsync -a', async t => {
    const path = write(t, second, first)
    utimesSync(path, 0, 0)
    const { app } = await startApp(t, { key: await follow(t, path) })
    assert.equal(await sealingId(app), firstId)
    pass(WAIT + 5)
    assert.equal(await sealingId(app), secondId)
  })

  it('waits no longer than activateAfter where the time of the file lies ahead', async t => {
    const path = write(t, second, first)
    const ahead = Date.now() / 1000 + 365 * DAY
    utimesSync(path, ahead, ahead)
    const { app } = await startApp(t, { key: await follow(t, path) })
    assert.equal(await sealingId(app), firstId)
    pass(WAIT)
    assert.equal(await sealingId(app), secondId)
  })

  it('seals at once where the file is not watched', async t => {
    const { app } = await startApp(t, { key: await Keyring.fromFile(write(t, second, first), { activateAfter: WAIT }) })
    assert.equal(await sealingId(app), secondId)
  })
})

describe('of two processes with one file', () => {
  for (const format of ['secretbox', 'sealed'] as const) {
    it(`the one that reads a new key later refuses nothing that the other one seals: ${format}`, async t => {
      const path = writeEarlier(t, first)
      const early = await follow(t, path)
      const late = await follow(t, path, { watchInterval: 0.3 })
      const { app: a } = await startApp(t, { key: early, format })
      const { app: b } = await startApp(t, { key: late, format })
      const passOn = async (): Promise<void> => {
        const cookie = cookieOf(await post(a, '/set', undefined, { n: 1 }))
        assert.equal((await sessionInfoOf(b, cookie)).status, 'valid')
        assert.equal((await sessionInfoOf(a, cookieOf(await post(b, '/set', cookie, { n: 2 })))).status, 'valid')
      }
      const behind = { early: 0 }
      for (const keys of [[second, first], [third, second, first]]) {
        replaceFile(path, linesOfKeys(...keys))
        const ids = keyIdsOf(...keys).join()
        const end = performance.now() + 20_000
        while (late.ids.join() !== ids) {
          assert.ok(performance.now() < end, 'the file is read')
          await passOn()
          if (early.ids.join() === ids) behind.early++
        }
        for (let step = 0; step < 4; step++) {
          pass(WAIT / 2)
          await passOn()
        }
        assert.equal(await sealingId(a), keyIdsOf(keys[0]!)[0])
        assert.equal(await sealingId(b), keyIdsOf(keys[0]!)[0])
      }
      assert.ok(behind.early > 0, 'one had read what the other had not')
    })
  }

  for (const format of ['secretbox', 'sealed'] satisfies Format[]) {
    it(`the one that seals with the older key does not take a session back to it: ${format}`, async t => {
      const path = writeEarlier(t, second, first)
      const keyring = await follow(t, path)
      const { app } = await startApp(t, { key: keyring, format })
      replaceFile(path, linesOfKeys(third, second, first))
      await read(keyring, third, second, first)
      assert.equal(await sealingId(app), secondId)
      const readWith = async (key: Buffer): Promise<number> =>
        setCookies(await get(app, '/get', await cookieSealedWith(key, { n: 1 }, format))).length
      assert.deepEqual([await readWith(third), await readWith(second), await readWith(first)], [0, 0, 1])
      pass(WAIT)
      assert.deepEqual([await readWith(third), await readWith(second), await readWith(first)], [0, 1, 1])
    })
  }
})
