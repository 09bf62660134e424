// Built-ins of another realm, as the jsdom environments of Jest and Vitest make them the globals of a program.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { Keyring, createSessionCodec } from '../../src/index.ts'
import { get, newApp, post } from '../support/app.ts'
import { captureLog, cookieOf, newKey, setCookies, withKeyFile } from '../support/helpers.ts'
import { rejection, warningsOf } from '../support/configurations.ts'

/** Makes a built-in of another realm the global one, until the test ends. */
function foreign (t: TestContext, name: 'Uint8Array' | 'Error' | 'URL' | 'Date' | 'Promise', source: string = name): void {
  const globals = globalThis as Record<string, unknown>
  const own = globals[name]
  globals[name] = vm.runInNewContext(source)
  t.after(() => { globals[name] = own })
}

/** A value that another realm has made. */
function made (source: string): unknown {
  return vm.runInNewContext(source)
}

async function assertWorks (options: object): Promise<void> {
  const app = newApp({ session: options })
  const cookie = cookieOf(await post(app, '/set', undefined, { userId: 42 }))
  assert.deepEqual((await get(app, '/get', cookie)).json(), { userId: 42 })
}

const SECRET = 'a passphrase that is longer than 32 bytes'

describe('bytes of another realm are bytes', () => {
  it('where the key is what readFileSync() has read', async t => {
    await withKeyFile(newKey(), async path => {
      foreign(t, 'Uint8Array')
      await assertWorks({ key: readFileSync(path) })
      await assertWorks({ key: [readFileSync(path), newKey()] })
      await assertWorks({ key: new Keyring(readFileSync(path)) })
    })
  })

  it('where the key is an Uint8Array that another realm has made', async () => {
    await assertWorks({ key: made('Uint8Array.from({ length: 32 }, (_, index) => index)') })
  })

  it('where the secret and the salt are', async t => {
    foreign(t, 'Uint8Array')
    await assertWorks({ secret: Buffer.from(SECRET), salt: Buffer.alloc(16, 'ab') })
    await assertWorks({ secret: made('Uint8Array.from({ length: 32 }, (_, index) => index)'), salt: made('new Uint8Array(16).fill(7)') })
  })

  it('where a key file holds them', async t => {
    await withKeyFile(newKey(), async path => {
      foreign(t, 'Uint8Array')
      await assertWorks({ key: await Keyring.fromFile(path) })
    })
  })

  it('where a codec seals', async t => {
    const key = newKey()
    foreign(t, 'Uint8Array')
    const { seal, open } = await createSessionCodec({ key, format: 'sealed' })
    const opened = open(seal({ userId: 42 }))
    assert.ok(opened.ok)
  })

  it('and too many of them are a wrong length, not a wrong type', async t => {
    foreign(t, 'Uint8Array')
    assert.equal((await rejection({ key: Buffer.alloc(33, 'k') })).code, 'FST_SEALED_SESSION_KEY_LENGTH')
    assert.equal((await rejection({ key: made('new DataView(new ArrayBuffer(32))') })).code, 'FST_SEALED_SESSION_KEY_TYPE')
  })
})

describe('a URL of another realm is a URL', () => {
  it('where it is the path of a key file', async t => {
    await withKeyFile(newKey(), async path => {
      const url = pathToFileURL(path)
      foreign(t, 'URL', '(class URL {})')
      await assertWorks({ key: await Keyring.fromFile(url) })
    })
  })

  it('where it was given in place of a key, and the hint says so', async t => {
    const url = pathToFileURL('/keys')
    foreign(t, 'URL', '(class URL {})')
    assert.match((await rejection({ key: url })).hint, /path of a file/)
  })

  it('where it is of no file, which is refused', async () => {
    await assert.rejects(Keyring.fromFile(new URL('https://a.example/keys')), { code: 'FST_SEALED_SESSION_OPTION_INVALID', message: /a URL of no file/ })
  })
})

describe('an error of another realm is an error', () => {
  it('where a watched key file goes: the app logs it once, the keys stay, and no rejection is left', async t => {
    await withKeyFile(newKey().toString('hex'), async path => {
      foreign(t, 'Error')
      const rejections: unknown[] = []
      const note = (error: unknown): void => { rejections.push(error) }
      process.on('unhandledRejection', note)
      t.after(() => { process.off('unhandledRejection', note) })

      const key = await Keyring.fromFile(path, { watch: true, watchInterval: 0.01, activateAfter: 0 })
      const { lines, logger } = captureLog('error')
      const app = newApp({ server: { logger }, session: { key } })
      await app.ready()
      await rm(path)
      while (lines.length === 0 && rejections.length === 0) await new Promise(resolve => { setTimeout(resolve, 5) })
      key.close()
      assert.deepEqual(rejections, [])
      assert.match(lines[0]!.msg, /ENOENT/)
      assert.equal(key.ids.length, 1)
    })
  })
})

describe('a date of another realm is a date', () => {
  it('where it is "expires" of the cookie', async () => {
    const options = { key: newKey(), cookie: { path: '/', expires: made('new Date(2_000_000_000_000)') } }
    const found = await warningsOf(options)
    assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_MAX_AGE'])
    const app = newApp({ session: options })
    assert.match(setCookies(await post(app, '/touch'))[0]!, /Expires=Wed, 18 May 2033/)
  })
})

describe('a promise of another realm is a promise', () => {
  it('where it was given in place of a key, and the hint says what to do', async () => {
    assert.match((await rejection({ key: made('Promise.resolve()') })).hint, /"await" it/)
  })
})
