// `commit(headers)`: which cookies it puts on a response, and which it does not.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { MemoryStore } from '../../src/revocation/index.ts'
import { authenticated, createWebSessions, sessionInfo, sessionSignal, type WebSession, type WebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { stopClock } from '../support/configurations.ts'
import { Jar, type WebBag } from '../support/fetch.ts'
import { newKey } from '../support/helpers.ts'

interface Line { code: string, message: string }

interface Started {
  sessions: WebSessions
  lines: Line[]
  /** Opens the session of a request with the cookies of a jar. */
  open: (jar?: Jar) => Promise<WebBag>
  key: Buffer
}

async function start (options: object = {}): Promise<Started> {
  const key = newKey()
  const lines: Line[] = []
  const log = { warn: (details: object, message: string) => { lines.push({ code: (details as { code: string }).code, message }) } }
  const sessions = await createWebSessions({ key, log, ...options } as WebSessionsOptions)
  const open = async (jar = new Jar()): Promise<WebBag> =>
    await sessions.open(new Request('https://app.example/', { headers: { cookie: jar.header } })) as WebBag
  return { sessions, lines, open, key }
}

/** Headers that a session is committed to, of which a jar keeps the cookies. */
async function commit (session: WebSession, jar = new Jar(), given: Record<string, string> = {}): Promise<Headers> {
  const headers = new Headers(given)
  await session.commit(headers)
  jar.keep(headers.getSetCookie())
  return headers
}

async function loggedIn ({ open }: Started): Promise<Jar> {
  const jar = new Jar()
  const session = await open(jar)
  session.set('userId', 1)
  await commit(session, jar)
  return jar
}

const codes = ({ lines }: Started): string[] => lines.map(({ code }) => code.replace('FST_SEALED_SESSION_WARN_', ''))

describe('commit', () => {
  it('appends the cookie to those that the app has set, and says no-store', async () => {
    const { open } = await start()
    const session = await open()
    session.set('userId', 1)
    const headers = new Headers({ 'content-type': 'text/html' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2; Path=/')
    await session.commit(headers)
    assert.deepEqual(headers.getSetCookie().map(line => line.split('=')[0]), ['a', 'b', 'session'])
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('content-type'), 'text/html')
  })

  it('leaves a Cache-Control as it is, and none is added with noStore: false', async () => {
    const { open } = await start()
    const session = await open()
    session.set('userId', 1)
    assert.equal((await commit(session, undefined, { 'cache-control': 'private, max-age=5' })).get('cache-control'), 'private, max-age=5')
    const other = await (await start({ noStore: false })).open()
    other.set('userId', 1)
    assert.equal((await commit(other)).get('cache-control'), null)
  })

  it('puts nothing on the response of a session that was only read, or never written', async () => {
    const started = await start()
    const jar = await loggedIn(started)
    const session = await started.open(jar)
    assert.equal(session.userId, 1)
    assert.deepEqual([...await commit(session, jar)], [])
    assert.deepEqual([...await commit(await started.open())], [])
  })

  it('seals a session that was written after it once more, in the place of the first cookie', async () => {
    const started = await start()
    const session = await started.open()
    session.set('userId', 1)
    const headers = await commit(session)
    session.set('userId', 2)
    assert.deepEqual(codes(started), ['WRITE_LOST'])
    await session.commit(headers)
    assert.equal(headers.getSetCookie().length, 1)
    const jar = new Jar()
    jar.keep(headers.getSetCookie())
    assert.equal((await started.open(jar)).userId, 2)
  })

  it('can be called for a second response in place of the first, which gets the cookie as well', async () => {
    const started = await start()
    const session = await started.open()
    session.set('userId', 1)
    await commit(session)
    assert.equal((await commit(session)).getSetCookie().length, 1)
    assert.deepEqual(codes(started), [])
  })

  it('can be called for two responses at once: each gets the cookie', async () => {
    const started = await start({ revocation: { store: new MemoryStore() } })
    const session = await started.open()
    session.set('userId', 1)
    const [first, second] = await Promise.all([commit(session), commit(session)])
    assert.deepEqual([first, second].map(headers => headers.getSetCookie().length), [1, 1])
  })

  it('has one session for a request, however often it is opened', async () => {
    const { sessions } = await start()
    const request = new Request('https://app.example/')
    const [first, second] = await Promise.all([sessions.open(request), sessions.open(request)]) as [WebBag, WebBag]
    first.set('a', 1)
    second.set('b', 2)
    assert.equal(first, second)
    assert.deepEqual(first.data(), { a: 1, b: 2 })
    assert.notEqual(await sessions.open(new Request(request)), first)
  })

  it('leaves a key named commit to the data: get and set reach it, and so does what lists the keys', async () => {
    const started = await start()
    const session = await started.open()
    session.set('commit', 'of the app')
    assert.equal(typeof session.commit, 'function')
    session.commit = 'changed' as never
    assert.equal(session.get('commit'), 'changed')
    assert.deepEqual(Object.keys(session), ['commit'])
    const jar = new Jar()
    await commit(session, jar)
    const again = await started.open(jar)
    assert.deepEqual(again.data(), { commit: 'changed' })
    await commit(again, jar)
  })

  it('is bound to its session, like the other methods', async () => {
    const { open } = await start()
    const { set, commit } = await open()
    set('userId', 1)
    const headers = new Headers()
    await commit(headers)
    assert.equal(headers.getSetCookie().length, 1)
  })

  it('has a session that the functions beside it take', async () => {
    const started = await start()
    const session = await started.open()
    session.set('userId', 1)
    authenticated(session, 'password')
    assert.deepEqual(Object.keys(sessionInfo(session).authentications), ['password'])
    const signal = sessionSignal(session)
    session.delete()
    assert.equal(signal.aborted, true)
    started.sessions.close()
  })

  it('rejects once with the error of sealing, and lets the response to that error go without the cookie', async () => {
    const started = await start()
    const session = await started.open()
    session.set('f', () => 1)
    await assert.rejects(commit(session), { code: 'FST_SEALED_SESSION_VALUE_UNSTORABLE' })
    assert.deepEqual([...await commit(session)], [])
    session.delete()
    session.set('userId', 2)
    assert.equal((await commit(session)).getSetCookie().length, 1)
  })

  it('takes back nothing that the app has put there if it fails', async () => {
    const { open } = await start({ maxChunks: 1 })
    const session = await open()
    session.set('text', 'x'.repeat(5000))
    const headers = new Headers({ 'set-cookie': 'a=1' })
    await assert.rejects(session.commit(headers), { code: 'FST_SEALED_SESSION_COOKIE_TOO_LARGE' })
    assert.deepEqual([...headers], [['set-cookie', 'a=1']])
  })

  it('gives Secure to the cookie of a request over TLS outside of production, and not to that of another', async () => {
    const { sessions } = await start()
    for (const [request, isSecure] of [[new Request('https://app.example/'), true], [new Request('http://app.example/'), false], [{ headers: new Headers() }, false]] as const) {
      const session = await sessions.open(request) as WebBag
      session.set('userId', 1)
      assert.equal(/; Secure/.test((await commit(session)).getSetCookie()[0] ?? ''), isSecure)
    }
  })
})

describe('cookies that nobody asked for', () => {
  const HOUR = 3600

  /** A session of an hour, 40 minutes after it was written. */
  async function due (t: TestContext): Promise<{ started: Started, jar: Jar, session: WebBag }> {
    const clock = stopClock(t)
    const started = await start({ expiry: HOUR })
    const jar = await loggedIn(started)
    clock.tick(40 * 60 * 1000)
    return { started, jar, session: await started.open(jar) }
  }

  it('renew a rolling session that a request has opened', async t => {
    const { jar, session } = await due(t)
    assert.equal((await commit(session, jar)).getSetCookie().length, 1)
  })

  for (const name of ['cdn-cache-control', 'surrogate-control']) {
    it(`are withheld if the caches of a network may keep the response: ${name}`, async t => {
      const { jar, session } = await due(t)
      assert.deepEqual((await commit(session, jar, { [name]: 'max-age=60' })).getSetCookie(), [])
    })
  }

  for (const control of ['public', 'no-cache', 'max-age=60']) {
    it(`are withheld from what a shared cache may keep, which is said once: ${control}`, async t => {
      const { started, jar, session } = await due(t)
      assert.deepEqual((await commit(session, undefined, { 'cache-control': control })).getSetCookie(), [])
      assert.deepEqual((await commit(await started.open(jar), undefined, { 'cache-control': control })).getSetCookie(), [])
      assert.deepEqual(codes(started), ['RENEWAL_WITHHELD'])
    })
  }

  it('give way to what the app does to the cookie itself', async t => {
    const { session } = await due(t)
    assert.deepEqual((await commit(session, undefined, { 'set-cookie': 'session=; Max-Age=0' })).getSetCookie(), ['session=; Max-Age=0'])
  })

  it('are not sent to a poll, whose writes are', async t => {
    const { started, jar } = await due(t)
    const session = await started.sessions.open(new Request('https://app.example/', { headers: { cookie: jar.header } }), { extend: false }) as WebBag
    assert.deepEqual((await commit(session)).getSetCookie(), [])
    session.set('a', 1)
    assert.equal((await commit(session)).getSetCookie().length, 1)
  })

  it('seal a session with a newer key, and in another format, with its times as they were', async t => {
    const clock = stopClock(t)
    const [older, newer] = [newKey(), newKey()]
    const before = await start({ key: older, format: 'secretbox', rolling: false, expiry: HOUR })
    const jar = await loggedIn(before)
    const { expiresAt, lastWriteAt } = sessionInfo(await before.open(jar))
    clock.tick(10 * 60 * 1000)
    const after = await start({ key: [newer, older], accept: ['sealed', 'secretbox'], rolling: false, expiry: HOUR })
    const line = (await commit(await after.open(jar), jar)).getSetCookie()[0] ?? ''
    assert.match(line, /^session=A[\w-]+;/, 'it is sealed')
    const info = sessionInfo(await (await start({ key: newer, rolling: false, expiry: HOUR })).open(jar))
    assert.deepEqual([info.status, info.format, info.expiresAt, info.lastWriteAt], ['valid', 'sealed', expiresAt, lastWriteAt])
  })

  it('are told of by a warning if the app asked, on a response that shared caches may keep', async () => {
    const started = await start()
    const session = await started.open()
    session.set('userId', 1)
    assert.equal((await commit(session, undefined, { 'cache-control': 'public' })).getSetCookie().length, 1)
    assert.deepEqual(codes(started), ['SHARED_CACHE'])
  })
})

describe('a server of node:http', () => {
  /** The address of a server that is closed when the test ends. */
  async function listen (t: TestContext, server: Server): Promise<string> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => { server.close() })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('gives its own requests, and takes the headers as they are', async t => {
    const { sessions } = await start({ maxChunks: 2 })
    const url = await listen(t, createServer((request, response) => {
      const answer = async (): Promise<void> => {
        const session = await sessions.open(request) as WebBag
        if (request.url === '/login') session.set('text', 'x'.repeat(4500))
        const headers = new Headers()
        await session.commit(headers)
        response.appendHeader('set-cookie', headers.getSetCookie())
        response.end(String((session.get('text') as string | undefined)?.length))
      }
      answer().catch(error => { response.writeHead(500).end(String(error)) })
    }))
    const jar = new Jar()
    const login = await fetch(`${url}/login`)
    assert.equal(await login.text(), '4500')
    jar.keep(login.headers.getSetCookie())
    assert.equal(jar.names.length, 2)
    assert.equal(await (await fetch(url, { headers: { cookie: jar.header } })).text(), '4500')
  })
})
