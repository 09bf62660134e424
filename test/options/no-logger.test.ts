// Apps without a logger, which is Fastify's default and that of the adapter of NestJS: nobody would see a warning.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyServerOptions } from 'fastify'
import { Keyring } from '../../src/index.ts'
import { captureLog, newKey, withKeyFile } from '../support/helpers.ts'
import { newApp, readyApp } from '../support/app.ts'

interface ProcessWarning extends Error {
  code?: string
}

/** This package's warnings to the process, as they come, until the test ends. */
function heard (t: TestContext): ProcessWarning[] {
  const found: ProcessWarning[] = []
  const listen = (warning: ProcessWarning): void => {
    if (warning.code?.startsWith('FST_SEALED_SESSION_') === true && warning.code !== 'FST_SEALED_SESSION_WARN_WASM') found.push(warning)
  }
  process.on('warning', listen)
  t.after(() => { process.off('warning', listen) })
  return found
}

/** Warnings reach listeners in a later turn. */
async function settled (): Promise<void> {
  await new Promise(resolve => { setImmediate(resolve) })
}

/** Starts an app whose key anybody can guess. @param sessionName of no other test: a message is written once. */
async function start (sessionName: string, server: FastifyServerOptions): Promise<void> {
  const app = await readyApp({ server, session: { sessionName, key: Buffer.alloc(32) } })
  await app.close()
  await settled()
}

describe('a warning of an app without a logger', () => {
  it('goes to process.emitWarning, with its code', async t => {
    const found = heard(t)
    await start('none', {})
    await start('off', { logger: false })
    assert.deepEqual(found.map(({ code }) => code), Array(2).fill('FST_SEALED_SESSION_WARN_KEY_CONSTANT'))
    assert.match(found[0]!.message, /session "none": all bytes of key are equal/)
  })

  it('is written once, however often such an app is made', async t => {
    const found = heard(t)
    for (let time = 0; time < 3; time++) await start('again', {})
    assert.equal(found.length, 1)
  })

  it('is heard of what a request does', async t => {
    const found = heard(t)
    const app = newApp({
      session: { sessionName: 'request', key: newKey() },
      routes: { '/': request => { (request as unknown as Record<'request', typeof request.session>).request.options({ expiry: 401 * 86_400 }) } }
    })
    await app.inject('/')
    await settled()
    assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_EXPIRY_TOO_LONG'])
  })

  it('is heard of revocation', async t => {
    const found = heard(t)
    await readyApp({ revocation: {} })
    await settled()
    assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_MEMORY_STORE'])
  })

  it('is heard of a watched key file that is gone', async t => {
    await withKeyFile(newKey().toString('hex'), async path => {
      const found = heard(t)
      const key = await Keyring.fromFile(path, { watch: true, watchInterval: 0.01, activateAfter: 0 })
      await readyApp({ session: { key } })
      await rm(path)
      while (found.length === 0) await new Promise(resolve => { setTimeout(resolve, 5) })
      key.close()
      assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_KEY_FILE'])
      assert.match(found[0]!.message, /ENOENT/)
    })
  })
})

describe('a warning of an app with a logger', () => {
  it('goes there and nowhere else', async t => {
    const found = heard(t)
    const { lines, logger = false } = captureLog()
    await start('logged', { logger })
    assert.equal(lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_KEY_CONSTANT').length, 1)
    assert.deepEqual(found, [])
  })

  it('is not heard where the app has set its level to silent', async t => {
    const found = heard(t)
    await start('silent', { logger: { level: 'silent' } })
    assert.deepEqual(found, [])
  })
})
