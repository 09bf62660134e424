// What is published on the diagnostics channels, and by whom it is seen.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Keyring, createSessionCodec, type Format, type SessionOpenMessage, type SessionSealMessage } from '../../src/index.ts'
import { cookieWith, get, readyApp, tokenWith } from '../support/app.ts'
import { cookieHeader, sealRaw, seconds } from '../support/configurations.ts'
import { newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { tableUnder, codeIn } from '../docs/markdown.ts'
import { membersOf, read } from '../docs/source.ts'

const OPEN = 'fastify-sealed-session:open'
const SEAL = 'fastify-sealed-session:seal'
const FORMATS: readonly Format[] = ['secretbox', 'sealed']

/** Collects the messages of both channels until the test ends. */
function listen (t: TestContext): { opens: SessionOpenMessage[], seals: SessionSealMessage[] } {
  const opens: SessionOpenMessage[] = []
  const seals: SessionSealMessage[] = []
  subscribeUntil(t, OPEN, message => { opens.push(message as SessionOpenMessage) })
  subscribeUntil(t, SEAL, message => { seals.push(message as SessionSealMessage) })
  return { opens, seals }
}

function subscribeUntil (t: TestContext, name: string, subscriber: (message: unknown) => void): void {
  subscribe(name, subscriber)
  t.after(() => unsubscribe(name, subscriber))
}

const readAll = ({ session }: { session: { data: () => unknown } }): unknown => session.data()

for (const format of FORMATS) {
  describe(`the messages about sessions of the ${format} format`, () => {
    it('say what was opened: with which key, and how long the token was', async t => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({ session: { key: keyring, format }, routes: { '/': readAll } })
      const token = tokenWith(app, { name: 'Zoë' })
      const { opens, seals } = listen(t)
      await get(app, '/', cookieHeader(token))
      assert.deepEqual(opens, [{ sessionName: 'session', outcome: 'opened', reason: null, keyId: keyring.ids[0], format, bytes: token.length, others: 0 }])
      assert.deepEqual(seals, [], 'what was only read is not sealed')
    })

    it('say which old key has opened a session, and that the new one seals it again', async t => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({ session: { key: keyring, format }, routes: { '/': readAll } })
      const cookie = cookieWith(app, { a: 1 })
      const [old] = keyring.ids
      keyring.rotate(newKey())
      const { opens, seals } = listen(t)
      const response = await get(app, '/', cookie)
      assert.deepEqual(opens.map(({ keyId }) => keyId), [old])
      assert.deepEqual(seals, [{ sessionName: 'session', outcome: 'sealed', reason: null, keyId: keyring.ids[0], format, bytes: tokenOf(response).length }])
    })

    it('say why a token was refused', async t => {
      const app = await readyApp({ session: { key: newKey(), format }, routes: { '/': readAll } })
      const other = await readyApp({ session: { key: newKey(), format } })
      const token = tokenWith(other, { a: 1 })
      const { opens } = listen(t)
      await get(app, '/', cookieHeader(token))
      const reason = format === 'sealed' ? 'key-unknown' : 'not-authentic'
      assert.deepEqual(opens, [{ sessionName: 'session', outcome: 'rejected', reason, keyId: null, format, bytes: token.length, others: 0 }])
    })

    it('say that sealing has failed, with the code of the error', async t => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({ session: { key: keyring, format }, routes: { '/': ({ session }) => session.set('n', 1n) } })
      const { seals } = listen(t)
      assert.equal((await get(app)).statusCode, 500)
      assert.deepEqual(seals, [{ sessionName: 'session', outcome: 'failed', reason: 'FST_SEALED_SESSION_VALUE_UNSTORABLE', keyId: keyring.ids[0], format, bytes: null }])
    })

    it('have nothing of a key, a token or a value in them', async t => {
      const key = newKey()
      const app = await readyApp({ session: { key, format }, routes: { '/': ({ session }) => session.set('name', 'Grace Hopper') } })
      const { opens, seals } = listen(t)
      const cookie = cookieWith(app, { name: 'Grace Hopper' })
      const token = tokenOf(await get(app, '/', cookie))
      await get(app, '/', `${cookie.slice(0, -5)}AAAAA`)
      assert.equal(opens.length, 2)
      assert.equal(seals.length, 3)
      const text = JSON.stringify([...opens, ...seals])
      for (const secret of ['Grace', key.toString('hex'), key.toString('base64'), token.slice(0, 16), token.slice(-16)]) {
        assert.ok(!text.includes(secret), secret)
      }
    })
  })
}

describe('the messages', () => {
  it('come from decodeSecureSession and encodeSecureSession as well, with the name of the session', async t => {
    const app = await readyApp({ session: [{ sessionName: 'a', key: newKey() }, { sessionName: 'b', key: newKey() }] })
    const { opens, seals } = listen(t)
    const token = app.encodeSecureSession(app.createSecureSession({ a: 1 }), 'b')
    app.decodeSecureSession(token, undefined, 'b')
    app.decodeSecureSession('é;', undefined, 'a')
    assert.deepEqual(seals.map(({ sessionName, outcome, bytes }) => [sessionName, outcome, bytes]), [['b', 'sealed', token.length]])
    assert.deepEqual(opens.map(({ sessionName, reason, bytes }) => [sessionName, reason, bytes]), [['b', null, token.length], ['a', 'ciphertext-length', 3]])
  })

  it('come once for each of several cookies of one name', async t => {
    const app = await readyApp({ routes: { '/': readAll } })
    const good = cookieWith(app, { a: 1 })
    const { opens } = listen(t)
    await get(app, '/', `session=planted; ${good}`)
    assert.deepEqual(opens.map(({ outcome, reason, format }) => [outcome, reason, format]), [['rejected', 'malformed', 'sealed'], ['opened', null, 'secretbox']])
  })

  it('come once for a session that is split over several cookies, with the length of the whole token', async t => {
    const app = await readyApp({ routes: { '/': readAll, '/write': ({ session }) => session.set('text', 'x'.repeat(4000)) } })
    const cookies = setCookies(await get(app, '/write')).map(line => line.split(';', 1)[0] ?? '')
    assert.equal(cookies.length, 2)
    const { opens } = listen(t)
    await get(app, '/', cookies.join('; '))
    assert.deepEqual(opens.map(({ outcome, reason }) => [outcome, reason]), [['opened', null]])
    assert.ok((opens[0]?.bytes ?? 0) > 4096)
  })

  it('say that a part of a cookie that was split is missing', async t => {
    const app = await readyApp({ routes: { '/': readAll } })
    const { opens } = listen(t)
    await get(app, '/', 'session=2~AQAB')
    assert.deepEqual(opens.map(({ outcome, reason, keyId, bytes }) => [outcome, reason, keyId, bytes]), [['rejected', 'chunk-missing', null, 6]])
  })

  it('say that a signature is missing', async t => {
    const key = newKey()
    const app = await readyApp({ session: { key, cookie: { signed: true } }, routes: { '/': readAll } })
    const { opens } = listen(t)
    await get(app, '/', cookieHeader(sealRaw(key, `{"__ts":${seconds()}}`)))
    assert.deepEqual(opens.map(({ outcome, reason }) => [outcome, reason]), [['rejected', 'signature-invalid']])
  })

  it('are not published for a request without a cookie, or one that does not use its session', async t => {
    const app = await readyApp({ routes: { '/': readAll, '/untouched': () => 'untouched' } })
    const cookie = cookieWith(app, { a: 1 })
    const { opens, seals } = listen(t)
    await get(app)
    await get(app, '/untouched', cookie)
    assert.deepEqual([...opens, ...seals], [])
  })

  it('are not published by a codec without Fastify', async t => {
    const codec = await createSessionCodec({ key: newKey() })
    const { opens, seals } = listen(t)
    assert.ok(codec.open(codec.seal({})).ok)
    assert.deepEqual([...opens, ...seals], [])
  })

  it('are not made while nobody subscribes', async t => {
    const app = await readyApp({ routes: { '/': ({ session }) => session.set('a', 1) } })
    const cookie = cookieWith(app, { a: 1 })
    // Publishing without a subscriber would do nothing; that it is not even called shows that nothing was made.
    for (const name of [OPEN, SEAL]) t.mock.method(channel(name), 'publish', () => assert.fail('published'))
    assert.equal((await get(app, '/', cookie)).statusCode, 200)
  })
})

describe('a subscriber that throws', () => {
  it('breaks no request; Node raises its error as an uncaught exception', async () => {
    const program = `
      import { subscribe } from 'node:diagnostics_channel'
      import Fastify from 'fastify'
      import secureSession, { generateKey } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      process.on('uncaughtException', error => console.log('uncaught', error.message))
      for (const name of ['open', 'seal']) subscribe('fastify-sealed-session:' + name, () => { throw new Error('from ' + name) })
      const app = Fastify()
      app.register(secureSession, { key: generateKey() })
      app.get('/', async ({ session }) => { session.set('n', (session.get('n') ?? 0) + 1); return session.data() })
      const { headers } = await app.inject('/')
      const response = await app.inject({ url: '/', headers: { cookie: headers['set-cookie'].split(';')[0] } })
      console.log(response.statusCode, response.body, typeof response.headers['set-cookie'])`
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program], { cwd: fileURLToPath(new URL('..', import.meta.url)) })
    const lines = stdout.trim().split('\n')
    assert.deepEqual(lines.filter(line => line.startsWith('uncaught')), ['uncaught from seal', 'uncaught from open', 'uncaught from seal'])
    assert.ok(lines.includes('200 {"n":2} string'))
  })
})

describe('docs/guide/observability.md', () => {
  const page = read('docs/guide/observability.md')

  for (const [heading, type] of [['## Opening', 'SessionOpenMessage'], ['## Sealing', 'SessionSealMessage'], ['## Lives of sessions', 'SessionLifecycleMessage']] as const) {
    it(`has each field of ${type}, and no other`, () => {
      assert.deepEqual(tableUnder(page, heading).map(([name]) => codeIn(name)).sort(), membersOf(type))
    })
  }
})

describe('examples/metrics', () => {
  it('counts what is opened, refused, sealed and failed', async t => {
    const server = fileURLToPath(new URL('../../examples/metrics/server.js', import.meta.url))
    const child = spawn(process.execPath, [server], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(async () => { child.kill(); await once(child, 'exit') })
    const [line] = await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(30_000) }) as [string]
    const url = /http:\S+(?=,)/.exec(line)?.[0] ?? assert.fail(line)

    const visit = async (path: string, cookie?: string): Promise<Response> => await fetch(url + path, { headers: cookie === undefined ? {} : { cookie } })
    const first = await visit('/')
    const [cookie = ''] = first.headers.getSetCookie()[0]?.split(';') ?? []
    assert.deepEqual(await (await visit('/', cookie)).json(), { visits: 2 })
    await visit('/', 'session=garbage')
    assert.equal((await visit('/broken')).status, 500)

    const response = await visit('/metrics')
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=/)
    const metrics = (await response.text()).replace(/key="[0-9a-f]{8}"/g, 'key="…"').split('\n').filter(line => /^session_(?:opens|seals)_total|_count/.test(line))
    assert.deepEqual(metrics.sort(), [
      'session_opens_total{session="session",outcome="opened",reason="",format="sealed",key="…"} 1',
      'session_opens_total{session="session",outcome="rejected",reason="malformed",format="sealed",key=""} 1',
      'session_sealed_bytes_count{session="session"} 3',
      'session_seals_total{session="session",outcome="failed",reason="FST_SEALED_SESSION_VALUE_UNSTORABLE",format="sealed",key="…"} 1',
      'session_seals_total{session="session",outcome="sealed",reason="",format="sealed",key="…"} 3'
    ])
  })
})
