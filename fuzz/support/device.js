// A session that is bound to a device, its proofs and challenges, and the endpoint that makes them: the same in every
// run. The key of the device is no secret, as those of sealing.js are none.
import { Buffer } from 'node:buffer'
import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import Fastify from 'fastify'
import secureSession from '../build/index.js'
import { withOrder } from '../build/device/identifier-order.js'
import { deviceBinding } from '../build/device/index.js'
import { kEndpoint } from '../build/fastify/registered-session.js'
import { BINDING } from '../build/token/claims.js'
import { Codec } from '../build/token/codec.js'
import { KeySet } from '../build/keys/key-set.js'
import { CONTEXT, envelopeOf, EXPIRY, KEYS, LAST_WRITE } from './sealing.js'

/** The time, in milliseconds since 1970. */
export const NOW = LAST_WRITE * 1000

/** Beginnings of the session, and of another one. */
export const [CREATED, OTHERS] = [NOW - 100_000, NOW - 50_000]

/** Bindings of the two. */
export const [BOUND, OTHER_BOUND] = [Buffer.alloc(16, 0xb1), Buffer.alloc(16, 0xb2)]

Date.now = () => NOW

/** Bytes of big-endian numbers, given as pairs of a number and its length. */
export function bytesOf (...fields) {
  return Buffer.concat(fields.map(field => {
    if (!Array.isArray(field)) return field
    const bytes = Buffer.alloc(field[1])
    bytes.writeUIntBE(field[0], 0, field[1])
    return bytes
  }))
}

export const proofOf = (plaintext, n = 0) => envelopeOf(0x81, `${CONTEXT}#proof`, plaintext, n)
export const identifierOf = (plaintext, n = 0) => withOrder(envelopeOf(0x82, `${CONTEXT}#device`, plaintext, n), timesIn(plaintext))

/** Times of an identifier, for its order; that of one that is too short to have any is wrong, and it does not open anyway. */
function timesIn (plaintext) {
  if (plaintext.length < 26) return { created: 0, boundAt: 0 }
  const created = plaintext.readUIntBE(16, 6)
  return { created, boundAt: created + plaintext.readUInt32BE(22) * 1000 }
}

export const challengeOf = (plaintext, n = 0) => envelopeOf(0x83, `${CONTEXT}#challenge`, plaintext, n)

export const proofPlaintext = (binding, created) => bytesOf(binding, [created, 6], [10, 4], [60, 4], [600, 4])

/** Purposes of challenges, by their number. */
export const [REGISTER, ANYWHERE, REFRESH, RENEW] = [0, 1, 2, 3]

export const challengePlaintext = (purpose, of, time = NOW - 1000) => bytesOf([purpose, 1], [time, 6], of)

// The device

const ecdh = createECDH('prime256v1')
ecdh.setPrivateKey(Buffer.from('a device for fuzzing, no secret!'))
const point = ecdh.getPublicKey().subarray(1)
const text = bytes => bytes.toString('base64url')

/** Both coordinates. */
export const POINT = point

export const JWK = { kty: 'EC', crv: 'P-256', x: text(point.subarray(0, 32)), y: text(point.subarray(32)) }

const privateKey = createPrivateKey({ key: { ...JWK, d: text(ecdh.getPrivateKey()) }, format: 'jwk' })

/** A key of somebody else. */
const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

export const part = value => text(Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)))

/**
 * A JWT that the device has signed, or a thief; one that is no JSON has a signature of another, which saves time.
 * @param head, claims what is inside, or any bytes in its place.
 */
export function jwtOf (head, claims, isThiefs = false) {
  const signed = `${part(head)}.${part(claims)}`
  return `${signed}.${isJson(head) && isJson(claims) ? signatureOf(signed, isThiefs) : 'A'.repeat(86)}`
}

function signatureOf (signed, isThiefs) {
  return text(sign('sha256', Buffer.from(signed), { key: isThiefs ? thief : privateKey, dsaEncoding: 'ieee-p1363' }))
}

function isJson (value) {
  if (!Buffer.isBuffer(value)) return true
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

export const REGISTRATION_HEAD = { alg: 'ES256', jwk: JWK, typ: 'dbsc+jwt' }
export const REFRESH_HEAD = { alg: 'ES256', typ: 'dbsc+jwt' }

/** Header and claims of a JWT, read without the code that is fuzzed; null for none that a key has signed. */
export function verified (jwt, keyIn) {
  const [head, claims, tail] = jwt.split('.')
  try {
    const [header, { jti }] = [head, claims].map(part => JSON.parse(Buffer.from(part, 'base64url').toString()))
    const jwk = keyIn(header)
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const isSigned = verify('sha256', Buffer.from(`${head}.${claims}`), jwk.kty === 'EC' ? { key, dsaEncoding: 'ieee-p1363' } : key, Buffer.from(tail, 'base64url'))
    return isSigned && !('crit' in header) && header.typ === 'dbsc+jwt' && header.alg === (jwk.kty === 'EC' ? 'ES256' : 'RS256') ? { header, jti } : null
  } catch {
    return null
  }
}

/** `text` without the quotes around it. */
export const bare = text => /^"(.*)"$/s.exec(text)?.[1] ?? text

// The app

const codec = new Codec({ keyring: { current: KeySet.of([KEYS[0]]) }, expiry: EXPIRY, format: 'sealed', accept: ['sealed'], context: CONTEXT }, nonce => nonce.fill(9))
codec.openBound()

function cookieWith (user, createdAt, binding) {
  const claims = binding === null ? {} : { claims: new Map([[BINDING, binding]]) }
  return `${CONTEXT}=${codec.seal({ data: { user }, writtenAt: NOW - 50_000, createdAt, lifetime: null, cookieMaxAge: null, id: null, ...claims })}`
}

/** Cookies of the session: bound, and as it was before; and those of another one. */
export const COOKIES = {
  bound: cookieWith('ann', CREATED, BOUND),
  unbound: cookieWith('ann', CREATED, null),
  others: cookieWith('bob', OTHERS, OTHER_BOUND),
  othersUnbound: cookieWith('bob', OTHERS, null)
}

export const PROOF = `${CONTEXT}.device=${proofOf(proofPlaintext(BOUND, CREATED))}`

/** The app, which has no network. */
export const app = Fastify()

let endpoint
app.addHook('onRoute', ({ config }) => {
  endpoint ??= config?.[kEndpoint]
})
app.register(secureSession, { key: KEYS[0], format: 'sealed', expiry: EXPIRY, context: CONTEXT, cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } })
app.register(deviceBinding, { algorithms: ['ES256', 'RS256'] })
app.get('/', async ({ session }) => { session.set('user', 'ann') })
await app.inject('/') // a cookie asks the app once for its defaults

const nothing = () => {}

/** Nothing of a client's may be an error of ours. */
const log = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error ({ err }) { throw err } }

/** Answer of the endpoint to these headers, without the time that an injected request takes. */
export async function askEndpoint (headers) {
  const request = { headers, log, protocol: 'https', raw: {}, routeOptions: { config: {} } }
  const set = new Map()
  const reply = {
    request,
    raw: { headersSent: false, writeHead: nothing },
    getHeader: name => set.get(name),
    hasHeader: name => set.has(name),
    removeHeader: name => { set.delete(name) },
    header: (name, value) => { set.set(name, value) }
  }
  return await endpoint.answer(request, reply)
}
