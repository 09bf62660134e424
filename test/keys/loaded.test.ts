// Keys that a function of the app's loads, such as a call of a vault.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { Keyring, type SessionKey } from '../../src/index.ts'
import { newKey, type LogLine } from '../support/helpers.ts'
import { cookieSealedWith, sessionInfoOf, keyIdsOf, sealingId, startApp } from '../support/keys.ts'

const REFRESH = 60_000
const ACTIVATE_AFTER = 600_000

/** A vault that gives what a test has put into it. */
class Vault {
  loads = 0
  content: SessionKey | readonly SessionKey[] | Error
  readonly load = async (): Promise<SessionKey | readonly SessionKey[]> => {
    this.loads++
    if (this.content instanceof Error) throw this.content
    return this.content
  }

  constructor (content: SessionKey | readonly SessionKey[]) { this.content = content }
}

function stopTimers (t: TestContext): Clock {
  const clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  t.after(() => { clock.uninstall() })
  return clock
}

async function loaded (t: TestContext, vault: Vault, options?: object): Promise<Keyring> {
  const keyring = await Keyring.from(vault.load, options)
  t.after(() => { keyring.close() })
  return keyring
}

function levels (lines: readonly LogLine[]): string[] {
  return lines.filter(({ msg }) => msg.includes('Keyring.from()')).map(({ level, msg }) => `${level} ${msg}`)
}

describe('Keyring.from', () => {
  it('has the keys that the function gives, one or several, of any spelling', async t => {
    const [key, other] = [newKey(), newKey()]
    for (const content of [key, key.toString('hex'), [key, other], [key.toString('base64'), other.toString('hex')]]) {
      const { ids } = await loaded(t, new Vault(content))
      assert.deepEqual(ids, Array.isArray(content) ? keyIdsOf(key, other) : keyIdsOf(key))
    }
    assert.deepEqual((await Keyring.from(() => key, { refresh: null })).ids, keyIdsOf(key))
  })

  it('loads again every minute; a new key opens at the second load, and seals ten minutes later', async t => {
    const clock = stopTimers(t)
    const [first, second] = [newKey(), newKey()]
    const vault = new Vault(first)
    const { app, lines } = await startApp(t, { key: await loaded(t, vault), format: 'sealed' })
    const cookie = await cookieSealedWith(second, { user: 'ann' })
    vault.content = [second, first]
    await clock.tickAsync(REFRESH)
    assert.equal((await sessionInfoOf(app, cookie)).status, 'rejected')
    await clock.tickAsync(REFRESH)
    assert.equal((await sessionInfoOf(app, cookie)).status, 'valid')
    assert.deepEqual([await sealingId(app)], keyIdsOf(first))
    await clock.tickAsync(ACTIVATE_AFTER)
    assert.deepEqual([await sealingId(app)], keyIdsOf(second))
    assert.deepEqual(levels(lines), ['30 what Keyring.from() loads has changed and was read'])
  })

  it('keeps its keys while the function fails, hangs or gives no key, logs one error, and goes on afterwards', async t => {
    const clock = stopTimers(t)
    const [first, second] = [newKey(), newKey()]
    const vault = new Vault(first)
    const { app, lines } = await startApp(t, { key: await loaded(t, vault), format: 'sealed' })
    const troubles: Array<Vault['content']> = [new Error('503'), [], 'no key', [first, first.toString('hex').slice(1)]]
    for (const content of troubles) {
      lines.length = 0
      vault.content = content
      await clock.tickAsync(5 * REFRESH)
      assert.deepEqual([await sealingId(app)], keyIdsOf(first))
      assert.equal(levels(lines).length, 1)
      assert.match(levels(lines)[0]!, /^50 .* cannot be used, the keys stay as they are: /)
      assert.ok(!levels(lines)[0]!.includes(first.toString('hex').slice(1, 20)))
      vault.content = first
      await clock.tickAsync(2 * REFRESH)
    }
    vault.content = [second, first]
    await clock.tickAsync(2 * REFRESH + ACTIVATE_AFTER)
    assert.deepEqual([await sealingId(app)], keyIdsOf(second))
  })

  it('takes a key that has left as a watched file does: all gone, they open nothing; one gone, it opens for ten loads', async t => {
    const clock = stopTimers(t)
    const [first, second, third] = [newKey(), newKey(), newKey()]
    const vault = new Vault([first, second])
    const { app } = await startApp(t, { key: await loaded(t, vault), format: 'sealed' })
    const cookie = await cookieSealedWith(second, {})
    vault.content = first
    await clock.tickAsync(9 * REFRESH)
    assert.equal((await sessionInfoOf(app, cookie)).status, 'valid')
    await clock.tickAsync(3 * REFRESH)
    assert.equal((await sessionInfoOf(app, cookie)).status, 'rejected')
    const own = await cookieSealedWith(first, {})
    vault.content = third
    await clock.tickAsync(2 * REFRESH)
    assert.equal((await sessionInfoOf(app, own)).status, 'rejected')
  })

  it('loads once with refresh null, and no more after close()', async t => {
    const clock = stopTimers(t)
    const vault = new Vault(newKey())
    const keyring = await Keyring.from(vault.load, { refresh: null })
    await clock.tickAsync(10 * REFRESH)
    assert.equal(vault.loads, 1)
    keyring.rotate(newKey())
    assert.equal((await Keyring.from(vault.load, { refresh: null, activateAfter: 120 })).ids.length, 1) // nothing waits for it
    vault.loads = 1
    const followed = await Keyring.from(vault.load)
    assert.throws(() => { followed.rotate(newKey()) }, { code: 'FST_SEALED_SESSION_KEYRING_FOLLOWS' })
    followed.close()
    await clock.tickAsync(10 * REFRESH)
    assert.equal(vault.loads, 2)
  })

  it('rejects with what the first load throws, and for what is no key', async () => {
    const failure = new Error('sealed vault')
    await assert.rejects(Keyring.from(async () => { throw failure }), failure)
    await assert.rejects(Keyring.from(() => { throw failure }), failure)
    await assert.rejects(Keyring.from(() => []), { code: 'FST_SEALED_SESSION_KEY_MISSING' })
    await assert.rejects(Keyring.from(() => undefined as never), { code: 'FST_SEALED_SESSION_KEY_TYPE' })
  })

  it('refuses options that let a leaked key be laundered, and wrong ones', async () => {
    const load = (): Buffer => newKey()
    for (const [options, code] of [
      [{ refresh: 60, activateAfter: 120 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
      [{ refresh: 0 }, 'FST_SEALED_SESSION_DURATION'],
      [{ refresh: '60' }, 'FST_SEALED_SESSION_DURATION'],
      [{ activateAfter: -1 }, 'FST_SEALED_SESSION_DURATION'],
      [{ interval: 5 }, 'FST_SEALED_SESSION_OPTION_UNKNOWN']
    ] as const) await assert.rejects(Keyring.from(load, options as never), { code })
    await assert.rejects(Keyring.from('https://vault' as never), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
  })
})
