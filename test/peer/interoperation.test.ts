// The peer opens what this package seals, and the other way round.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, describe, it } from 'node:test'
import type { FastifyRequest, LightMyRequestResponse } from 'fastify'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { DIRECTIONS, serverOf, sessionNamed, type Options, type PeerSetup, type Server, type Side, type Values } from '../support/peer.ts'

const KEY = newKey()
const SECRET = 'a passphrase of more than thirty-two bytes, with ünïcode'
const SIGNED = { signed: true }
const HEX = {
  encode: (value: string) => Buffer.from(value).toString('hex'),
  decode: (value: string) => Buffer.from(value, 'hex').toString()
}

interface Case extends PeerSetup {
  title: string
  /** Where this side's options differ from the peer's. */
  ours?: Options
}

const CASES: readonly Case[] = [
  { title: 'a key as a buffer', options: { key: KEY } },
  { title: 'a key as a base64 string', options: { key: KEY.toString('base64') } },
  { title: 'a key as a base64url string', options: { key: KEY.toString('base64url') } },
  { title: 'a key that the peer has as a buffer and we as hex text', options: { key: KEY }, ours: { key: KEY.toString('hex') } },
  { title: 'a key that the peer has as a buffer and we as an Uint8Array', options: { key: KEY }, ours: { key: new Uint8Array(KEY) } },
  { title: 'an array of buffers', options: { key: [KEY, newKey()] } },
  { title: 'an array of base64 strings', options: { key: [KEY, newKey()].map(key => key.toString('base64')) } },
  { title: 'an array of one key beside one key alone', options: { key: [KEY] }, ours: { key: KEY } },
  { title: 'a secret with a salt as a string', options: { secret: SECRET, salt: 'mq9hDxBVDbspDR6n' } },
  { title: 'a secret with a salt as a string that is not ASCII', options: { secret: SECRET, salt: 'sältsältsältsält' } },
  { title: 'a secret with a salt as a buffer', options: { secret: SECRET, salt: randomBytes(16) } },
  { title: 'a secret as a buffer', options: { secret: Buffer.from(SECRET), salt: 'mq9hDxBVDbspDR6n' } },
  { title: 'a secret without a salt', options: { secret: SECRET } },
  { title: 'a key beside a secret and a salt', options: { key: KEY, secret: SECRET, salt: randomBytes(16) } },
  { title: 'a name of its own for the session', options: { key: KEY, sessionName: 'login' } },
  { title: 'a name of its own for the cookie', options: { key: KEY, cookieName: 'my-session' } },
  { title: 'a __Host- name', options: { key: KEY, cookieName: '__Host-session', cookie: { path: '/', secure: true } } },
  { title: 'a signed cookie', options: { key: KEY, cookie: SIGNED } },
  { title: 'a signed cookie with a base64 key', options: { key: KEY.toString('base64'), cookie: SIGNED } },
  { title: 'a signed cookie with an array of keys', options: { key: [KEY, newKey()], cookie: SIGNED } },
  { title: 'a signed cookie with a secret', options: { secret: SECRET, salt: randomBytes(16), cookie: SIGNED } },
  { title: 'a signed cookie under cookieOptions', options: { key: KEY, cookieOptions: SIGNED } },
  { title: "a signed cookie with the app's @fastify/cookie", options: { key: KEY, cookie: SIGNED }, cookie: { secret: 'of the app' } },
  { title: "a signed cookie with the app's rotated secrets", options: { key: KEY, cookie: SIGNED }, cookie: { secret: ['new', 'old'] } },
  { title: 'a signed __Host- cookie', options: { key: KEY, cookieName: '__Host-s', cookie: { path: '/', secure: true, signed: true } } },
  { title: "the app's @fastify/cookie without a secret", options: { key: KEY }, cookie: {} },
  {
    title: "the app's own encoding of cookies",
    options: { key: KEY },
    cookie: { parseOptions: HEX }
  },
  {
    title: 'several sessions, each with its key',
    options: [{ sessionName: 'long', key: newKey(), expiry: 3600 }, { sessionName: 'short', cookieName: 'short-cookie', key: newKey() }]
  },
  {
    title: 'several sessions, of which one is signed',
    options: [{ sessionName: 'session', key: newKey() }, { sessionName: 'other', cookieName: 'o', key: newKey(), cookie: SIGNED }]
  },
  {
    title: 'several signed sessions',
    options: [{ sessionName: 'a', key: newKey(), cookie: SIGNED }, { sessionName: 'b', cookieName: 'b-cookie', key: [newKey(), newKey()], cookie: SIGNED }]
  }
]

/** Each session gets it, with its own name added. */
const DATA = {
  text: 'Zoë · 日本語 · 😀 · \u0000 · "quoted" · a;b=c%20',
  'chave de acentuação': true,
  numbers: [0, -1, 1.5, 1e21],
  nothing: null,
  empty: ['', {}, []],
  nested: { list: [{ deep: { deeper: ['x', null] } }] }
}

describe('the peer and this package read and continue the sessions of each other, given', () => {
  for (const { title, ours, ...setup } of CASES) {
    describe(title, () => {
      const names = [setup.options].flat().map(({ sessionName }) => sessionName as string | undefined ?? 'session')
      let servers: Record<Side, Server>

      before(async () => {
        servers = {
          peer: await serverOf('peer', setup),
          ours: await serverOf('ours', ours === undefined ? setup : { ...setup, options: { ...setup.options, ...ours } })
        }
      })

      for (const [writer, reader] of DIRECTIONS) {
        it(`when it begins at ${writer === 'peer' ? 'the peer' : 'ours'}`, async () => {
          const begun = await servers[writer].visit((_, request) => { write(request, names, DATA) })
          assertSigned(begun, setup)

          const continued = await servers[reader].visit((_, request) => {
            const found = read(request, names)
            write(request, names, { more: '✓' })
            return found
          }, cookiesOf(begun))
          assert.deepEqual(continued.json(), expected(names, DATA))

          const back = await servers[writer].visit((_, request) => read(request, names), cookiesOf(continued))
          assert.deepEqual(back.json(), expected(names, { ...DATA, more: '✓' }))
          assert.deepEqual(setCookies(back), [])
        })
      }
    })
  }
})

describe('a session that is too large for one cookie', () => {
  for (const options of [{ key: KEY }, { key: KEY, cookie: SIGNED }, { key: KEY, format: 'sealed', accept: ['sealed', 'secretbox'] }]) {
    it(`is an empty one to the peer when we split it, and ours again when the peer has written: ${Object.keys(options).join(', ')}`, async () => {
      const [ours, peer] = [await serverOf('ours', { options }), await serverOf('peer', { options: { key: KEY, ...(options.cookie && { cookie: options.cookie }) } })]
      const split = cookiesOf(await ours.visit(session => session.set('text', 'x'.repeat(4500))))
      assert.deepEqual(split.split('; ').map(pair => pair.split('=')[0]), ['session', 'session.1'])
      const written = await peer.visit(session => { const data = session.data(); session.set('n', 1); return data }, split)
      assert.deepEqual(written.json(), {})
      const mixed = `${cookiesOf(written)}; ${split.split('; ')[1]}`
      const read = await ours.visit(session => { session.touch(); return session.data() }, mixed)
      assert.deepEqual(read.json(), { n: 1 })
      assert.deepEqual(setCookies(read).map(line => [line.split('=')[0], line.includes('Max-Age=0')]), [['session', false], ['session.1', true]])
    })
  }

  it('is read as the peer writes it, for clients that keep such a cookie', async () => {
    const [ours, peer] = [await serverOf('ours', { options: { key: KEY } }), await serverOf('peer', { options: { key: KEY } })]
    const large = cookiesOf(await peer.visit(session => session.set('text', 'x'.repeat(9000))))
    assert.equal((await ours.visit(session => String(session.text).length, large)).json(), 9000)
  })
})

function write (request: FastifyRequest, names: readonly string[], data: Values): void {
  for (const name of names) {
    Object.assign(sessionNamed(request, name), data)
    sessionNamed(request, name).set('nameOfSession', name)
  }
}

function read (request: FastifyRequest, names: readonly string[]): Values {
  return Object.fromEntries(names.map(name => [name, sessionNamed(request, name).data()]))
}

function expected (names: readonly string[], data: Values): Values {
  return Object.fromEntries(names.map(name => [name, { ...data, nameOfSession: name }]))
}

/** A signature follows a dot, which base64 does not have: so a signed case is one. */
function assertSigned (response: LightMyRequestResponse, { options, cookie }: PeerSetup): void {
  const decode = cookie?.parseOptions === HEX ? HEX.decode : decodeURIComponent
  const wanted = [options].flat().map(({ cookie, cookieOptions }) => ((cookie ?? cookieOptions ?? {}) as Values).signed === true)
  const got = cookiesOf(response).split('; ').map(pair => decode(pair.slice(pair.indexOf('=') + 1)).includes('.'))
  assert.deepEqual(got, wanted)
}
