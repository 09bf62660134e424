// Tokens that pass between the two sides outside of requests.
import assert from 'node:assert/strict'
import { install } from '@sinonjs/fake-timers'
import { describe, it } from 'node:test'
import { newKey, setCookies } from '../support/helpers.ts'
import { DIRECTIONS, SIDES, bothSides, serverOf, type Server, type Values } from '../support/peer.ts'

const DATA = { n: 1, text: 'Zoë 😀', nested: { list: [null, { a: [] }] } }
const SEVERAL = [{ sessionName: 'first', key: newKey() }, { sessionName: 'second', cookieName: 's', key: newKey() }]

function encode ({ app }: Server, data: object, sessionName?: string): string {
  // A copy, since the peer puts its __ts into the object that it is given.
  return app.encodeSecureSession(app.createSecureSession({ ...data }), sessionName)
}

describe('a token', () => {
  for (const [writer, reader] of DIRECTIONS) {
    it(`that ${writer} encodes is decoded by ${reader}`, async () => {
      const servers = await bothSides({ options: { key: newKey() } })
      const session = servers[reader].app.decodeSecureSession<Values>(encode(servers[writer], DATA))
      assert.deepEqual({ ...session?.data() }, DATA)
      assert.equal(session?.get('text'), DATA.text)
      assert.deepEqual(session?.nested, DATA.nested)
      assert.equal(session?.changed, false)
      assert.equal(session?.deleted, false)
    })

    it(`that ${writer} encodes is decoded, changed and encoded by ${reader}, and decoded again`, async () => {
      const servers = await bothSides({ options: { key: newKey() } })
      const session = servers[reader].app.decodeSecureSession<Values>(encode(servers[writer], { n: 1 }))
      assert.ok(session)
      session.set('n', 2)
      assert.equal(session.changed, true)
      const back = servers[writer].app.decodeSecureSession<Values>(servers[reader].app.encodeSecureSession(session))
      assert.deepEqual({ ...back?.data() }, { n: 2 })
    })

    it(`that ${writer} encodes for one of several sessions is decoded by ${reader} for that one only`, async () => {
      const servers = await bothSides({ options: SEVERAL })
      const token = encode(servers[writer], DATA, 'second')
      const { app } = servers[reader]
      assert.deepEqual({ ...app.decodeSecureSession(token, undefined, 'second')?.data() }, DATA)
      assert.equal(app.decodeSecureSession(token, undefined, 'first'), null)
      assert.equal(app.decodeSecureSession(token), null)
      assert.deepEqual({ ...app.decodeSecureSession(encode(servers[writer], DATA))?.data() }, DATA)
    })

    it(`that ${writer} encodes is the value of a cookie to ${reader}, and the other way round`, async () => {
      const servers = await bothSides({ options: { key: newKey() } })
      const visited = await servers[reader].visit(session => session.data(), `session=${encodeURIComponent(encode(servers[writer], DATA))}`)
      assert.deepEqual(visited.json(), DATA)

      const [line = ''] = setCookies(await servers[writer].visit(session => { Object.assign(session, DATA) }))
      const value = decodeURIComponent(line.slice('session='.length).split(';')[0]!)
      assert.deepEqual({ ...servers[reader].app.decodeSecureSession(value)?.data() }, DATA)
    })

    it(`that ${writer} encodes is decoded by ${reader} with the attributes of a cookie after it`, async () => {
      const servers = await bothSides({ options: { key: newKey() } })
      const line = `${encode(servers[writer], DATA)}; Path=/; HttpOnly`
      assert.deepEqual({ ...servers[reader].app.decodeSecureSession(line)?.data() }, DATA)
    })

    it(`that ${writer} sealed with an older key makes a changed session at ${reader}`, async () => {
      const [key, old] = [newKey(), newKey()]
      const token = encode(await serverOf(writer, { options: { key: old } }), DATA)
      const session = (await serverOf(reader, { options: { key: [key, old] } })).app.decodeSecureSession(token)
      assert.deepEqual({ ...session?.data() }, DATA)
      assert.equal(session?.changed, true)
    })
  }
})

const zeros = (length: number): string => Buffer.alloc(length).toString('base64')

/** What is refused, and the line of the log that says why. */
const REFUSED = [
  { title: 'an empty text', token: () => '', message: 'the cookie is malformed, creating an empty session' },
  { title: 'a text without a semicolon', token: () => 'bogus', message: 'the cookie is malformed, creating an empty session' },
  { title: 'a lone semicolon', token: () => ';', message: 'the cipher is not long enough, creating an empty session' },
  { title: 'a ciphertext of 15 bytes', token: () => `${zeros(15)};${zeros(24)}`, message: 'the cipher is not long enough, creating an empty session' },
  { title: 'a ciphertext of 15 bytes before a bad nonce', token: () => `${zeros(15)};`, message: 'the cipher is not long enough, creating an empty session' },
  { title: 'a nonce of 23 bytes', token: () => `${zeros(16)};${zeros(23)}`, message: 'the nonce does not have the required length, creating an empty session' },
  { title: 'a nonce of 25 bytes', token: () => `${zeros(16)};${zeros(25)}`, message: 'the nonce does not have the required length, creating an empty session' },
  { title: 'no nonce', token: () => `${zeros(16)};`, message: 'the nonce does not have the required length, creating an empty session' },
  { title: 'a forged ciphertext', token: () => `${zeros(16)};${zeros(24)}`, message: 'unable to decrypt, creating an empty session' },
  { title: 'two parts swapped', token: (token: string) => token.split(';').reverse().join(';'), message: 'the nonce does not have the required length, creating an empty session' },
  { title: 'a session that has expired', token: (token: string) => token, message: 'expiry reached', later: 61_000 }
]

describe('both sides refuse, with the same line in the log,', () => {
  for (const { title, token, message, later = 0 } of REFUSED) {
    it(title, async () => {
      const clock = install({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] })
      try {
        const servers = await bothSides({ options: { key: newKey(), expiry: 60 } })
        const refused = token(encode(servers.peer, DATA))
        clock.setSystemTime(Date.now() + later)
        for (const side of SIDES) {
          const lines: string[] = []
          const log = { debug: (line: string) => { lines.push(line) }, trace: (line: string) => { lines.push(line) } }
          assert.equal(servers[side].app.decodeSecureSession(refused, log), null)
          assert.deepEqual(lines, [`@fastify/secure-session: ${message}`], side)
        }
      } finally {
        clock.uninstall()
      }
    })
  }

  it('that there is no token', async () => {
    const servers = await bothSides({ options: { key: newKey() } })
    for (const side of SIDES) {
      const lines: string[] = []
      const { app } = servers[side]
      assert.equal(app.decodeSecureSession(undefined, { trace: (line: string) => { lines.push(line) } }), null)
      assert.deepEqual(lines, ['@fastify/secure-session: there is no cookie, creating an empty session'], side)
    }
  })

  it('a token sealed with another key', async () => {
    const stranger = await serverOf('peer', { options: { key: newKey() } })
    const servers = await bothSides({ options: { key: newKey() } })
    for (const side of SIDES) assert.equal(servers[side].app.decodeSecureSession(encode(stranger, DATA)), null)
  })

  it('the name of a session that was not registered', async () => {
    const servers = await bothSides({ options: { key: newKey() } })
    for (const { app } of Object.values(servers)) {
      assert.throws(() => app.decodeSecureSession('bogus', undefined, 'other'), { message: 'Unknown session key.' })
      assert.throws(() => app.encodeSecureSession(app.createSecureSession({}), 'other'), { message: 'Unknown session key.' })
    }
  })
})
