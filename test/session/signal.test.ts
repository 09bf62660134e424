// Signals of sessions that stay in use behind their request.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { Keyring, sessionSignal, type Session } from '../../src/index.ts'
import { cookieOf, newKey } from '../support/helpers.ts'
import { get, newApp, readyApp, tokenWith } from '../support/app.ts'

/** Stops the time, timers included, until the test ends. */
function stopTimers (t: TestContext): FakeTimers.Clock {
  const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  t.after(() => clock.uninstall())
  return clock
}

function endOf (signal: AbortSignal): unknown {
  const { code, end, statusCode } = (signal.reason ?? {}) as Record<string, unknown>
  if (!signal.aborted) return null
  assert.deepEqual([code, statusCode], ['FST_SEALED_SESSION_OVER', 401])
  return end
}

interface Visit { app: FastifyInstance, session: Session, signal: AbortSignal, keyring: Keyring }

/** The signal of a session that a request brings, taken in its handler; `act` runs there, too. */
async function visit (options: object = {}, act: (session: Session) => void = () => {}, isNew = false): Promise<Visit> {
  const keyring = new Keyring([newKey()])
  const visits: Visit[] = []
  const app = await readyApp({
    session: { key: keyring, format: 'sealed', expiry: 100, ...options },
    routes: {
      '/': ({ session }) => { act(session); visits.push({ app, session, signal: sessionSignal(session), keyring }) },
      '/login': ({ session }) => { session.set('user', 'ann') }
    }
  })
  const { statusCode } = await get(app, '/', isNew ? undefined : cookieOf(await get(app, '/login')))
  assert.equal(statusCode, 200)
  return visits[0] ?? assert.fail('the handler did not run')
}

describe('the signal of a session', () => {
  it('fires when the session expires, and not before', async t => {
    const clock = stopTimers(t)
    const { signal } = await visit()
    clock.tick(99_999)
    assert.equal(endOf(signal), null)
    clock.tick(1)
    assert.equal(endOf(signal), 'expired')
  })

  it('fires at the absolute timeout, and at the end of a lifetime of its own', async t => {
    const clock = stopTimers(t)
    const absolute = await visit({ absoluteTimeout: 50 })
    const own = await visit({}, session => { session.options({ expiry: 5000 }) })
    clock.tick(49_999)
    assert.equal(endOf(absolute.signal), null)
    clock.tick(1)
    assert.equal(endOf(absolute.signal), 'expired')
    clock.tick(5_000_000 - 50_001)
    assert.equal(endOf(own.signal), null)
    clock.tick(1)
    assert.equal(endOf(own.signal), 'expired')
  })

  it('follows a write that gives the session more time, before and after it was taken', async t => {
    const clock = stopTimers(t)
    const { session, signal } = await visit()
    clock.tick(60_000)
    session.touch()
    clock.tick(99_999)
    assert.equal(endOf(signal), null)
    clock.tick(1)
    assert.equal(endOf(signal), 'expired')
  })

  it('waits for a session that lives for longer than a timer can', async t => {
    const clock = stopTimers(t)
    const days = 100 * 86_400
    const { signal } = await visit({ expiry: days })
    clock.tick(days * 1000 - 1)
    assert.equal(endOf(signal), null)
    clock.tick(1)
    assert.equal(endOf(signal), 'expired')
  })

  it('fires at once at delete(), regenerate() and when the key is retired, and tells which', async () => {
    const deleted = await visit()
    deleted.session.delete()
    assert.equal(endOf(deleted.signal), 'logout')
    const replaced = await visit()
    replaced.session.regenerate(['user'] as never)
    assert.equal(endOf(replaced.signal), 'replaced')
    const retired = await visit()
    retired.keyring.rotate(newKey())
    await turn()
    assert.equal(endOf(retired.signal), null)
    retired.keyring.retire(retired.keyring.ids[1]!)
    await turn()
    assert.equal(endOf(retired.signal), 'key-unknown')
  })

  it('is the same one each time, until that life has ended', async t => {
    const clock = stopTimers(t)
    const { session, signal } = await visit()
    assert.equal(sessionSignal(session), signal)
    session.regenerate()
    const next = sessionSignal(session)
    assert.notEqual(next, signal)
    assert.deepEqual([endOf(signal), endOf(next)], ['replaced', null])
    clock.tick(100_000)
    assert.equal(endOf(next), 'expired')
  })

  it('has fired for a session that has ended before', async t => {
    assert.equal(endOf((await visit({}, session => { session.delete() })).signal), 'logout')
    const clock = stopTimers(t)
    const { session } = await visit()
    const app = await readyApp()
    const late = app.decodeSecureSession(tokenWith(app, { user: 'ann' }))!
    clock.tick(100_000_000)
    late.get('user' as never)
    assert.equal(endOf(sessionSignal(late)), 'expired')
    assert.equal(endOf(sessionSignal(session)), 'expired')
  })

  it('does not fire for a visitor without a session, until one begins', async t => {
    const clock = stopTimers(t)
    const { session, signal } = await visit({}, () => {}, true)
    clock.tick(1_000_000)
    assert.equal(endOf(signal), null)
    session.set('user' as never, 'ann' as never)
    clock.tick(160_000)
    assert.equal(endOf(signal), 'expired')
  })

  it('works for sessions outside requests', async t => {
    const clock = stopTimers(t)
    const app = await readyApp({ session: { key: newKey(), expiry: 100 } })
    const sessions = [app.decodeSecureSession(tokenWith(app, { user: 'ann' }))!, app.createSecureSession({ user: 'ann' }), app.decodeSecureSession(tokenWith(app, { user: 'ann' }))!]
    const [decoded, made, ended] = sessions.map(session => sessionSignal(session)) as [AbortSignal, AbortSignal, AbortSignal]
    sessions[2]!.delete()
    assert.equal(endOf(ended), 'logout')
    clock.tick(100_000)
    assert.deepEqual([endOf(decoded), endOf(made)], ['expired', null])
  })

  it('is refused for anything that is no session', () => {
    for (const value of [undefined, null, {}, 'token']) assert.throws(() => sessionSignal(value as object), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
  })
})

describe('the timer of the signals', () => {
  it('is one for all of an app, and none is left after app.close()', async t => {
    const clock = stopTimers(t)
    const signals: AbortSignal[] = []
    const app = await readyApp({ session: { key: newKey(), expiry: 10 }, routes: { '/': ({ session }) => { session.touch(); signals.push(sessionSignal(session)) } } })
    const before = clock.countTimers()
    for (let visit = 0; visit < 20; visit++) await get(app)
    assert.equal(clock.countTimers(), before + 1)
    await app.close()
    assert.equal(clock.countTimers(), before)
    clock.tick(20_000)
    assert.deepEqual(signals.filter(({ aborted }) => aborted), [])
  })

  it('keeps no process alive', async () => {
    // Those that do; the timer itself is shown to be there above.
    const alive = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const counts: number[] = []
    const app = await readyApp({
      routes: {
        '/': ({ session }) => {
          session.touch()
          counts.push(alive())
          sessionSignal(session)
          counts.push(alive())
        }
      }
    })
    await get(app)
    assert.equal(counts.length, 2)
    assert.equal(counts[0], counts[1])
  })
})

describe('a signal that nobody has any more', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  /** An app with a stream that listens, and never removes its listener. */
  async function streaming (t: TestContext): Promise<{ app: FastifyInstance, url: string, refs: Array<WeakRef<AbortSignal>>, ended: string[] }> {
    const refs: Array<WeakRef<AbortSignal>> = []
    const ended: string[] = []
    const app = newApp({
      t,
      session: { key: newKey(), expiry: 3600 },
      routes: app => {
        app.get('/stream', (request, reply) => {
          request.session.touch()
          const signal = sessionSignal(request.session)
          refs.push(new WeakRef(signal))
          signal.addEventListener('abort', () => { ended.push('stream'); reply.raw.end() })
          reply.hijack()
          reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
          reply.raw.write('data: hello\n\n')
        })
      }
    })
    return { app, url: await app.listen({ host: '127.0.0.1', port: 0 }), refs, ended }
  }

  async function open (url: string): Promise<IncomingMessage> {
    const [response] = await once(httpGet(url), 'response') as [IncomingMessage]
    await once(response, 'data')
    return response
  }

  async function collected (refs: ReadonlyArray<WeakRef<AbortSignal>>): Promise<boolean> {
    for (let time = 0; time < 50; time++) {
      await turn()
      collect()
      if (refs.every(ref => ref.deref() === undefined)) return true
    }
    return false
  }

  it('is held while the connection is open, and not after that', async t => {
    const { url, refs } = await streaming(t)
    const responses = await Promise.all([1, 2, 3].map(async () => await open(`${url}/stream`)))
    assert.equal(await collected(refs), false)
    assert.equal(refs.filter(ref => ref.deref() !== undefined).length, 3)
    for (const response of responses) response.destroy()
    assert.equal(await collected(refs), true)
  })
})
