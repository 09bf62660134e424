// Registrations, as somebody sends them who knows the source: JWTs, keys and challenges of every kind but the right one.
import assert from 'node:assert/strict'
import { constants, createHash, createHmac, createPublicKey, generateKeyPairSync, privateEncrypt, randomBytes, sign, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { deviceBinding } from '../../src/device/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { readyApp, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, challengeOf, infoOf, jwtOf, loggedIn, newPair, offerOf, only, part, PATH, refresh, register, registrationOf, SESSION, SESSION_ONLY, stolen, type Pair } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'

/** Milliseconds that an offer counts, and that a server's clock may be ahead. */
const OFFER_LIFE = 300_000
const AHEAD = 60_000

/** Order of the group of points of P-256, and the prime that coordinates are counted by. */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

/** Point with the smallest x, 0; and with the same x, written as the prime itself. */
const ZERO_Y = Buffer.from('66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4', 'hex')
const PRIME = Buffer.from('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff', 'hex')

type Forge = (challenge: string, pair: Pair) => string | undefined

/** A JWT of parts that are in base64url already, or in anything else. */
function ofParts (head: string, claims: string, key: KeyObject): string {
  const text = `${head}.${claims}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** A JWT with JSON that no JSON.stringify writes. */
function ofText (head: string, claims: string, key: KeyObject): string {
  return ofParts(Buffer.from(head).toString('base64url'), Buffer.from(claims).toString('base64url'), key)
}

const headOf = ({ jwk }: Pair, more: object = {}): object => ({ alg: 'ES256', jwk, typ: 'dbsc+jwt', ...more })

/** A right JWT with another signature. */
function signedAs (challenge: string, pair: Pair, change: (signature: Buffer, text: string) => Buffer | string): string {
  const [head = '', claims = '', tail = ''] = registrationOf(challenge, pair).split('.')
  const signature = change(Buffer.from(tail, 'base64url'), `${head}.${claims}`)
  return `${head}.${claims}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`
}

/** The same JSON with other members of the key. */
const withJwk = (change: (jwk: Record<string, unknown>) => unknown): Forge => (challenge, pair) => jwtOf(headOf(pair, { jwk: change(pair.jwk) }), { jti: challenge }, pair.privateKey)
const withHead = (more: object): Forge => (challenge, pair) => jwtOf(headOf(pair, more), { jti: challenge }, pair.privateKey)
const withClaims = (claims: (challenge: string) => unknown): Forge => (challenge, pair) => jwtOf(headOf(pair), claims(challenge), pair.privateKey)
const withSignature = (change: (signature: Buffer, text: string) => Buffer | string): Forge => (challenge, pair) => signedAs(challenge, pair, change)

const zero = Buffer.alloc(32)
const one = Buffer.concat([Buffer.alloc(31), Buffer.of(1)])
const text = (bytes: Buffer): string => bytes.toString('base64url')

/** Another spelling of the last character, of which the decoder drops some bits. */
function respelled (encoded: string): string {
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return encoded.slice(0, -1) + last[last.indexOf(encoded.at(-1)!) + 1]! // it is not the last: its spare bits are zero
}

function hmacOf (head: object, claims: object, secret: Buffer | string): string {
  const signed = `${part(head)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** Signature in DER, as most libraries make it. */
const inDer = (challenge: string, pair: Pair): string => signedAs(challenge, pair, (_, text) => sign('sha256', Buffer.from(text), pair.privateKey))

const FORGED: Record<string, Record<string, Forge>> = {
  'no JWT': {
    'is missing': () => undefined,
    'is empty': () => '',
    'is a pair of quotes': () => '""',
    'has two parts': (challenge, pair) => registrationOf(challenge, pair).split('.').slice(0, 2).join('.'),
    'has four': (challenge, pair) => `${registrationOf(challenge, pair)}.`,
    'is there twice': (challenge, pair) => `${registrationOf(challenge, pair)}, ${registrationOf(challenge, pair)}`,
    'has a quote on one side': (challenge, pair) => `"${registrationOf(challenge, pair)}`,
    'is quoted twice': (challenge, pair) => `""${registrationOf(challenge, pair)}""`,
    'has an escape': (challenge, pair) => `"${registrationOf(challenge, pair).replace('.', '\\.')}"`,
    'is longer than 4096': (challenge, pair) => jwtOf(headOf(pair), { jti: challenge, more: 'x'.repeat(3000) }, pair.privateKey)
  },
  'another spelling of its parts': {
    'the header is padded': (challenge, pair) => ofParts(`${part(headOf(pair, { kid: 'x' }))}=`, part({ jti: challenge }), pair.privateKey),
    'the claims have a line break': (challenge, pair) => ofParts(part(headOf(pair)), `${part({ jti: challenge })}\n`, pair.privateKey),
    'the claims are in the other alphabet': (challenge, pair) => ofParts(part(headOf(pair)), Buffer.from(JSON.stringify({ jti: challenge, m: '???>>>' })).toString('base64').replace(/=+$/, ''), pair.privateKey),
    'the signature is padded': withSignature(signature => signature.toString('base64')),
    'the signature has spare bits': withSignature(signature => respelled(text(signature)))
  },
  'JSON that says something else': {
    'the header is a list': (challenge, pair) => jwtOf([headOf(pair)], { jti: challenge }, pair.privateKey),
    'the header is null': (challenge, pair) => jwtOf(null, { jti: challenge }, pair.privateKey),
    'the header is cut short': (challenge, pair) => ofText(JSON.stringify(headOf(pair)).slice(0, -1), JSON.stringify({ jti: challenge }), pair.privateKey),
    'the header has a byte order mark': (challenge, pair) => ofText(`\ufeff${JSON.stringify(headOf(pair))}`, JSON.stringify({ jti: challenge }), pair.privateKey),
    'a second alg comes last': (challenge, pair) => ofText(`${JSON.stringify(headOf(pair)).slice(0, -1)},"alg":"none"}`, JSON.stringify({ jti: challenge }), pair.privateKey),
    'a second jti comes last': (challenge, pair) => ofText(JSON.stringify(headOf(pair)), `{"jti":"${challenge}","jti":"x"}`, pair.privateKey),
    'all of the header is in __proto__': (challenge, pair) => ofText(`{"__proto__":${JSON.stringify(headOf(pair))}}`, JSON.stringify({ jti: challenge }), pair.privateKey),
    'the key is in __proto__': (challenge, pair) => ofText(`{"alg":"ES256","typ":"dbsc+jwt","jwk":{"__proto__":${JSON.stringify(pair.jwk)}}}`, JSON.stringify({ jti: challenge }), pair.privateKey),
    'jti is in __proto__': (challenge, pair) => ofText(JSON.stringify(headOf(pair)), `{"__proto__":{"jti":"${challenge}"}}`, pair.privateKey),
    'jti is in a constructor': withClaims(challenge => ({ constructor: { prototype: { jti: challenge } } })),
    'jti is missing': withClaims(() => ({})),
    'jti is a list': withClaims(challenge => ({ jti: [challenge] })),
    'jti is an object': withClaims(challenge => ({ jti: { toString: challenge } })),
    'the claims are a list': withClaims(challenge => [{ jti: challenge }]),
    'the claims are text': withClaims(challenge => challenge),
    'jti has spaces around it': withClaims(challenge => ({ jti: ` ${challenge} ` })),
    'jti is quoted': withClaims(challenge => ({ jti: `"${challenge}"` })),
    'jti is spelled otherwise': withClaims(challenge => ({ jti: respelled(challenge) }))
  },
  'a typ or alg that is not asked for': {
    'no typ': withHead({ typ: undefined }),
    'typ JWT': withHead({ typ: 'JWT' }),
    'typ in capitals': withHead({ typ: 'DBSC+JWT' }),
    'typ with its tree': withHead({ typ: 'application/dbsc+jwt' }),
    'a list as typ': withHead({ typ: ['dbsc+jwt'] }),
    crit: withHead({ crit: ['exp'], exp: 1 }),
    'crit null': withHead({ crit: null }),
    'no alg': withHead({ alg: undefined }),
    'alg null': withHead({ alg: null }),
    'alg in small letters': withHead({ alg: 'es256' }),
    'a list as alg': withHead({ alg: ['ES256'] }),
    'an object as alg': withHead({ alg: { toString: 'ES256' } }),
    'alg __proto__': withHead({ alg: '__proto__' }),
    'alg toString': withHead({ alg: 'toString' }),
    ES384: withHead({ alg: 'ES384' }),
    'RS256 over a P-256 key': withHead({ alg: 'RS256' }),
    'alg none': withHead({ alg: 'none' }),
    'alg none without a signature': (challenge, pair) => `${part(headOf(pair, { alg: 'none' }))}.${part({ jti: challenge })}.`,
    'HS256 with the public key as its secret': (challenge, pair) => hmacOf(headOf(pair, { alg: 'HS256' }), { jti: challenge }, createPublicKey(pair.privateKey).export({ format: 'pem', type: 'spki' })),
    'HS256 with an empty secret': (challenge, pair) => hmacOf(headOf(pair, { alg: 'HS256' }), { jti: challenge }, ''),
    'ES256 over an HMAC': (challenge, pair) => hmacOf(headOf(pair), { jti: challenge }, JSON.stringify(pair.jwk)),
    'RS256, which is not allowed': (challenge) => rsaOf(challenge, rsaPair())
  },
  'a wrong signature': {
    'of another key': (challenge, pair) => jwtOf(headOf(pair), { jti: challenge }, newPair().privateKey),
    'with a bit turned': withSignature(signature => { signature[40]! ^= 1; return signature }),
    'with r and s exchanged': withSignature(signature => Buffer.concat([signature.subarray(32), signature.subarray(0, 32)])),
    'that is empty': withSignature(() => ''),
    'of zeros': withSignature(() => Buffer.alloc(64)),
    'with r of zero': withSignature(signature => Buffer.concat([zero, signature.subarray(32)])),
    'with s of zero': withSignature(signature => Buffer.concat([signature.subarray(0, 32), zero])),
    'with r and s of the order': withSignature(() => Buffer.concat([ORDER, ORDER])),
    'with r of the order and s of one': withSignature(() => Buffer.concat([ORDER, one])),
    'of ones': withSignature(() => Buffer.concat([one, one])),
    'of 63 bytes': withSignature(signature => signature.subarray(1)),
    'of 65 bytes': withSignature(signature => Buffer.concat([signature, Buffer.of(0)])),
    'in DER': inDer,
    'over other claims': (challenge, pair) => registrationOf(challenge, pair).replace(/\.[^.]+\./, `.${part({ jti: challenge, more: 1 })}.`)
  },
  'a key that is none': {
    'no jwk': withJwk(() => undefined),
    null: withJwk(() => null),
    text: withJwk(jwk => JSON.stringify(jwk)),
    'a list': withJwk(jwk => [jwk]),
    'a url in its place': withHead({ jwk: undefined, jku: 'https://localhost/jwks', kid: '1' }),
    'no kty': withJwk(jwk => ({ ...jwk, kty: undefined })),
    'another kty': withJwk(jwk => ({ ...jwk, kty: 'OKP' })),
    'a list as kty': withJwk(jwk => ({ ...jwk, kty: ['EC'] })),
    'a symmetric key': withJwk(() => ({ kty: 'oct', k: text(randomBytes(32)) })),
    'another name of the curve': withJwk(jwk => ({ ...jwk, crv: 'secp256r1' })),
    'no y': withJwk(jwk => ({ ...jwk, y: undefined })),
    'the private part': (challenge, pair) => jwtOf(headOf(pair, { jwk: pair.privateKey.export({ format: 'jwk' }) }), { jti: challenge }, pair.privateKey),
    'a private part of null': withJwk(jwk => ({ ...jwk, d: null })),
    'a point off the curve': withJwk(jwk => ({ ...jwk, y: jwk.x })),
    'the point at infinity': withJwk(jwk => ({ ...jwk, x: text(zero), y: text(zero) })),
    'a coordinate that is not reduced': withJwk(jwk => ({ ...jwk, x: text(PRIME), y: text(ZERO_Y) })),
    'a coordinate with a zero in front': withJwk(jwk => ({ ...jwk, x: text(Buffer.concat([Buffer.of(0), Buffer.from(String(jwk.x), 'base64url')])) })),
    'a coordinate that is padded': withJwk(jwk => ({ ...jwk, x: `${String(jwk.x)}=` })),
    'a coordinate with spare bits': withJwk(jwk => ({ ...jwk, x: respelled(String(jwk.x)) })),
    'a coordinate that is a list': withJwk(jwk => ({ ...jwk, x: [jwk.x] })),
    'a coordinate of 3000 characters': withJwk(jwk => ({ ...jwk, x: 'A'.repeat(3000) })),
    'a key on P-384': challenge => registrationOf(challenge, newPair('P-384')),
    'a key on secp256k1': challenge => registrationOf(challenge, newPair('secp256k1')),
    'a key on secp256k1 that says P-256': challenge => withJwk(jwk => ({ ...jwk, crv: 'P-256' }))(challenge, newPair('secp256k1'))
  }
}

interface RsaOptions { bits?: number, exponent?: number, change?: (jwk: Record<string, unknown>) => object }

function rsaPair ({ bits = 2048, exponent = 65537, change = jwk => jwk }: RsaOptions = {}): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent })
  return { privateKey, jwk: change(publicKey.export({ format: 'jwk' }) as Record<string, unknown>) as Record<string, unknown> }
}

function rsaOf (challenge: string, { privateKey, jwk }: Pair): string {
  const signed = `${part({ alg: 'RS256', jwk, typ: 'dbsc+jwt' })}.${part({ jti: challenge })}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

/** Bytes that an RSA signature over SHA-256 raises to the exponent: with an exponent of 1 they are the signature. */
function paddedHash (signed: string, length: number): Buffer {
  const hash = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), createHash('sha256').update(signed).digest()])
  return Buffer.concat([Buffer.of(0, 1), Buffer.alloc(length - hash.length - 3, 0xff), Buffer.of(0), hash])
}

/** A signature that anybody can make, for a key with an exponent of 1. */
function withExponentOne (challenge: string): string {
  const modulus = Buffer.concat([Buffer.of(0xff), randomBytes(254), Buffer.of(0xff)])
  const signed = `${part({ alg: 'RS256', jwk: { kty: 'RSA', n: text(modulus), e: 'AQ' }, typ: 'dbsc+jwt' })}.${part({ jti: challenge })}`
  return `${signed}.${text(paddedHash(signed, modulus.length))}`
}

function assertRefused (answer: LightMyRequestResponse, name: string): void {
  assert.deepEqual([answer.statusCode, answer.body, answer.headers['set-cookie']], [400, '', undefined], name)
}

async function assertStill (app: FastifyInstance, cookies: string, state: string): Promise<void> {
  const { device, status } = await infoOf(app, cookies)
  assert.deepEqual([device?.state, status], [state, 'valid'])
}

describe('a registration', () => {
  for (const [kind, cases] of Object.entries(FORGED)) {
    it(`16. is answered 400 without a cookie for ${kind}, and the session can be bound afterwards`, async () => {
      const app = await appWithDevices()
      const { device, response } = await loggedIn(app)
      const { challenge } = offerOf(response)
      for (const [name, forge] of Object.entries(cases)) assertRefused(await register(app, forge(challenge, newPair()), device.cookies), name)
      await assertStill(app, device.cookies, 'unbound')
      assert.equal((await device.register(app, response))?.statusCode, 200)
    })
  }

  it('16. takes the same JWT that the forged ones are made of, whatever other claims and members it has', async () => {
    const app = await appWithDevices()
    for (const more of [{}, { aud: `https://localhost${PATH}` }, { authorization: 'x', iat: 1 }, JSON.parse('{"__proto__":{"jti":"x"}}') as object]) {
      const { device, response } = await loggedIn(app)
      const pair = newPair()
      const jwt = jwtOf(headOf(pair, { kid: '1', jwk: { ...pair.jwk, use: 'sig', alg: 'none' } }), { jti: offerOf(response).challenge, ...more }, pair.privateKey)
      assert.equal((await register(app, jwt, device.cookies)).statusCode, 200)
    }
  })

  it('16. takes a JWT of 4096 characters and none that is longer', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const pair = newPair()
    const ofLength = (length: number): string => {
      for (let more = 2500; ; more++) {
        for (const kid of ['', 'x', 'xx']) {
          const jwt = jwtOf(headOf(pair, { kid }), { jti: offerOf(response).challenge, more: 'x'.repeat(more) }, pair.privateKey)
          if (jwt.length === length) return jwt
          assert.ok(jwt.length < length + 10)
        }
      }
    }
    assertRefused(await register(app, ofLength(4097), device.cookies), 'too long')
    assert.equal((await register(app, ofLength(4096), device.cookies)).statusCode, 200)
  })

  it('16. with RS256 allowed, takes only moduli of 2048 to 4096 bits and the exponent 65537, and a key of the kind that alg says', async () => {
    const app = await appWithDevices({ device: { algorithms: ['ES256', 'RS256'] } })
    const { device, response } = await loggedIn(app)
    const { challenge } = offerOf(response)
    const own = rsaPair()
    const { n, e } = own.jwk as { n: string, e: string }
    const rsaWith = (jwk: object): string => rsaOf(challenge, { ...own, jwk: jwk as Record<string, unknown> })
    const cases: Record<string, string> = {
      'an exponent of 1': withExponentOne(challenge),
      'an exponent of 3': rsaOf(challenge, rsaPair({ exponent: 3 })),
      '1024 bits': rsaOf(challenge, rsaPair({ bits: 1024 })),
      '2047 bits': rsaOf(challenge, rsaPair({ bits: 2040 })),
      'a modulus with a zero in front': rsaWith({ kty: 'RSA', e, n: text(Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')])) }),
      'an exponent with a zero in front': rsaWith({ kty: 'RSA', n, e: 'AAEAAQ' }),
      'a modulus that is padded': rsaWith({ kty: 'RSA', e, n: `${n}==` }),
      'a modulus that is a list': rsaWith({ kty: 'RSA', e, n: [n] }),
      'no modulus': rsaWith({ kty: 'RSA', e }),
      'an even modulus': rsaWith({ kty: 'RSA', e, n: text(Buffer.concat([Buffer.alloc(255, 0xff), Buffer.of(0xfe)])) }),
      'a private exponent': rsaWith(own.privateKey.export({ format: 'jwk' })),
      'a prime': rsaWith({ kty: 'RSA', n, e, p: 'AQAB' }),
      'other primes': rsaWith({ kty: 'RSA', n, e, oth: [] }),
      'an RSA key that says ES256': jwtOf(headOf({ ...own }), { jti: challenge }, newPair().privateKey),
      'a P-256 key that says RS256': withHead({ alg: 'RS256' })(challenge, newPair())!, // it makes one
      'the bare hash as its signature': `${rsaWith({ kty: 'RSA', n, e }).replace(/\.[^.]+$/, '')}.${text(privateEncrypt({ key: own.privateKey, padding: constants.RSA_PKCS1_PADDING }, createHash('sha256').update(rsaWith({ kty: 'RSA', n, e }).replace(/\.[^.]+$/, '')).digest()))}`
    }
    for (const [name, jwt] of Object.entries(cases)) assertRefused(await register(app, jwt, device.cookies), name)
    assert.equal((await register(app, rsaOf(challenge, own), device.cookies)).statusCode, 200)
  })

  it('16. is answered 400 for a key above 4096 bits, which would cost the server time', async () => {
    const app = await appWithDevices({ device: { algorithms: ['RS256'] } })
    const { device, response } = await loggedIn(app)
    assertRefused(await register(app, rsaOf(offerOf(response).challenge, rsaPair({ bits: 4104 })), device.cookies), '4104 bits')
  })
})

describe('the challenge of a registration', () => {
  it('17. is refused for another session, without one, and after regenerate() or the login of another user', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    clock.tick(1)
    const other = await loggedIn(app, createTestDevice(), 'bob')
    const jwt = registrationOf(offerOf(response).challenge)
    assertRefused(await register(app, jwt, other.device.cookies), 'of another session')
    assertRefused(await register(app, jwt), 'without a session')
    assertRefused(await register(app, jwt, 'session=x; session.device=x'), 'without a session that opens')
    for (const url of ['/again', '/login']) {
      clock.tick(1)
      await device.inject(app, { method: 'POST', url, payload: { user: 'bob' } })
      assertRefused(await register(app, jwt, device.cookies), url)
      await assertStill(app, device.cookies, 'unbound')
    }
  })

  it('17. is refused for another of two sessions that began in the same millisecond, where sessions have ids', async t => {
    stopClock(t)
    const app = await appWithDevices({ revocation: { store: new MemoryStore() } })
    const [{ response }, other] = [await loggedIn(app), await loggedIn(app, createTestDevice(), 'bob')]
    assertRefused(await register(app, registrationOf(offerOf(response).challenge), other.device.cookies), 'of another session')
    assert.equal((await other.device.register(app, other.response))?.statusCode, 200)
  })

  it('17. is refused if it is of another purpose: a challenge for refreshes, an identifier, a proof, a session', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const bound = await loggedIn(app)
    const answer = await bound.device.register(app, bound.response)
    assert.ok(answer !== null)
    const { challenge, id } = challengeOf(answer)
    const [proof = '', session = ''] = bound.device.cookies.split('; ').map(pair => pair.slice(pair.indexOf('=') + 1)).reverse()
    clock.tick(1)
    const { device } = await loggedIn(app)
    for (const cookies of [device.cookies, bound.device.cookies, '']) {
      for (const jti of [challenge, id, proof, session, '', 'x', '__proto__']) assertRefused(await register(app, registrationOf(jti), cookies), jti)
    }
  })

  it('17. is refused with another key, another context, and under another session name of the same app', async t => {
    const clock = stopClock(t)
    const key = newKey()
    const app = await appWithDevices({ session: { key } })
    const apps = [await appWithDevices(), await appWithDevices({ session: { key, context: 'other' } }), await appWithDevices({ session: { key, cookieName: 'sid' } })]
    for (const other of apps) {
      const { device } = await loggedIn(app)
      const { response } = await loggedIn(other) // in the same millisecond
      assertRefused(await register(app, registrationOf(offerOf(response).challenge), device.cookies), 'of another app')
      clock.tick(1)
    }
    const both = await appWithTwo()
    const response = await both.inject({ method: 'POST', url: '/login', payload: { user: 'ann' } })
    const cookies = setCookies(response).map(line => line.split(';')[0]).join('; ')
    const [own = '', admins = ''] = [...String(response.headers['secure-session-registration']).matchAll(/challenge="([^"]*)"/g)].map(([, challenge]) => challenge)
    assertRefused(await register(both, registrationOf(admins), cookies), 'of another name')
    assertRefused(await both.inject({ method: 'POST', url: `${PATH}/admin`, headers: { cookie: cookies, 'secure-session-response': registrationOf(own) } }), 'of another name')
    assert.equal((await register(both, registrationOf(own), cookies)).statusCode, 200)
    assert.equal((await both.inject({ method: 'POST', url: `${PATH}/admin`, headers: { cookie: cookies, 'secure-session-response': registrationOf(admins) } })).statusCode, 200)
  })

  it('17. counts for five minutes and not a millisecond more', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    clock.tick(OFFER_LIFE)
    assertRefused(await register(app, registrationOf(offerOf(response).challenge), device.cookies), 'too old')
    clock.setSystemTime(Date.now() - 1)
    assert.equal((await device.register(app, response))?.statusCode, 200)
  })

  it('17. is refused from more than a minute in the future, and taken from a server whose clock is a minute ahead', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { expiry: 86_400 } })
    const { device, response } = await loggedIn(app)
    const jwt = registrationOf(offerOf(response).challenge)
    clock.setSystemTime(Date.now() - AHEAD - 1)
    assertRefused(await register(app, jwt, device.cookies), 'from the future')
    clock.tick(1)
    const answer = await register(app, jwt, device.cookies)
    assert.equal(answer.statusCode, 200)
    // The proof of such a session counts as its cookie does.
    device.take(answer)
    await assertStill(app, device.cookies, 'bound')
  })

  it('17. binds its session also if another is planted beside that, bound or not, the newest or not', async t => {
    const clock = stopClock(t)
    for (const setup of [{}, { revocation: { store: new MemoryStore() } }]) {
      const app = await appWithDevices(setup)
      const before = await boundDevice(app, createTestDevice(), 'thief')
      for (const kind of ['before', 'after', 'unbound', 'dead'] as const) {
        clock.tick(2000)
        const { device, response } = await loggedIn(app)
        clock.tick(2000)
        const [after, { device: unbound }, { device: dead }] = [await boundDevice(app, createTestDevice(), 'thief'), await loggedIn(app, createTestDevice(), 'thief'), await loggedIn(app, createTestDevice(), 'thief')]
        await app.inject({ method: 'POST', url: '/logout', headers: { cookie: dead.cookies } })
        const planted = { before, after, unbound, dead }[kind]
        const answer = await register(app, registrationOf(offerOf(response).challenge), `${planted.cookies}; ${device.cookies}`)
        assert.equal(answer.statusCode, 200, kind)
        device.take(answer)
        const { device: bound } = await infoOf(app, device.cookies)
        assert.deepEqual([bound?.state, (await stolen(app, device.cookies)).body], ['bound', 'ann'])
      }
    }
  })

  it('17. that was made for a redirect from another site binds no session but its own', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    clock.tick(1)
    const other = await loggedIn(app, createTestDevice(), 'bob')
    const jwt = registrationOf(offerOf(response).challenge)
    assertRefused(await register(app, jwt, other.device.cookies), 'of another session')
    // Alone, it gets a proof: which opens nothing.
    const answer = await register(app, jwt)
    const proof = setCookies(answer).map(line => line.split(';')[0]).join('; ')
    assert.equal((await stolen(app, proof)).body, 'nobody')
    assert.equal((await infoOf(app, `${other.device.cookies}; ${proof}`)).device?.state, 'unbound')
  })
})

describe('a session that is bound', () => {
  it('18. is not bound a second time: by the same JWT, the same challenge with the key of a thief, or one of his own session', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const { challenge } = offerOf(response)
    const jwt = registrationOf(challenge)
    const answer = await register(app, jwt, device.cookies)
    assert.equal(answer.statusCode, 200)
    device.take(answer)
    clock.tick(1)
    const thief = await loggedIn(app, createTestDevice(), 'thief')
    const thiefs = registrationOf(offerOf(thief.response).challenge)
    for (const cookies of [device.cookies, only(device.cookies, ...SESSION_ONLY)]) {
      for (const repeated of [jwt, registrationOf(challenge), thiefs]) assertRefused(await register(app, repeated, cookies), 'bound already')
    }
    await assertStill(app, device.cookies, 'bound')
  })

  it('18. is bound anew by a challenge to renew, with which the identifier is sealed by the newest key', async () => {
    const [old, young] = [newKey(), newKey()]
    const app = await appWithDevices({ session: { key: old } })
    const rotated = await appWithDevices({ session: { key: [young, old] } })
    const device = await boundDevice(app)
    const before = device.cookies
    const answer = await device.refresh(rotated)
    assert.match(String(answer.headers['secure-session-registration']), /^\(ES256\);path="\/session-device";challenge="/)
    await assertStill(rotated, device.cookies, 'bound')
    assert.notEqual(only(device.cookies, ...SESSION_ONLY), only(before, ...SESSION_ONLY))
    const after = await appWithDevices({ session: { key: young } })
    assert.equal((await device.refresh(after)).headers['secure-session-registration'], undefined)
    await assertStill(after, device.cookies, 'bound')
  })

  it('18. is not renewed by the challenge of another session, nor by its own without its proof, without its cookie, or too late', async t => {
    const clock = stopClock(t)
    const [old, young] = [newKey(), newKey()]
    const app = await appWithDevices({ session: { key: old } })
    const rotated = await appWithDevices({ session: { key: [young, old] } })
    const [own, thiefs] = [await byHand(app), await byHand(app)]
    const [offer, foreign] = [await renewalOf(rotated, own), await renewalOf(rotated, thiefs)]
    assertRefused(await register(rotated, registrationOf(foreign, thiefs.pair), own.cookies), 'of the thief')
    assertRefused(await register(rotated, registrationOf(offer), only(own.cookies, ...SESSION_ONLY)), 'without the proof')
    assertRefused(await register(rotated, registrationOf(offer)), 'without the session')
    assertRefused(await register(rotated, registrationOf(offer), thiefs.cookies), 'of another session')
    const { device } = await loggedIn(rotated)
    assertRefused(await register(rotated, registrationOf(offer), device.cookies), 'of a session that is not bound')
    const { statusCode } = await refresh(rotated, own.id, jwtOf({ alg: 'ES256', typ: 'dbsc+jwt' }, { jti: offer }, own.pair.privateKey), own.cookies)
    assert.equal(statusCode, 403) // nor is a refresh proven by it
    clock.tick(OFFER_LIFE)
    assertRefused(await register(rotated, registrationOf(offer), own.cookies), 'too late')
    clock.setSystemTime(Date.now() - 1)
    // Another session may be planted beside its own, which is newer.
    const planted = (await loggedIn(rotated)).device.cookies
    const answer = await register(rotated, registrationOf(offer, own.pair), `${planted}; ${own.cookies}`)
    assert.equal(answer.statusCode, 200)
    // Once it is renewed, the challenge is for a binding that is no more.
    const renewed = setCookies(answer).map(line => line.split(';')[0]).join('; ')
    assertRefused(await register(rotated, registrationOf(offer, own.pair), renewed), 'a second time')
  })
})

interface ByHand { id: string, pair: Pair, challenge: string, cookies: string }

/** A session that is bound by requests whose parts a test can take. */
async function byHand (app: FastifyInstance): Promise<ByHand> {
  const { device, response } = await loggedIn(app)
  const pair = newPair()
  const answer = await register(app, registrationOf(offerOf(response).challenge, pair), device.cookies)
  device.take(answer)
  return { ...challengeOf(answer), pair, cookies: device.cookies }
}

/** Challenge to renew that a refresh hands out. */
async function renewalOf (app: FastifyInstance, { id, pair, challenge, cookies }: ByHand): Promise<string> {
  return offerOf(await refresh(app, id, jwtOf({ alg: 'ES256', typ: 'dbsc+jwt' }, { jti: challenge }, pair.privateKey), cookies)).challenge
}

/** An app with two sessions, both of which are bound. */
async function appWithTwo (): Promise<FastifyInstance> {
  const key = newKey()
  return await readyApp({
    session: [{ key, ...SESSION }, { key, ...SESSION, sessionName: 'admin' }],
    device: {},
    after: app => app.register(deviceBinding, { sessionName: 'admin' }),
    routes: {
      'POST /login': request => {
        for (const session of [request.session, (request as unknown as { admin: Bag }).admin]) Object.assign(session, request.body)
      }
    }
  })
}
