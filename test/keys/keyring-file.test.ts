// A keyring that follows a file: real files, replaced in every way, while requests are answered.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Keyring, type KeyFileOptions } from '../../src/index.ts'
import type { FastifyInstance } from 'fastify'
import { get } from '../support/app.ts'
import { cookieOf, newKey, setCookies, withKeyFile, type LogLine } from '../support/helpers.ts'
import { INTERVAL, Traffic, cookieSealedWith, folderOf, sessionInfoOf, keyFileLines, keyIdsOf, linesOfKeys, replaceFile, sealingId, startApp, until } from '../support/keys.ts'

const [first, second, third] = [newKey(), newKey(), newKey()]
const OLD = linesOfKeys(second, first)
const NEW = linesOfKeys(third, second, first)
const OLD_IDS = keyIdsOf(second, first)
const NEW_IDS = keyIdsOf(third, second, first)

interface Watched {
  keyring: Keyring
  app: FastifyInstance
  lines: LogLine[]
  traffic: Traffic
}

/** A keyring that follows a file with two keys, an app that uses it, and visitors of both. */
async function watched (t: TestContext, path: string, options: KeyFileOptions = {}): Promise<Watched> {
  const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL, ...options })
  t.after(() => { keyring.close() })
  assert.deepEqual(keyring.ids, OLD_IDS)
  const { app, lines } = await startApp(t, { key: keyring, format: 'sealed' })
  const cookies = Array.from({ length: 12 }, async (_, n) => await cookieSealedWith(n % 3 === 0 ? first : second, { n }))
  return { keyring, app, lines, traffic: new Traffic(app, await Promise.all(cookies)) }
}

function writeOld (t: TestContext): string {
  const path = join(folderOf(t), 'keys')
  writeFileSync(path, OLD)
  return path
}

/** Waits until the keyring has a file's keys; the log has said so once. */
async function untilRead ({ keyring, lines }: Watched, ids: string[]): Promise<void> {
  const isSaid = (): boolean => keyFileLines(lines).at(-1)?.level === 30
  await until(() => isSaid() && keyring.ids.join() === ids.join(), 'the file is read')
  assert.deepEqual(keyFileLines(lines).at(-1)?.keyIds, ids)
}

/** No line of the log has six bytes of a key in it. */
function assertDiscreet (lines: readonly LogLine[]): void {
  const log = JSON.stringify(lines)
  for (const key of [first, second, third]) {
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const text = key.toString(encoding)
      for (let start = 0; start + 9 <= text.length; start++) assert.ok(!log.includes(text.slice(start, start + 9)), 'a key is in the log')
    }
  }
}

/** A secret as Kubernetes mounts it: the file is a link through `..data`, which is a link to a dated folder. */
class MountedSecret {
  readonly path: string
  readonly #folder: string
  #version = 0

  constructor (folder: string, content: string) {
    this.#folder = folder
    this.path = join(folder, 'keys')
    this.update(content)
    symlinkSync(join('..data', 'keys'), this.path)
  }

  update (content: string): void {
    const dated = `..2030_01_01_00_00_0${this.#version++}.123456789`
    mkdirSync(join(this.#folder, dated))
    writeFileSync(join(this.#folder, dated, 'keys'), content)
    symlinkSync(dated, join(this.#folder, '..data_tmp'))
    renameSync(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'))
    const before = `..2030_01_01_00_00_0${this.#version - 2}.123456789`
    rmSync(join(this.#folder, before), { recursive: true, force: true })
  }
}

describe('a watched key file', () => {
  it('that is replaced by a rename has its new keys taken', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    replaceFile(path, NEW)
    await untilRead(all, NEW_IDS)
    await all.traffic.more()
    await all.traffic.end()
    assert.equal(keyFileLines(all.lines).length, 1)
  })

  it('that is written over has its new keys taken', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    writeFileSync(path, NEW)
    await untilRead(all, NEW_IDS)
    await all.traffic.end()
  })

  it('that is a mounted secret of Kubernetes has its new keys taken, again and again', async t => {
    const secret = new MountedSecret(folderOf(t), OLD)
    const all = await watched(t, secret.path)
    secret.update(NEW)
    await untilRead(all, NEW_IDS)
    await all.traffic.more()
    secret.update(linesOfKeys(third, second, first).toUpperCase())
    secret.update(linesOfKeys(first, second, third))
    await untilRead(all, keyIdsOf(first, second, third))
    await all.traffic.more()
    await all.traffic.end()
    assert.deepEqual(keyFileLines(all.lines, 40), [])
  })

  const bad: Array<[title: string, breakIt: (path: string) => void, reason: RegExp]> = [
    ['truncated in the middle of a line', path => { writeFileSync(path, NEW.slice(0, NEW.length - 33)) }, /is not valid in line 4: .* got 32 characters/],
    ['truncated in the middle of its first line', path => { writeFileSync(path, linesOfKeys(third).slice(-65, -33)) }, /is not valid in line 1: .* got 32 characters/],
    ['empty', path => { writeFileSync(path, '') }, /has no key in it/],
    ['only a comment', path => { replaceFile(path, '# to be filled\n') }, /has no key in it/],
    ['bad in a line in the middle', path => { replaceFile(path, linesOfKeys(third, second, first).replace(second.toString('hex'), `${second.toString('hex').slice(0, -1)}g`)) }, /is not valid in line 3/],
    ['33 bytes', path => { replaceFile(path, Buffer.concat([Buffer.alloc(32, 0xc1), Buffer.from('\n')])) }, /is not valid in line 1/],
    ['UTF-16', path => { replaceFile(path, Buffer.from(`\ufeff${NEW}`, 'utf16le')) }, /is not valid in line 1/],
    ['deleted', path => { unlinkSync(path) }, /ENOENT/],
    ['deleted with its folder', path => { rmSync(dirname(path), { recursive: true }) }, /ENOENT/],
    ['a folder', path => { unlinkSync(path); mkdirSync(path) }, /EISDIR/],
    ['a link to itself', path => { unlinkSync(path); symlinkSync(basename(path), path) }, /ELOOP/]
  ]
  for (const [title, breakIt, reason] of bad) {
    it(`that is ${title} costs no session, is logged as one error, and is read again when it is mended`, async t => {
      const path = join(folderOf(t), 'secrets', 'keys')
      mkdirSync(dirname(path))
      writeFileSync(path, OLD)
      const all = await watched(t, path)
      breakIt(path)
      await until(() => keyFileLines(all.lines).length > 0, 'the error is logged')
      await all.traffic.more(600)
      assert.deepEqual(all.keyring.ids, OLD_IDS)
      assert.equal(await sealingId(all.app), OLD_IDS[1], 'the first is too new to seal')

      rmSync(path, { recursive: true, force: true })
      mkdirSync(dirname(path), { recursive: true })
      replaceFile(path, NEW)
      await untilRead(all, NEW_IDS)
      await all.traffic.more()
      await all.traffic.end()

      const [failure, ...rest] = keyFileLines(all.lines)
      assert.deepEqual(rest.map(({ level }) => level), [30], 'then only that it was read')
      assert.equal(failure!.level, 50)
      assert.equal(failure!.code, 'FST_SEALED_SESSION_KEY_FILE')
      assert.ok(failure!.msg.startsWith(`the key file ${path} cannot be used, the keys stay as they are: `), failure!.msg)
      assert.doesNotMatch(failure!.msg, /the key file the key file/)
      assert.match(failure!.msg, reason)
      assertDiscreet(all.lines)
    })
  }

  it('that comes back as it was is said to be read again', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    renameSync(path, `${path}.away`)
    await until(() => keyFileLines(all.lines, 50).length === 1, 'the error is logged')
    renameSync(`${path}.away`, path)
    await untilRead(all, OLD_IDS)
    await all.traffic.end()
  })

  it('that fails in one way after the other is logged once for each', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    for (const [index, content] of ['', 'x', ''].entries()) {
      replaceFile(path, content)
      await until(() => keyFileLines(all.lines, 50).length === index + 1, 'the error is logged')
    }
    await all.traffic.end()
  })

  for (const [where, cut] of [['between two lines', NEW.indexOf(second.toString('hex'))], ['in the middle of a line', NEW.length - 40]] as const) {
    it(`that is written in two halves, cut ${where}, is never seen as one of fewer keys`, async t => {
      const path = writeOld(t)
      const all = await watched(t, path)
      const seen = new Set<string>()
      const { keyring, lines } = all
      let hasBegun = false
      const isWritten = (): boolean => {
        seen.add(keyring.ids.join())
        return keyFileLines(lines).length > (hasBegun ? 1 : 0)
      }
      writeFileSync(path, '')
      await until(isWritten, 'the empty file is noticed')
      hasBegun = true
      appendFileSync(path, NEW.slice(0, cut))
      await until(isWritten, 'the half file is noticed')
      appendFileSync(path, NEW.slice(cut))
      await until(() => { seen.add(keyring.ids.join()); return keyring.ids.join() === NEW_IDS.join() }, 'the file is read')
      await all.traffic.more(600)
      await all.traffic.end()
      assert.deepEqual([...seen], [OLD_IDS.join(), NEW_IDS.join()])
      assert.deepEqual(keyring.ids, NEW_IDS)
    })
  }

  it('opens what its keys have sealed until it has been without them for ten looks, and says when it is over', async t => {
    const path = writeOld(t)
    const { keyring, app, lines, traffic } = await watched(t, path)
    await traffic.end()
    const cookie = await cookieSealedWith(first, { n: 1 })
    replaceFile(path, linesOfKeys(third, second))
    await until(() => keyFileLines(lines).length === 1, 'the file is read')
    assert.deepEqual(keyring.ids, NEW_IDS)
    assert.equal((await sessionInfoOf(app, cookie)).status, 'valid')
    assert.equal(await sealingId(app), OLD_IDS[0], 'what is gone seals nothing, and the first is too new')
    await until(() => keyFileLines(lines).length === 2, 'the keys are dropped')
    assert.deepEqual(keyring.ids, keyIdsOf(third, second))
    const { status, reason } = await sessionInfoOf(app, cookie)
    assert.deepEqual({ status, reason }, { status: 'rejected', reason: 'key-unknown' })
    assert.equal(await sealingId(app), OLD_IDS[0])
    assert.equal(keyFileLines(lines)[1]!.level, 30)
    assert.match(keyFileLines(lines)[1]!.msg, /keys that are gone .* open nothing any more/)
  })

  it('that is bad just after a key has left it costs no session of the others, and the key goes all the same', async t => {
    const path = writeOld(t)
    const { keyring, app, lines, traffic } = await watched(t, path)
    await traffic.end()
    const ours = new Traffic(app, await Promise.all(Array.from({ length: 8 }, async (_, n) => await cookieSealedWith(second, { n }))))
    replaceFile(path, linesOfKeys(third, second))
    await until(() => keyFileLines(lines).length === 1, 'the file is read')
    replaceFile(path, 'bad')
    await until(() => keyFileLines(lines, 50).length === 1, 'the bad file is noticed')
    await until(() => keyring.ids.join() === keyIdsOf(third, second).join(), 'the key is dropped')
    assert.equal((await sessionInfoOf(app, await cookieSealedWith(first, { n: 1 }))).reason, 'key-unknown')
    await ours.more(600)
    await ours.end()
  })

  const replacements: Array<[title: string, replace: (path: string, secret: MountedSecret) => void]> = [
    ['by a rename', path => { replaceFile(path, linesOfKeys(third)) }],
    ['in place', path => { writeFileSync(path, linesOfKeys(third)) }],
    ['as a mounted secret of Kubernetes', (_, secret) => { secret.update(linesOfKeys(third)) }]
  ]
  for (const [title, replace] of replacements) {
    it(`that has no key in common with the one before ends all sessions, replaced ${title}, and gives none of them a new cookie`, async t => {
      const secret = new MountedSecret(folderOf(t), OLD)
      const { keyring, app, lines, traffic } = await watched(t, secret.path, { activateAfter: 0 })
      await traffic.end()
      let forged = await cookieSealedWith(first, { n: 'admin' })
      replace(secret.path, secret)
      const end = performance.now() + 20_000
      while (keyring.ids.length !== 1) {
        assert.ok(performance.now() < end, 'the file is read')
        const response = await get(app, '/get', forged)
        if (setCookies(response).length > 0) forged = cookieOf(response)
        await wait(1)
      }
      assert.deepEqual(keyring.ids, keyIdsOf(third))
      assert.equal((await sessionInfoOf(app, forged)).reason, 'key-unknown')
      await until(() => keyFileLines(lines).some(({ msg }) => msg.includes('open nothing any more')), 'the log says so')
      assert.equal(await sealingId(app), keyIdsOf(third)[0])
    })
  }

  it('is followed where the path was relative and the process has changed its folder since', async t => {
    const path = writeOld(t)
    const folder = process.cwd()
    t.after(() => { process.chdir(folder) })
    process.chdir(dirname(path))
    const all = await watched(t, 'keys')
    process.chdir(folder)
    replaceFile(path, NEW)
    await untilRead(all, NEW_IDS)
    await all.traffic.end()
  })

  it('may be given as a URL', async t => {
    const path = writeOld(t)
    assert.deepEqual((await Keyring.fromFile(pathToFileURL(path))).ids, OLD_IDS)
  })

  it('is logged by each app that uses it, as long as it runs, and by none that was closed', async t => {
    const path = writeOld(t)
    const { keyring, lines, app, traffic } = await watched(t, path)
    await traffic.end()
    const other = await startApp(t, [{ sessionName: 'a', key: keyring }, { sessionName: 'b', key: keyring }])
    await app.close()
    replaceFile(path, NEW)
    await until(() => keyFileLines(other.lines).length > 0, 'the file is read')
    replaceFile(path, '')
    await until(() => keyFileLines(other.lines, 50).length > 0, 'the error is logged')
    assert.deepEqual(keyFileLines(other.lines).map(({ level }) => level), [30, 50], 'once, for two sessions')
    assert.deepEqual(keyFileLines(lines), [])
  })

  it('is followed on where the log of an app fails, and the other apps are told', async t => {
    const path = writeOld(t)
    const { keyring, lines, traffic } = await watched(t, path)
    await traffic.end()
    const { app } = await startApp(t, { key: keyring })
    app.log.info = app.log.error = () => { throw new Error('the disk is full') }
    const { lines: thirdLines } = await startApp(t, { key: keyring })
    const warned: Array<Error & { code?: string }> = []
    const note = (warning: Error): void => { warned.push(warning) }
    process.on('warning', note)
    t.after(() => { process.off('warning', note) })
    for (const [index, content] of ['', NEW, OLD].entries()) {
      replaceFile(path, content)
      await until(() => keyFileLines(lines).length > index && warned.length > index, 'every app is told')
      assert.equal(keyFileLines(thirdLines).length, keyFileLines(lines).length)
    }
    for (const { code } of warned) assert.equal(code, 'FST_SEALED_SESSION_KEY_FILE')
  })

  it('that fails while no app uses it is a warning of the process', async t => {
    const path = writeOld(t)
    const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL })
    t.after(() => { keyring.close() })
    const warned: Array<Error & { code?: string }> = []
    const note = (warning: Error): void => { warned.push(warning) }
    process.on('warning', note)
    t.after(() => { process.off('warning', note) })
    replaceFile(path, 'bad')
    await until(() => warned.length > 0, 'the warning is given')
    assert.equal(warned[0]!.code, 'FST_SEALED_SESSION_KEY_FILE')
    assert.match(warned[0]!.message, /is not valid in line 1/)
  })

  it('is not followed without "watch", and not any more after close(): then the app may change the keys', async t => {
    const path = writeOld(t)
    const unwatched = await Keyring.fromFile(path)
    const all = await watched(t, path)
    const closed = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL })
    const refusal = { code: 'FST_SEALED_SESSION_KEYRING_FOLLOWS', message: `the keyring follows the key file ${path} and cannot be changed otherwise` }
    assert.throws(() => { closed.rotate(third) }, refusal)
    assert.throws(() => { closed.retire(OLD_IDS[0]!) }, refusal)
    closed.close()
    closed.close()
    replaceFile(path, NEW)
    await untilRead(all, NEW_IDS)
    await all.traffic.more()
    await all.traffic.end()
    for (const keyring of [unwatched, closed]) {
      assert.deepEqual(keyring.ids, OLD_IDS)
      keyring.rotate(newKey())
      keyring.retire(OLD_IDS[1]!)
      assert.equal(keyring.ids.length, 2)
    }
  })

  it('keeps no key that had left the file when close() was called: nothing would ever take it away', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    await all.traffic.more()
    await all.traffic.end()
    replaceFile(path, linesOfKeys(third, second))
    await until(() => all.keyring.ids[0] === NEW_IDS[0], 'the file is read')
    all.keyring.close()
    assert.deepEqual(all.keyring.ids, keyIdsOf(third, second))
    assert.equal((await sessionInfoOf(all.app, await cookieSealedWith(first, {}))).reason, 'key-unknown')
    assert.deepEqual(keyFileLines(all.lines).at(-1)?.keyIds, keyIdsOf(third, second), 'which the log says')
  })

  it('keeps all keys where the file was bad when close() was called', async t => {
    const path = writeOld(t)
    const all = await watched(t, path)
    await all.traffic.more()
    await all.traffic.end()
    replaceFile(path, 'bad')
    await until(() => keyFileLines(all.lines, 50).length === 1, 'the error is logged')
    all.keyring.close()
    assert.deepEqual(all.keyring.ids, OLD_IDS)
  })

  it('does not keep a process from ending', async () => {
    await withKeyFile(OLD, async path => {
      const child = fileURLToPath(new URL('watching-child.ts', import.meta.url))
      const { status, stdout, stderr, signal } = spawnSync(process.execPath, ['--import', 'tsx', '--import', new URL('../support/quiet.ts', import.meta.url).href, child, path], { encoding: 'utf8', timeout: 60_000 })
      assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
      assert.equal(stdout, `${NEW_IDS.length} keys\n`)
    })
  })
})

describe('Keyring.fromFile refuses', () => {
  const options: Array<[title: string, options: unknown, message: string]> = [
    ['a misspelt option', { wacth: true }, 'option "wacth" is not known, did you mean "watch"?'],
    ['an option in another case', { watchinterval: 1 }, 'option "watchinterval" is not known, did you mean "watchInterval"?'],
    ['an option that another library has', { poll: true }, 'option "poll" is not known, did you mean "watch", "activateAfter", "watchInterval"?'],
    ['an option of the plugin', { expiry: 5 }, 'option "expiry" is not known, did you mean "watch", "activateAfter", "watchInterval"?'],
    ['options that are none', true, 'options must be an object, got true'],
    ['null for options', null, 'options must be an object, got null'],
    ['a text for watch', { watch: 'true' }, 'option "watch" must be a boolean, got a string'],
    ['a text for activateAfter', { activateAfter: '60' }, 'option "activateAfter" must be a finite positive number of seconds, got a string'],
    ['a negative activateAfter', { activateAfter: -1 }, 'option "activateAfter" must be a finite positive number of seconds, got -1'],
    ['an infinite activateAfter', { activateAfter: Infinity }, 'option "activateAfter" must be a finite positive number of seconds, got Infinity'],
    ['a watchInterval of zero', { watchInterval: 0 }, 'option "watchInterval" must be a finite positive number of seconds, got 0']
  ]
  for (const [title, given, message] of options) {
    it(title, async () => {
      await withKeyFile(OLD, async path => {
        await assert.rejects(Keyring.fromFile(path, given as KeyFileOptions), (error: Error & { code: string }) => {
          assert.equal(error.message, message)
          assert.match(error.code, /^FST_SEALED_SESSION_(OPTIONS?_(UNKNOWN|INVALID)|DURATION)$/)
          return true
        })
      })
    })
  }

  const paces: Array<[options: KeyFileOptions, got: string, hint: RegExp]> = [
    [{ watchInterval: 60 }, '120 with a watchInterval of 60', /^Set activateAfter to 600 or more, or watchInterval to 12 or less\./],
    [{ activateAfter: 5 }, '5 with a watchInterval of 1', /^Set activateAfter to 10 or more, or watchInterval to 0\.5 or less\./],
    [{ activateAfter: 10, watchInterval: 1.1 }, '10 with a watchInterval of 1.1', /^Set activateAfter to 11 or more/],
    [{ activateAfter: 29, watchInterval: 3 }, '29 with a watchInterval of 3', /^Set activateAfter to 30 or more, or watchInterval to 2\.9 or less\./]
  ]
  for (const [given, got, hint] of paces) {
    it(`a new key that would seal before all processes have looked: ${JSON.stringify(given)}, with the values that are right`, async () => {
      await withKeyFile(OLD, async path => {
        await assert.rejects(Keyring.fromFile(path, { watch: true, ...given }), {
          code: 'FST_SEALED_SESSION_OPTION_INVALID',
          message: `option "activateAfter" must be at least 10 times "watchInterval", or 0 for one process, got ${got}`,
          hint
        })
      })
    })
  }

  it('no such values that are right, or that have no effect without "watch"', async () => {
    await withKeyFile(OLD, async path => {
      for (const options of [{}, { watchInterval: 12 }, { activateAfter: 11, watchInterval: 1.1 }, { activateAfter: 30, watchInterval: 3 }, { activateAfter: 0, watchInterval: 3600 }, { activateAfter: 5, watch: false }]) {
        (await Keyring.fromFile(path, { watch: true, ...options })).close()
      }
    })
  })

  for (const [got, path] of [['undefined', undefined], ['an empty string', ''], ['a number', 5], ['an object', Buffer.from('keys')]] as const) {
    it(`a path that is ${got}, as from a variable that is not set`, async () => {
      await assert.rejects(Keyring.fromFile(path as string), {
        code: 'FST_SEALED_SESSION_OPTION_INVALID', message: `option "path" must be the path of a key file, got ${got}`
      })
    })
  }
})
