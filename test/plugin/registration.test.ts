// Plugins beside this one, or after it: each mistake has a code, and a hint that says what to do.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import cookiePlugin from '@fastify/cookie'
import peer from '@fastify/secure-session'
import Fastify, { type FastifyInstance } from 'fastify'
import secureSession from '../../src/index.ts'
import { MemoryStore, sessionRevocation } from '../../src/revocation/index.ts'
import { ROOT } from '../docs/workspace.ts'
import { captureLog, newKey, warnings } from '../support/helpers.ts'

interface Coded extends Error {
  code?: string
  hint?: string
}

async function outcome (register: (app: FastifyInstance) => void): Promise<Coded | null> {
  const app = Fastify()
  register(app)
  return await app.ready().then(() => null, (error: Coded) => error)
}

const key = newKey()

const REFUSED: Record<string, [register: (app: FastifyInstance) => void, code: string, hint: RegExp]> = {
  '@fastify/cookie after it': [app => { app.register(secureSession, { key }); app.register(cookiePlugin) }, 'COOKIE_PLUGIN_LATE', /Register @fastify\/cookie first/],
  '@fastify/cookie after it, in a child': [app => { app.register(secureSession, { key }); app.register(async child => { child.register(cookiePlugin) }) }, 'COOKIE_PLUGIN_LATE', /Register @fastify\/cookie first/],
  '@fastify/cookie after it, in a child of a child': [app => {
    app.register(secureSession, { key })
    app.register(async child => { child.register(async inner => { await inner.register(cookiePlugin, { secret: 'a secret' }) }) })
  }, 'COOKIE_PLUGIN_LATE', /leave it out/],
  'it, twice': [app => { app.register(secureSession, { key }); app.register(secureSession, { key }) }, 'REGISTERED_TWICE', /give an array/],
  'it, twice, with another sessionName': [app => { app.register(secureSession, { key }); app.register(secureSession, { key, sessionName: 'other' }) }, 'REGISTERED_TWICE', /give an array: register\(plugin, \[/],
  'it, again in a child, with the same sessionName': [app => { app.register(secureSession, { key }); app.register(async child => { child.register(secureSession, { key }) }) }, 'NAME_RESERVED', /you can use it here: do not register it again/],
  '@fastify/secure-session before it': [app => { app.register(peer, { key }); app.register(secureSession, { key, sessionName: 'other' }) }, 'BESIDE_PEER', /Remove @fastify\/secure-session: this plugin opens its sessions/]
}

describe('what cannot be registered beside it is refused', () => {
  for (const [what, [register, code, hint]] of Object.entries(REFUSED)) {
    it(what, async () => {
      const error = await outcome(register)
      assert.equal(error?.code, `FST_SEALED_SESSION_${code}`, error?.message)
      assert.match(error.hint ?? '', hint)
    })
  }
})

it('@fastify/secure-session after it, whose error nobody catches, ends the process with a code', async () => {
  const program = `
    import Fastify from 'fastify'
    import peer from '@fastify/secure-session'
    import secureSession from './src/index.ts'
    const app = Fastify()
    app.register(secureSession, { key: Buffer.alloc(32, 'ab') })
    app.register(peer, { key: Buffer.alloc(32, 'ab'), sessionName: 'other' })
    await app.ready()`
  const { stderr, code } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], { cwd: ROOT })
    .then(() => assert.fail('it runs'), (error: { stderr: string, code: number }) => error)
  assert.equal(code, 1)
  assert.match(stderr, /code: 'FST_SEALED_SESSION_BESIDE_PEER'/)
})

const TAKEN: Record<string, (app: FastifyInstance) => void> = {
  '@fastify/cookie before it': app => { app.register(cookiePlugin); app.register(secureSession, { key }) },
  'it in a child, and @fastify/cookie at the root after that': app => { app.register(async child => { child.register(secureSession, { key }) }); app.register(cookiePlugin) },
  'it in two siblings': app => { for (let time = 0; time < 2; time++) app.register(async child => { child.register(secureSession, { key }) }) },
  'it again in a child, with another sessionName': app => { app.register(secureSession, { key }); app.register(async child => { child.register(secureSession, { key: newKey(), sessionName: 'other' }) }) },
  'it and @fastify/secure-session in siblings': app => { app.register(async child => { child.register(secureSession, { key }) }); app.register(async child => { child.register(peer, { key }) }) },
  'decorators of the app, after it': app => { app.register(secureSession, { key }); app.register(async child => { child.decorate('own', 1) }); app.after(() => { app.decorate('own', 1) }) }
}

describe('what can be registered beside it is taken', () => {
  for (const [what, register] of Object.entries(TAKEN)) {
    it(what, async () => assert.equal(await outcome(register), null))
  }
})

const UNGUARDED = 'FST_SEALED_SESSION_WARN_UNGUARDED'

/** Warnings of an app with a session in two sibling contexts, of which the first has revocation. */
async function siblings (first: object, second: object, isSecondGuarded = false): Promise<string[]> {
  const { lines, logger = false } = captureLog()
  const app = Fastify({ logger })
  const store = new MemoryStore()
  for (const [options, isGuarded] of [[first, true], [second, isSecondGuarded]] as const) {
    app.register(async child => {
      await child.register(secureSession, { key, ...options })
      if (isGuarded) await child.register(sessionRevocation, { store })
    })
  }
  await app.ready()
  return warnings(lines).filter(({ code }) => code === UNGUARDED).map(({ msg }) => msg)
}

describe('a session in two contexts, of which one has revocation', () => {
  it('is warned about when the app is ready, since revoked sessions are let in at the other', async () => {
    const found = await siblings({ format: 'sealed' }, { format: 'sealed' })
    assert.equal(found.length, 1)
    assert.match(found[0]!, /Register sessionRevocation with the same store in this context/)
  })

  it('is warned about under another sessionName, where its tokens open all the same', async () => {
    assert.equal((await siblings({}, { sessionName: 'other' })).length, 1)
    assert.equal((await siblings({ format: 'sealed', context: 'one' }, { format: 'sealed', sessionName: 'other', context: 'one' })).length, 1)
  })

  it('is no matter where both have it, or keys or contexts differ', async () => {
    assert.deepEqual(await siblings({}, {}, true), [])
    assert.deepEqual(await siblings({}, { key: newKey() }), [])
    assert.deepEqual(await siblings({ format: 'sealed', context: 'one' }, { format: 'sealed', context: 'two' }), [])
  })
})
