// The endpoint as clients and logs see it: the same answer whatever a request looks like, nothing of its values in a log,
// and nothing that a client sends is an error of the server.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect as connect2, type ClientHttp2Session } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { MemoryStore } from '../../src/revocation/index.ts'
import { appWithDevices, challengeOf, infoOf, jwtOf, loggedIn, newPair, offerOf, PATH, refresh, register, registrationOf, stolen } from '../support/device.ts'
import { captureLog, countTries, gate } from '../support/helpers.ts'

const HEAD = { alg: 'ES256', typ: 'dbsc+jwt' }

type Headers = Record<string, string>

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Sends a POST to the endpoint. */
type Send = (app: FastifyInstance, headers: Headers, body: string | undefined) => Promise<Answer>

async function portOf (app: FastifyInstance): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

const overInject: Send = async (app, headers, payload) => {
  const { statusCode, headers: given, body } = await app.inject({ method: 'POST', url: PATH, headers, ...(payload !== undefined && { payload }) })
  return { status: statusCode, headers: given as Answer['headers'], body }
}

/** Writes text to a socket, and reads until the server closes it. */
async function exchange (app: FastifyInstance, text: string): Promise<string> {
  const socket = connect(await portOf(app), '127.0.0.1')
  socket.setTimeout(20_000, () => { socket.destroy(new Error('no answer')) })
  socket.write(text)
  return await textOf(socket)
}

const overSocket: Send = async (app, headers, body) => {
  const lines = Object.entries({ ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) }).map(([name, value]) => `${name}: ${value}\r\n`)
  return parsed(await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines.join('')}\r\n${body ?? ''}`))
}

function parsed (answer: string): Answer {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const headers: Record<string, string | string[]> = {}
  for (const [, name = '', value = ''] of head.matchAll(/^([\w-]+): (.*)$/gm)) {
    headers[name] = name in headers ? [headers[name]!, value].flat() : value // it has one
  }
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), headers, body: rest.join('\r\n\r\n') }
}

async function overHttp2 (client: ClientHttp2Session, headers: Headers, body: string | undefined): Promise<Answer> {
  const stream = client.request({ ':method': 'POST', ':path': PATH, ...headers })
  stream.end(body)
  const [given] = await once(stream, 'response') as [Record<string, string | string[]>]
  return { status: Number(given[':status']), headers: given, body: await textOf(stream) }
}

/** Bodies and content types, most of which a server refuses. */
const BODIES: Record<string, { headers?: Headers, body?: string }> = {
  'no body': {},
  'a length of zero': { headers: { 'content-length': '0' } },
  'a content type alone': { headers: { 'content-type': 'application/json' } },
  JSON: { headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
  'JSON that is none': { headers: { 'content-type': 'application/json' }, body: '{"__proto__":' },
  'a form': { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
  text: { headers: { 'content-type': 'text/plain' }, body: 'x' },
  'a type that nobody knows': { headers: { 'content-type': 'what/ever' }, body: 'x' },
  'a type that is none': { headers: { 'content-type': '///' }, body: 'x' },
  'a body without a type': { body: 'x' }
}

/** Registers and refreshes, in one request and in two. */
async function assertServed (app: FastifyInstance, send: Send, quote: (value: string) => string, { headers = {}, body }: { headers?: Headers, body?: string }, name: string): Promise<void> {
  const { device, response } = await loggedIn(app)
  const pair = newPair()
  const post = async (more: Headers): Promise<Answer> => await send(app, { ...headers, ...more }, body)
  const registered = await post({ cookie: device.cookies, 'secure-session-response': quote(registrationOf(offerOf(response).challenge, pair)) })
  assert.equal(registered.status, 200, name)
  const { session_identifier: id } = JSON.parse(registered.body) as { session_identifier: string }
  const cookie = [registered.headers['set-cookie'] ?? []].flat().map(line => line.split(';')[0]).join('; ')
  const asked = await post({ cookie, 'sec-secure-session-id': quote(id) })
  assert.deepEqual([asked.status, asked.body], [403, ''], name)
  const { challenge } = challengeOf(asked as never)
  const jwt = jwtOf(HEAD, { jti: challenge }, pair.privateKey)
  const proven = await post({ cookie, 'sec-secure-session-id': quote(id), 'secure-session-response': quote(jwt) })
  assert.deepEqual([proven.status, JSON.parse(proven.body)], [200, JSON.parse(registered.body)], name)
  for (const answer of [registered, asked, proven]) {
    assert.equal(answer.headers['cache-control'], 'no-store', name)
    assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin', name)
  }
}

const QUOTES = { bare: (value: string) => value, quoted: (value: string) => `"${value}"` }

describe('the endpoint', () => {
  for (const [quotes, quote] of Object.entries(QUOTES)) {
    it(`27. answers ${quotes} values alike, with or without a body and a content type, over inject`, async () => {
      const app = await appWithDevices()
      for (const [name, request] of Object.entries(BODIES)) await assertServed(app, overInject, quote, request, name)
    })

    it(`27. answers ${quotes} values alike, with or without a body and a content type, over HTTP/1.1`, async t => {
      const app = await appWithDevices({ t })
      for (const [name, request] of Object.entries(BODIES)) await assertServed(app, overSocket, quote, request, name)
    })

    it(`27. answers ${quotes} values alike, with or without a body and a content type, over HTTP/2`, async t => {
      const app = await appWithDevices({ t, server: { http2: true } })
      const client = connect2(`http://127.0.0.1:${await portOf(app)}`)
      try {
        for (const [name, request] of Object.entries(BODIES)) await assertServed(app, (_, headers, body) => overHttp2(client, headers, body), quote, request, name)
      } finally {
        client.destroy() // the app waits for it when it closes
      }
    })
  }

  it('27. answers while a body of 1 MB comes, in chunks or not, and goes on to serve the connection', async t => {
    const app = await appWithDevices({ t })
    const body = 'x'.repeat(2 ** 20)
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    for (const [header, sent] of [[`Content-Length: ${body.length}`, body], ['Transfer-Encoding: chunked', chunked]]) {
      const answers = await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n${sent}GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      assert.match(answers, /^HTTP\/1\.1 400 [^]*\r\n\r\nHTTP\/1\.1 200 [^]*nobody$/)
    }
  })

  it('27. answers a client that waits for 100 Continue, and one that never sends its body', async t => {
    const app = await appWithDevices({ t })
    const answer = await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /)
    const socket = connect(await portOf(app), '127.0.0.1')
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx`)
    const [first] = await once(socket, 'data') as [Buffer]
    socket.destroy()
    assert.match(first.toString(), /^HTTP\/1\.1 400 /)
  })

  it('27. answers POST alone: with another method its path is no path, and nothing of a binding is told or set', async t => {
    const app = await appWithDevices({ t })
    const { device, response } = await loggedIn(app)
    const jwt = registrationOf(offerOf(response).challenge)
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'] as const) {
      const answer = await app.inject({ method, url: PATH, headers: { cookie: device.cookies, 'secure-session-response': jwt } })
      assert.deepEqual([answer.statusCode, answer.headers['set-cookie'], answer.headers['secure-session-challenge']], [404, undefined, undefined], method)
    }
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'unbound')
  })

  it('27. takes a header that is there twice for one that is wrong, over HTTP/1.1 and as a list over inject', async t => {
    const app = await appWithDevices({ t })
    const { device, response } = await loggedIn(app)
    const { challenge } = offerOf(response)
    const [jwt, other] = [registrationOf(challenge), registrationOf(challenge)]
    const twice = await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ${device.cookies}\r\nSecure-Session-Response: ${jwt}\r\nSecure-Session-Response: ${other}\r\n\r\n`)
    assert.match(twice, /^HTTP\/1\.1 400 /)
    const ids = await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSec-Secure-Session-Id: a\r\nSec-Secure-Session-Id: b\r\n\r\n`)
    assert.deepEqual(JSON.parse(parsed(ids).body), { session_identifier: 'a, b', continue: false })
    for (const headers of [{ 'secure-session-response': [jwt, other] }, { 'secure-session-response': [jwt] }, { 'sec-secure-session-id': ['a', 'b'] }, { 'sec-secure-session-id': [] }]) {
      const { statusCode } = await app.inject({ method: 'POST', url: PATH, headers: { cookie: device.cookies, ...headers } as never })
      assert.ok(statusCode === 200 || statusCode === 400, JSON.stringify(headers))
    }
  })
})

/** Fails the test for a rejection or an exception that nobody has caught. */
function hearUncaught (t: TestContext): void {
  const uncaught: unknown[] = []
  const hear = (error: unknown): void => { uncaught.push(error) }
  process.on('unhandledRejection', hear)
  t.after(() => {
    process.off('unhandledRejection', hear)
    assert.deepEqual(uncaught, [])
  })
}

describe('a client that goes away', () => {
  it('45. is no error, whether it goes before the answer or while a store is asked', async t => {
    hearUncaught(t)
    const { lines, logger = false } = captureLog('error')
    const [store, { opened, open }] = [new MemoryStore(), gate()]
    const [asked, gone] = [gate(), gate()]
    let isSlow = false
    const slow = { set: store.set.bind(store), get: async (key: string) => { if (isSlow) { asked.open(); await opened } return await store.get(key) } }
    const app = await appWithDevices({ t, server: { logger }, revocation: { store: slow as never, cacheTtl: 0 }, before: app => { app.server.prependListener('request', request => { request.once('close', () => { if (isSlow) gone.open() }) }) } })
    const { device, response } = await loggedIn(app)
    const text = (jwt: string): string => `POST ${PATH} HTTP/1.1\r\nHost: x\r\nCookie: ${device.cookies}\r\nSecure-Session-Response: ${jwt}\r\nContent-Length: 10\r\n\r\n`
    for (let round = 0; round < 20; round++) {
      const socket = connect(await portOf(app), '127.0.0.1')
      await once(socket, 'connect')
      socket.write(text('x'), () => { socket.destroy() })
      await once(socket, 'close')
    }
    isSlow = true
    const socket = connect(await portOf(app), '127.0.0.1')
    socket.write(text(registrationOf(offerOf(response).challenge)))
    await asked.opened
    socket.destroy()
    await gone.opened
    isSlow = false
    open()
    assert.equal((await stolen(app, device.cookies)).body, 'ann')
    assert.deepEqual(lines, [])
  })

  it('45. is one whose connection is closed if code of the app throws as the headers leave, and the process goes on', async t => {
    hearUncaught(t)
    const app = await appWithDevices({ t, before: app => { app.server.prependListener('request', ({ url }, response) => { if (url === PATH) response.writeHead = () => { throw new Error('of the app') } }) } })
    assert.equal(await exchange(app, `POST ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`).catch((error: Error) => error.message), '')
    assert.equal((await stolen(app, '')).body, 'nobody')
  })
})

describe('whatever a client sends', () => {
  /** Bytes in a header as Node gives them: one character each. */
  const bytes = fc.uint8Array({ maxLength: 200, size: 'max' }).map(bytes => Buffer.from(bytes).toString('latin1'))
  const long = fc.tuple(fc.constantFrom('a', '"', '.', '%', '=', ';', ' ', '\u00ff', 'eyJ', '""', '\\"'), fc.nat(20_000)).map(([part, count]) => part.repeat(count))
  const anything = fc.oneof({ weight: 4, arbitrary: bytes }, { weight: 1, arbitrary: long }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) })

  it('45. in the headers of the endpoint, it is answered 200, 400 or 403, and never binds or proves', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const answer = await device.register(app, response)
    const { id, challenge } = challengeOf(answer!)
    const pair = newPair()
    const edited = fc.tuple(fc.constantFrom(id, challenge, registrationOf(challenge, pair), jwtOf(HEAD, { jti: challenge }, pair.privateKey)), fc.nat(), anything).map(([text, at, more]) => text.slice(0, at % text.length) + more + text.slice(at % text.length + 1))
    const header = fc.option(fc.oneof(anything, edited), { nil: undefined })
    await fc.assert(fc.asyncProperty(header, header, header, header, async (identifier, jwt, site, cookie) => {
      const headers = { 'sec-secure-session-id': identifier, 'secure-session-response': jwt, 'sec-fetch-site': site, cookie }
      const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
      const { statusCode, body, headers: own } = await app.inject({ method: 'POST', url: PATH, headers: given as Headers })
      assert.ok(statusCode === 400 || statusCode === 403 || (statusCode === 200 && JSON.parse(body).continue === false), `${statusCode} ${body}`)
      assert.equal(own['set-cookie'], undefined)
    }), { numRuns: 2000 })
  })

  it('45. in the proof cookie and the reason for which none came, it is served, and opens no session that is bound', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    await device.register(app, response)
    const [session = '', proof = ''] = device.cookies.split('; ')
    const edited = fc.tuple(fc.nat(), bytes).map(([at, more]) => proof.slice('session.device='.length, at % proof.length) + more)
    await fc.assert(fc.asyncProperty(fc.oneof(anything, edited), anything, async (value, skipped) => {
      const { statusCode, body } = await app.inject({ url: '/me', headers: { cookie: `${session}; session.device=${value}`, 'secure-session-skipped': skipped } })
      assert.deepEqual([statusCode, body], [200, 'nobody'])
    }), { numRuns: 1000 })
  })

  it('45. is opened a bounded number of times, however long it is', async t => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const answer = await device.register(app, response)
    const { id, challenge } = challengeOf(answer!)
    const [session = '', proof = ''] = device.cookies.split('; ')
    const tries = countTries(t)
    const tried = async (act: () => Promise<unknown>): Promise<number> => {
      tries.decryptions = 0
      await act()
      return tries.decryptions
    }
    const wrong = Array.from({ length: 2000 }, (_, n) => `${proof.slice(0, -6)}${String(n).padStart(6, 'A')}`).join('; ')
    assert.ok(await tried(() => stolen(app, `${wrong}; ${session}`)) <= 20)
    // A refresh opens its identifier, the session and the challenge.
    assert.ok(await tried(() => refresh(app, id, jwtOf(HEAD, { jti: challenge }, newPair().privateKey), `${session}; ${wrong}`)) <= 3)
    assert.equal(await tried(() => refresh(app, 'x'.repeat(100_000), registrationOf(challenge))), 0)
    assert.equal(await tried(() => register(app, 'x'.repeat(100_000), `${session}; ${wrong}`)), 0)
    assert.equal(await tried(() => register(app, registrationOf('x'.repeat(2000)), `${session}; ${wrong}`)), 0)
  })
})

/** Everything of a request or a response that nobody else may have. */
class Secrets {
  readonly texts = new Set<string>()

  take (...texts: ReadonlyArray<string | undefined>): void {
    for (const text of texts) for (const part of (text ?? '').split(/[^\w-]+/)) if (part.length >= 20) this.texts.add(part)
  }

  takeAnswer ({ headers }: { headers: Record<string, unknown> }): void {
    for (const name of ['set-cookie', 'secure-session-challenge', 'secure-session-registration']) this.take(...[headers[name] ?? []].flat().map(String))
  }

  assertNotIn (text: string): void {
    assert.ok(this.texts.size > 20)
    // Also half of a value would be half of a secret.
    for (const secret of this.texts) for (const half of [secret.slice(0, 20), secret.slice(-20)]) assert.ok(!text.includes(half), secret)
  }
}

describe('logs and errors', () => {
  it('44. have no challenge, identifier, proof or JWT in them at any level, whatever succeeds or fails', async t => {
    const written: string[] = []
    const hear = (message: unknown): void => { written.push(JSON.stringify(message)) }
    for (const channel of ['device', 'open', 'seal', 'lifecycle']) {
      subscribe(`fastify-sealed-session:${channel}`, hear)
      t.after(() => unsubscribe(`fastify-sealed-session:${channel}`, hear))
    }
    const warned = (warning: Error): void => { written.push(String(warning.stack)) }
    process.on('warning', warned)
    t.after(() => process.off('warning', warned))
    const { lines, logger = false } = captureLog('trace')
    const store = new MemoryStore()
    let isDown = false
    const failing = { set: async (...given: Parameters<typeof store.set>) => { if (isDown) throw new Error('down'); await store.set(...given) }, get: async (key: string) => { if (isDown) throw new Error('down'); return await store.get(key) } }
    const app = await appWithDevices({ server: { logger }, revocation: { store: failing as never, cacheTtl: 0, subject: session => session.get('user' as never) } })
    const secrets = new Secrets()
    const send = async (headers: Headers, method: 'GET' | 'POST' = 'POST', url = PATH): Promise<number> => {
      secrets.take(headers.cookie, headers['sec-secure-session-id'], headers['secure-session-response'])
      const answer = await app.inject({ method, url, headers })
      secrets.takeAnswer(answer)
      if (answer.statusCode !== 200) written.push(answer.body)
      return answer.statusCode
    }

    const { device, response } = await loggedIn(app)
    secrets.takeAnswer(response)
    const pair = newPair()
    const unbound = device.cookies
    const jwt = registrationOf(offerOf(response).challenge, pair)
    isDown = true
    assert.equal(await send({ cookie: unbound, 'secure-session-response': jwt }), 503)
    isDown = false
    const registered = await register(app, jwt, unbound)
    secrets.takeAnswer(registered)
    device.take(registered)
    const { cookies: cookie } = device
    const { id, challenge } = challengeOf(registered)
    const proof = jwtOf(HEAD, { jti: challenge }, pair.privateKey)
    const wrong = jwtOf(HEAD, { jti: challenge }, newPair().privateKey)
    const identifier = { 'sec-secure-session-id': id }
    const expected: Array<[Headers, number]> = [
      [{ cookie, 'secure-session-response': jwt }, 400],
      [{ 'secure-session-response': jwt }, 400],
      [{ cookie: unbound, 'secure-session-response': jwt, 'sec-fetch-site': 'same-site' }, 400],
      ...[wrong, registrationOf(challenge), 'x', `${jwt}x`].map((jwt): [Headers, number] => [{ cookie: unbound, 'secure-session-response': jwt }, 400]),
      [identifier, 403],
      ...[wrong, jwt, `${proof}x`].map((jwt): [Headers, number] => [{ ...identifier, 'secure-session-response': jwt }, 403]),
      [{ ...identifier, 'secure-session-response': proof }, 200],
      [{ cookie, ...identifier, 'secure-session-response': proof }, 200],
      [{ cookie, 'sec-secure-session-id': `${id}x`, 'secure-session-response': proof }, 200],
      [{ cookie, 'sec-secure-session-id': id.repeat(20) }, 400]
    ]
    for (const [headers, status] of expected) assert.equal(await send(headers), status)
    isDown = true
    assert.equal(await send({ cookie, ...identifier, 'secure-session-response': proof }), 503)
    isDown = false
    for (const brought of [cookie, unbound, cookie.split('; ')[0]!, `${cookie}x`]) {
      for (const url of ['/me', '/info', '/public']) await send({ cookie: brought, 'secure-session-skipped': 'unreachable' }, 'GET', url)
      await send({ cookie: brought }, 'POST', '/write')
    }
    const all = `${lines.map(line => JSON.stringify(line)).join('\n')}\n${written.join('\n')}`
    for (const level of ['refused', 'ended', 'unproven']) assert.match(all, new RegExp(level))
    assert.ok(lines.some(({ msg }) => msg === 'a device could not be answered'))
    secrets.assertNotIn(all)
  })

  it('44. are all that tells one refusal from another: each 400 has the same headers and no body', async t => {
    const app = await appWithDevices({ t })
    const { device, response } = await loggedIn(app)
    const pair = newPair()
    const jwt = registrationOf(offerOf(response).challenge, pair)
    const requests: Headers[] = [
      {},
      { 'secure-session-response': jwt },
      { 'secure-session-response': `${jwt.slice(0, -4)}AAAA`, cookie: device.cookies },
      { 'secure-session-response': registrationOf('x'), cookie: device.cookies },
      { 'secure-session-response': jwt, cookie: device.cookies, 'sec-fetch-site': 'cross-site' },
      { 'secure-session-response': jwt, cookie: 'session=x' },
      { 'sec-secure-session-id': 'x'.repeat(3000) }
    ]
    const answers = new Set<string>()
    for (const headers of requests) {
      const { status, headers: given, body } = await overSocket(app, headers, undefined)
      assert.equal(status, 400)
      answers.add(JSON.stringify([{ ...given, Date: null }, body]))
    }
    assert.deepEqual([...answers].map(answer => JSON.parse(answer) as unknown), [[{ 'cache-control': 'no-store', 'cross-origin-resource-policy': 'same-origin', 'x-content-type-options': 'nosniff', 'content-length': '0', Date: null, Connection: 'close' }, '']])
    assert.equal((await device.register(app, response))?.statusCode, 200)
  })
})
