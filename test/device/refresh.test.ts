// Refreshes, as a thief sends them who has all cookies and a key of his own, and as a browser does whose binding has ended.
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, sign } from 'node:crypto'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Keyring } from '../../src/index.ts'
import { keyringInternals } from '../../src/keys/key-set.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { stopClock } from '../support/configurations.ts'
import { addShared, appWithDevices, boundDevice, challengeOf, infoOf, jwtOf, loggedIn, newPair, offerOf, only, part, PROOF_ONLY, refresh, register, registrationOf, SESSION_ONLY, SHARED, stolen, type Pair } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { folderOf, linesOfKeys, replaceFile } from '../support/keys.ts'

/** Milliseconds: how long a proof counts, and a challenge for refreshes. */
const INTERVAL = 600_000
const CHALLENGE_LIFE = 900_000
const AHEAD = 60_000

const HEAD = { alg: 'ES256', typ: 'dbsc+jwt' }

/** A binding, all parts of which a test has. */
interface Binding {
  id: string
  challenge: string
  pair: Pair
  cookies: string
  /** Challenge by which it began. */
  offer: string
}

async function bind (app: FastifyInstance, user = 'ann'): Promise<Binding> {
  const { device, response } = await loggedIn(app, createTestDevice(), user)
  const [pair, { challenge: offer }] = [newPair(), offerOf(response)]
  const answer = await register(app, registrationOf(offer, pair), device.cookies)
  assert.equal(answer.statusCode, 200)
  device.take(answer)
  return { ...challengeOf(answer), pair, offer, cookies: device.cookies }
}

const proofFor = ({ challenge, pair }: Pick<Binding, 'challenge' | 'pair'>, head: object = HEAD): string => jwtOf(head, { jti: challenge }, pair.privateKey)

/** Waits until a keyring has read the file that `leave` writes: keys that are gone from it still open for some looks. */
async function leaveFile (t: TestContext, keyring: Keyring, leave: () => void, clock: ReturnType<typeof FakeTimers.install>): Promise<void> {
  const reads: string[][] = []
  t.after(keyringInternals(keyring)!.changed(() => { reads.push(keyring.ids) })) // it is a keyring
  leave()
  for (let look = 0; reads.length === 0 && look < 500; look++) {
    clock.tick(1000)
    for (let turn = 0; turn < 100; turn++) await nextTurn()
  }
}

/** Asked for a proof: with a challenge that works, and nothing else. */
function assertAsked (answer: LightMyRequestResponse, id: string, name: string): string {
  assert.deepEqual([answer.statusCode, answer.body, answer.headers['set-cookie'], answer.headers['secure-session-registration']], [403, '', undefined, undefined], name)
  const asked = challengeOf(answer)
  assert.equal(asked.id, id)
  return asked.challenge
}

function assertEnded (answer: LightMyRequestResponse, id: string, name = id): void {
  assert.deepEqual([answer.statusCode, answer.headers['set-cookie'], answer.headers['secure-session-challenge']], [200, undefined, undefined], name)
  assert.deepEqual(answer.json(), { session_identifier: id, continue: false }, name)
}

function assertProven (answer: LightMyRequestResponse): string {
  assert.equal(answer.statusCode, 200)
  const [line = '', ...others] = setCookies(answer)
  assert.deepEqual(others, [])
  assert.match(line, /^session\.device=[\w-]+; /)
  return line
}

function hmacOf (secret: string | Buffer, challenge: string): string {
  const signed = `${part({ ...HEAD, alg: 'HS256' })}.${part({ jti: challenge })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** A right proof with another signature. */
function signedAs (binding: Binding, change: (signature: Buffer, text: string) => Buffer): string {
  const [head = '', claims = '', tail = ''] = proofFor(binding).split('.')
  return `${head}.${claims}.${change(Buffer.from(tail, 'base64url'), `${head}.${claims}`).toString('base64url')}`
}

const FORGED: Record<string, (binding: Binding) => string | undefined> = {
  'no proof': () => undefined,
  'an empty one': () => '',
  'text that is none': () => 'a.b.c',
  'one that is too long': binding => jwtOf(HEAD, { jti: binding.challenge, more: 'x'.repeat(4000) }, binding.pair.privateKey),
  'one that is there twice': binding => `${proofFor(binding)}, ${proofFor(binding)}`,
  'a key of the thief': ({ challenge }) => proofFor({ challenge, pair: newPair() }),
  'a key of the thief, with its jwk': ({ challenge }) => { const pair = newPair(); return proofFor({ challenge, pair }, { ...HEAD, jwk: pair.jwk }) },
  'the own key with its jwk': binding => proofFor(binding, { ...HEAD, jwk: binding.pair.jwk }),
  'the own key with a jwk of null': binding => proofFor(binding, { ...HEAD, jwk: null }),
  'the own key with crit': binding => proofFor(binding, { ...HEAD, crit: ['b64'], b64: false }),
  'another typ': binding => proofFor(binding, { ...HEAD, typ: 'JWT' }),
  'alg none': ({ challenge }) => `${part({ ...HEAD, alg: 'none' })}.${part({ jti: challenge })}.`,
  'alg none with a signature': binding => proofFor(binding, { ...HEAD, alg: 'none' }),
  'a list as alg': binding => proofFor(binding, { ...HEAD, alg: ['ES256'] }),
  'RS256 over the own key': binding => proofFor(binding, { ...HEAD, alg: 'RS256' }),
  'HS256 with the public key as its secret': ({ challenge, pair }) => hmacOf(createPublicKey(pair.privateKey).export({ format: 'pem', type: 'spki' }), challenge),
  'HS256 with the coordinates as its secret': ({ challenge, pair }) => hmacOf(Buffer.concat([pair.jwk.x, pair.jwk.y].map(value => Buffer.from(String(value), 'base64url'))), challenge),
  'a signature of zeros': binding => signedAs(binding, () => Buffer.alloc(64)),
  'a signature in DER': binding => signedAs(binding, (_, text) => sign('sha256', Buffer.from(text), binding.pair.privateKey)),
  'a signature with a bit turned': binding => signedAs(binding, signature => { signature[63]! ^= 1; return signature }),
  'the challenge that it was bound by': ({ offer, pair }) => proofFor({ challenge: offer, pair }),
  'the registration once more': ({ offer, pair }) => registrationOf(offer, pair),
  'the identifier as its challenge': ({ id, pair }) => proofFor({ challenge: id, pair }),
  'the proof cookie as its challenge': ({ cookies, pair }) => proofFor({ challenge: only(cookies, ...PROOF_ONLY).split('=')[1]!, pair }),
  'a challenge that is empty': ({ pair }) => proofFor({ challenge: '', pair })
}

describe('a refresh', () => {
  it('20. is answered 403 with a new challenge and no cookie for each proof but the right one, and the binding goes on', async () => {
    const app = await appWithDevices()
    const binding = await bind(app)
    for (const cookies of [binding.cookies, '']) {
      for (const [name, forge] of Object.entries(FORGED)) {
        const challenge = assertAsked(await refresh(app, binding.id, forge(binding), cookies), binding.id, name)
        assertProven(await refresh(app, binding.id, proofFor({ ...binding, challenge }), cookies))
      }
    }
    assert.equal((await infoOf(app, binding.cookies)).device?.state, 'bound')
  })

  it('20. is answered 403 for a challenge of another binding, app, context or cookie name', async () => {
    const key = newKey()
    const app = await appWithDevices({ session: { key } })
    const binding = await bind(app)
    for (const other of [app, await appWithDevices(), await appWithDevices({ session: { key, context: 'other' } }), await appWithDevices({ session: { key, cookieName: 'sid' } })]) {
      const { challenge } = await bindAny(other)
      assertAsked(await refresh(app, binding.id, proofFor({ challenge, pair: binding.pair }), binding.cookies), binding.id, 'foreign')
    }
    assertProven(await refresh(app, binding.id, proofFor(binding), binding.cookies))
  })

  it('20. takes a challenge for the interval and five minutes, as often as it is sent, and not a millisecond longer', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const binding = await bind(app)
    const proof = proofFor(binding)
    for (let round = 0; round < 3; round++) assertProven(await refresh(app, binding.id, proof, binding.cookies))
    clock.tick(CHALLENGE_LIFE - 1)
    assertProven(await refresh(app, binding.id, proof, binding.cookies))
    clock.tick(1)
    assertAsked(await refresh(app, binding.id, proof, binding.cookies), binding.id, 'too old')
  })

  it('20. is answered 403 for a challenge from more than a minute in the future, as after a clock was set back', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const binding = await bind(app)
    clock.tick(AHEAD + 1)
    const challenge = assertAsked(await refresh(app, binding.id), binding.id, 'none')
    clock.setSystemTime(Date.now() - AHEAD - 1)
    assertAsked(await refresh(app, binding.id, proofFor({ ...binding, challenge })), binding.id, 'from the future')
    clock.tick(1)
    assertProven(await refresh(app, binding.id, proofFor({ ...binding, challenge }), binding.cookies))
  })

  it('20. never binds: a thief with all cookies, the identifier and a key of his own gets 400 and 403, and the browser goes on', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const binding = await bind(app)
    const thief = newPair()
    const challenge = assertAsked(await refresh(app, binding.id, undefined, binding.cookies), binding.id, 'asked')
    for (const jti of [challenge, binding.challenge, binding.offer]) {
      assert.equal((await register(app, registrationOf(jti, thief), binding.cookies)).statusCode, 400)
      assertAsked(await refresh(app, binding.id, proofFor({ challenge: jti, pair: thief }), binding.cookies), binding.id, 'of the thief')
    }
    clock.tick(INTERVAL + 5000)
    assert.equal((await stolen(app, binding.cookies)).body, 'nobody')
    const [proof = ''] = assertProven(await refresh(app, binding.id, proofFor({ ...binding, challenge }))).split(';')
    assert.equal((await stolen(app, `${only(binding.cookies, ...SESSION_ONLY)}; ${proof}`)).body, 'ann')
  })
})

/** As `bind`, whatever the cookie is called. */
async function bindAny (app: FastifyInstance): Promise<{ challenge: string }> {
  const { device, response } = await loggedIn(app)
  return challengeOf((await device.register(app, response))!)
}

describe('a binding', () => {
  it('21. is ended with the identifier that was sent, if that does not open', async () => {
    const key = newKey()
    const app = await appWithDevices({ session: { key } })
    const binding = await bind(app)
    const { id, challenge, cookies } = binding
    const [session = '', proof = ''] = cookies.split('; ').map(pair => pair.slice(pair.indexOf('=') + 1))
    const foreign = await Promise.all([appWithDevices(), appWithDevices({ session: { key, context: 'other' } })].map(async other => (await bind(await other)).id))
    const wrong = ['', 'x', '__proto__', 'a"b\\c', 'ÿþ', `${id}, ${id}`, `${id};x=1`, `${id}=`, id.slice(1), `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`, challenge, proof, session, ...foreign]
    for (const text of wrong) {
      assertEnded(await refresh(app, text, proofFor(binding), cookies), text)
      assertEnded(await refresh(app, `"${text}"`, proofFor(binding)), text)
    }
    assertProven(await refresh(app, id, proofFor(binding), cookies))
  })

  it('21. is ended with an identifier of 2048 characters, and answered 400 for a longer one', async () => {
    const app = await appWithDevices()
    assertEnded(await refresh(app, 'x'.repeat(2048)), 'x'.repeat(2048))
    const answer = await refresh(app, 'x'.repeat(2049))
    assert.deepEqual([answer.statusCode, answer.body, answer.headers['set-cookie']], [400, '', undefined])
  })

  it("21. is ended by a refresh beside another's session, bound or not, with a proof or without, and its browser forgets it", async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const binding = await bind(app)
    clock.tick(1)
    const [other, { device: unbound }] = [await bind(app, 'bob'), await loggedIn(app, createTestDevice(), 'bob')]
    for (const cookies of [other.cookies, only(other.cookies, ...SESSION_ONLY), unbound.cookies, `${unbound.cookies}; ${only(binding.cookies, ...PROOF_ONLY)}`]) {
      for (const proof of [undefined, proofFor(binding), 'x']) assertEnded(await refresh(app, binding.id, proof, cookies), binding.id)
    }
    device.take(await app.inject({ method: 'POST', url: '/login', payload: { user: 'bob' } }))
    await device.refresh(app)
    assert.equal(device.isBound, false)
  })

  it('21. is not ended by a session that somebody has planted beside its own, bound or not, the newest or not', async t => {
    const clock = stopClock(t)
    for (const setup of [{}, { revocation: { store: new MemoryStore() } }]) {
      const app = await appWithDevices(setup)
      const before = await bind(app, 'thief')
      clock.tick(2000)
      const binding = await bind(app)
      clock.tick(2000)
      const [after, { device: unbound }] = [await bind(app, 'thief'), await loggedIn(app, createTestDevice(), 'thief')]
      for (const planted of [before.cookies, after.cookies, unbound.cookies].map(cookies => only(cookies, ...SESSION_ONLY))) {
        for (const cookies of [`${planted}; ${binding.cookies}`, `${binding.cookies}; ${planted}`]) {
          const line = assertProven(await refresh(app, binding.id, proofFor(binding), cookies))
          assert.equal((await stolen(app, `${only(binding.cookies, ...SESSION_ONLY)}; ${line.split(';')[0]!}`)).body, 'ann')
        }
      }
    }
  })

  it('21. is ended after regenerate() and after a login of another user, and a proof from before opens neither', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    for (const url of ['/again', '/login']) {
      const device = await boundDevice(app)
      const proof = only(device.cookies, ...PROOF_ONLY)
      clock.tick(1)
      await device.inject(app, { method: 'POST', url, payload: { user: 'bob' } })
      const { device: info } = await infoOf(app, `${only(device.cookies, ...SESSION_ONLY)}; ${proof}`)
      assert.equal(info?.state, 'unbound')
      await device.refresh(app)
      assert.equal(device.isBound, false)
    }
  })

  it('21. proves nothing after delete(): neither its proofs nor a refresh without a cookie open another session', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const binding = await bind(app)
    await app.inject({ method: 'POST', url: '/logout', headers: { cookie: binding.cookies } })
    clock.tick(1)
    const next = await bind(app, 'bob')
    const [late = ''] = assertProven(await refresh(app, binding.id, proofFor(binding))).split(';')
    for (const proof of [only(binding.cookies, ...PROOF_ONLY), late]) {
      const answer = await stolen(app, `${only(next.cookies, ...SESSION_ONLY)}; ${proof}`)
      assert.equal(answer.body, 'nobody')
      assert.match(setCookies(answer).join('\n'), /^session\.device=; .*Max-Age=0/)
    }
  })

  it('21. is ended once the absolute timeout of its session is over, with or without a cookie', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { absoluteTimeout: 3600 } })
    const binding = await bind(app)
    clock.tick(3_600_000 - 1)
    const challenge = assertAsked(await refresh(app, binding.id), binding.id, 'asked')
    clock.tick(1)
    for (const cookies of ['', binding.cookies]) assertEnded(await refresh(app, binding.id, proofFor({ ...binding, challenge }), cookies), binding.id)
  })

  it('23. has each wrong proof deleted, and none that is right: those of other sessions, kinds and times beside it', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const binding = await bind(app)
    clock.tick(1)
    const other = await bind(app, 'bob')
    const session = only(binding.cookies, ...SESSION_ONLY)
    const own = only(binding.cookies, ...PROOF_ONLY)
    const wrong = [only(other.cookies, ...PROOF_ONLY), ...['', 'x', '"', '%', '%zz', binding.id, binding.challenge, session.split('=')[1]!, `${own.split('=')[1]!}=`, '2~x', '__proto__'].map(value => `session.device=${value}`)]
    for (const proof of wrong) {
      const answer = await stolen(app, `${session}; ${proof}`)
      assert.equal(answer.body, 'nobody', proof)
      assert.match(setCookies(answer).join('\n'), /^session\.device=; [^\n]*Max-Age=0[^\n]*$/, proof)
      const beside = await stolen(app, `${proof}; ${session}; ${own}`)
      assert.deepEqual([beside.body, setCookies(beside)], ['ann', []], proof)
    }
    assert.deepEqual(setCookies(await stolen(app, `${session}; session.devices=x; xsession.device=x; session.device.1=x`)), [])
    clock.tick(INTERVAL + 5000)
    assert.match(setCookies(await stolen(app, binding.cookies)).join('\n'), /^session\.device=; /)
  })

  for (const [how, routes] of Object.entries(SHARED)) {
    it(`23. has no wrong proof deleted by a response that caches share, if Cache-Control is set ${how}`, async () => {
      const app = await appWithDevices({ after: addShared, routes })
      const binding = await bind(app)
      const answer = await stolen(app, `${only(binding.cookies, ...SESSION_ONLY)}; session.device=x`, '/shared')
      assert.deepEqual([answer.body, answer.headers['cache-control'], setCookies(answer)], ['nobody', 'public, max-age=60', []])
    })
  }

  it('23. has no wrong proof deleted by a response that does not use the session', async () => {
    const app = await appWithDevices()
    const binding = await bind(app)
    assert.deepEqual(setCookies(await stolen(app, `${only(binding.cookies, ...SESSION_ONLY)}; session.device=x`, '/public')), [])
  })

  it('23. has a wrong proof deleted by a response that caches do not keep', async () => {
    const app = await appWithDevices()
    const binding = await bind(app)
    const answer = await stolen(app, `${only(binding.cookies, ...SESSION_ONLY)}; session.device=x`)
    assert.deepEqual([setCookies(answer).length, answer.headers['cache-control']], [1, 'no-store'])
  })
})

describe('two sessions that began in the same millisecond, where sessions have ids', () => {
  it('22. are not bound by the proof of each other: a copy from before the binding stays dead beside the proof of a thief', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ revocation: { store: new MemoryStore(), cacheTtl: 0 } })
    const [ann, thief] = [await loggedIn(app), await loggedIn(app, createTestDevice(), 'thief')]
    const copy = ann.device.cookies
    await thief.device.register(app, thief.response)
    const beside = `${copy}; ${only(thief.device.cookies, ...PROOF_ONLY)}`
    assert.equal((await infoOf(app, beside)).device?.state, 'unbound')
    await ann.device.register(app, ann.response)
    clock.tick(60_000)
    assert.equal((await stolen(app, copy)).body, 'nobody')
    assert.equal((await stolen(app, beside)).body, 'nobody')
    assert.equal((await ann.device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('21. each have a binding of their own: a refresh beside the other one ends it', async t => {
    stopClock(t)
    const app = await appWithDevices({ revocation: { store: new MemoryStore() } })
    const [binding, { device }] = [await bind(app), await loggedIn(app, createTestDevice(), 'bob')]
    assertEnded(await refresh(app, binding.id, proofFor(binding), device.cookies), binding.id)
  })
})

describe('the life of a session', () => {
  it('28. is not extended by refreshes, which do not write it, and its proof ends no later than itself', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { expiry: 1000 } })
    const binding = await bind(app)
    const before = await infoOf(app, binding.cookies)
    let cookies = binding.cookies
    for (const [seconds, left] of [[0, 600], [390, 600], [200, 410], [409, 1]] as const) {
      clock.tick(seconds * 1000)
      const challenge = assertAsked(await refresh(app, binding.id, undefined, cookies), binding.id, 'asked')
      const line = assertProven(await refresh(app, binding.id, proofFor({ ...binding, challenge }), cookies))
      assert.match(line, new RegExp(`; Max-Age=${left};`))
      cookies = `${only(binding.cookies, ...SESSION_ONLY)}; ${line.split(';')[0]!}`
      const { lastWriteAt, expiresAt, device } = await infoOf(app, cookies)
      assert.deepEqual([lastWriteAt, expiresAt, device?.state], [before.lastWriteAt, before.expiresAt, 'bound'])
    }
    clock.tick(1000)
    assert.equal((await infoOf(app, cookies)).reason, 'expired')
  })

  it('28. is not extended by a rolling session: neither by refreshes, nor by those without its cookie', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { expiry: 1000, rolling: true, absoluteTimeout: 1500 } })
    const binding = await bind(app)
    clock.tick(890_000)
    for (const cookies of [binding.cookies, '']) assertProven(await refresh(app, binding.id, proofFor(binding), cookies))
    clock.tick(110_000)
    const challenge = assertAsked(await refresh(app, binding.id, undefined, binding.cookies), binding.id, 'asked')
    const line = assertProven(await refresh(app, binding.id, proofFor({ ...binding, challenge })))
    assert.match(line, /; Max-Age=500;/) // what is left of the absolute timeout
    assert.equal((await infoOf(app, `${only(binding.cookies, ...SESSION_ONLY)}; ${line.split(';')[0]!}`)).reason, 'expired')
  })

  it('28. keeps the time at which it was bound, whatever is refreshed', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const { boundAt, provenAt } = (await infoOf(app, device.cookies)).device!
    clock.tick(500_000)
    await device.refresh(app)
    const after = (await infoOf(app, device.cookies)).device!
    assert.equal(String(after.boundAt), String(boundAt))
    assert.equal(Date.parse(String(after.provenAt)) - Date.parse(String(provenAt)), 500_000)
  })
})

describe('a proof that somebody has recorded', () => {
  const TIMES: Record<string, () => Promise<{ before: FastifyInstance, after: FastifyInstance, cookies: (binding: Binding) => Promise<string> }>> = {
    async 'a rotation of the sealing keys' () {
      const [old, young] = [newKey(), newKey()]
      return { before: await appWithDevices({ session: { key: old } }), after: await appWithDevices({ session: { key: [young, old] } }), cookies: async ({ cookies }) => cookies }
    },
    async 'a session that has gone on, and ends later than the identifier' () {
      const app = await appWithDevices({ session: { absoluteTimeout: 3600 } })
      const goOn = async ({ cookies }: Binding): Promise<string> => `${(await app.inject({ method: 'POST', url: '/keep', headers: { cookie: cookies } })).headers['set-cookie'] as string}`.split(';')[0]!
      return { before: app, after: app, cookies: goOn }
    }
  }
  for (const [what, begin] of Object.entries(TIMES)) {
    it(`29. is not answered by the offer of a renewal after ${what}, once a minute is over: a thief with both cookies binds no key`, async t => {
      const clock = stopClock(t)
      const { before, after, cookies } = await begin()
      const binding = await bind(before)
      clock.tick(60_000)
      const jar = `${await cookies(binding)}; ${only(binding.cookies, ...PROOF_ONLY)}`
      const challenge = assertAsked(await refresh(after, binding.id, proofFor(binding), jar), binding.id, 'one with an older challenge')
      clock.tick(59_999)
      const answer = await refresh(after, binding.id, proofFor({ ...binding, challenge }), jar)
      assert.match(offerOf(answer).challenge, /^[\w-]+$/, 'the browser signs the one that it was given')
      clock.tick(1)
      assertAsked(await refresh(after, binding.id, proofFor({ ...binding, challenge }), jar), binding.id, 'the same a moment later')
      assertProven(await refresh(after, binding.id, proofFor(binding)))
    })
  }

  it('20. counts as before while there is nothing to renew', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { absoluteTimeout: 3600 } })
    const binding = await bind(app)
    clock.tick(CHALLENGE_LIFE - 1)
    assertProven(await refresh(app, binding.id, proofFor(binding), binding.cookies))
  })
})

describe('a key that was retired', () => {
  it('30. has the sessions refused that were not renewed, and their bindings ended, with and without a cookie', async () => {
    const [old, young] = [newKey(), newKey()]
    const app = await appWithDevices({ session: { key: old } })
    const after = await appWithDevices({ session: { key: young } })
    const [binding, device] = [await bind(app), await boundDevice(app)]
    for (const cookies of [binding.cookies, '']) assertEnded(await refresh(after, binding.id, proofFor(binding), cookies), binding.id)
    assert.deepEqual([(await infoOf(after, binding.cookies)).reason, (await stolen(after, binding.cookies)).body], ['key-unknown', 'nobody'])
    await device.refresh(after)
    assert.equal(device.isBound, false)
    const again = await loggedIn(after, device)
    assert.equal((await device.register(after, again.response))?.statusCode, 200)
  })

  it('30. has a binding ended whose session was sealed anew, but not its identifier', async () => {
    const [old, young] = [newKey(), newKey()]
    const app = await appWithDevices({ session: { key: old } })
    const rotated = await appWithDevices({ session: { key: [young, old] } })
    const after = await appWithDevices({ session: { key: young } })
    const binding = await bind(app)
    const resealed = await rotated.inject({ url: '/me', headers: { cookie: binding.cookies } })
    const [session = ''] = setCookies(resealed).map(line => line.split(';')[0]!)
    assertEnded(await refresh(after, binding.id, proofFor(binding), session), binding.id)
    assert.equal((await infoOf(after, session)).reason, 'device-unproven')
  })

  it('30. gets no identifier of a key that stays by a challenge of one that has left the file: it may be forged, for any session', async t => {
    const [leaked, young] = [newKey(), newKey()]
    const clock = FakeTimers.install({ now: Date.now(), toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    t.after(() => clock.uninstall())
    const { headers } = (await (await appWithDevices({ session: { key: leaked } })).inject({ method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } }))
    const { challenge } = offerOf({ headers } as never)
    const path = join(folderOf(t), 'keys')
    replaceFile(path, linesOfKeys(young, leaked))
    const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: 1 })
    t.after(() => { keyring.close() })
    const app = await appWithDevices({ session: { key: keyring } })
    assert.equal((await register(app, registrationOf(challenge))).statusCode, 200, 'listed')
    await leaveFile(t, keyring, () => { replaceFile(path, linesOfKeys(young)) }, clock)
    const answer = await register(app, registrationOf(challenge))
    assert.deepEqual([answer.statusCode, setCookies(answer)], [400, []])
  })

  it('30. has a binding ended as soon as the key leaves the file, although the session still opens for a while: its identifier may be forged', async t => {
    const [leaked, young] = [newKey(), newKey()]
    const binding = await bind(await appWithDevices({ session: { key: leaked } }))
    const clock = FakeTimers.install({ now: Date.now(), toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    t.after(() => clock.uninstall())
    const path = join(folderOf(t), 'keys')
    replaceFile(path, linesOfKeys(young, leaked))
    const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: 1 })
    t.after(() => { keyring.close() })
    const app = await appWithDevices({ session: { key: keyring } })
    assertAsked(await refresh(app, binding.id, undefined, binding.cookies), binding.id, 'listed')
    await leaveFile(t, keyring, () => { replaceFile(path, linesOfKeys(young)) }, clock)
    assert.equal((await stolen(app, binding.cookies)).body, 'ann')
    for (const cookies of [binding.cookies, '']) assertEnded(await refresh(app, binding.id, proofFor(binding), cookies), binding.id)
  })
})
