// Any header Secure-Session-Response of a registration: text, and JWTs that the device has signed with any header,
// claims, key or challenge inside, for the session as it is, bound already, of somebody else, and without its cookie.
//
// Holds: the answer is 400, the same one each time, or 200. It is 200 only for a JWT that its own key has signed and a
// challenge for this session, as checked once more without the code of the package, and never for a session that is
// bound and was not asked to renew. The cookies of a 200 open to the session.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { sessionInfo } from './build/index.js'
import { ANYWHERE, app, askEndpoint, bare, BOUND, challengeOf, challengePlaintext, COOKIES, CREATED, bytesOf, JWK, jwtOf, NOW, OTHERS, part, POINT, PROOF, REFRESH, REGISTER, REGISTRATION_HEAD, RENEW, verified } from './support/device.js'
import { editedBy, headerOf, joined, split } from './support/edits.js'

const SESSION = bytesOf([CREATED, 6])

/** Plaintexts of challenges: four that are right for one of the cookies below, and those that are not. */
const CHALLENGES = [
  challengePlaintext(REGISTER, SESSION),
  challengePlaintext(ANYWHERE, SESSION),
  challengePlaintext(RENEW, BOUND),
  challengePlaintext(REFRESH, BOUND),
  challengePlaintext(REGISTER, SESSION, NOW - 300_000),
  challengePlaintext(REGISTER, SESSION, NOW + 61_000),
  challengePlaintext(REGISTER, bytesOf([OTHERS, 6])),
  challengePlaintext(RENEW, SESSION)
]

const SEALED = new Map(CHALLENGES.map((plaintext, n) => [challengeOf(plaintext, n), plaintext]))
const TEXTS = [...SEALED.keys()]

/** Cookies that come along: the purposes that are right with them, when their session began, and whose it is. */
const BROUGHT = [
  { cookie: COOKIES.unbound, purposes: [REGISTER, ANYWHERE], created: CREATED, user: 'ann' },
  { cookie: undefined, purposes: [ANYWHERE] },
  { cookie: `${COOKIES.bound}; ${PROOF}`, purposes: [RENEW], user: 'ann' },
  { cookie: COOKIES.bound, purposes: [] },
  { cookie: COOKIES.othersUnbound, purposes: [REGISTER, ANYWHERE], created: OTHERS, user: 'bob' }
]

/** Members of a JWK that are replaced. */
const MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'alg', '__proto__', 'k']

/** Ways to make a header of the rest of an input. */
const MODES = [
  rest => headerOf(rest),
  (rest, jti) => editedBy(rest, jwtOf(REGISTRATION_HEAD, { jti })),
  (rest, jti) => jwtOf(rest, { jti }),
  rest => jwtOf(REGISTRATION_HEAD, rest),
  rest => jwtOf(REGISTRATION_HEAD, { jti: challengeFrom(rest) }),
  (rest, jti) => jwtOf({ ...REGISTRATION_HEAD, jwk: { ...JWK, [MEMBERS[(rest[0] ?? 0) % MEMBERS.length]]: rest.toString('utf8', 1) } }, { jti }),
  (rest, jti) => `${part(REGISTRATION_HEAD)}.${part({ jti })}.${part(rest)}`,
  (rest, jti) => jwtOf({ ...REGISTRATION_HEAD, jwk: { ...JWK, x: part(overlaid(POINT.subarray(0, 32), rest)), y: part(overlaid(POINT.subarray(32), rest.subarray(32))) } }, { jti }),
  (rest, jti) => `${part({ alg: 'RS256', typ: 'dbsc+jwt', jwk: { kty: 'RSA', n: part(overlaid(Buffer.alloc(256, 0xff), rest)), e: 'AQAB' } })}.${part({ jti })}.${part(overlaid(Buffer.alloc(256, 0x7f), rest.subarray(8)))}`,
  (rest, jti) => `"${editedBy(rest, jwtOf(REGISTRATION_HEAD, { jti }))}"`
]

/** Bytes with those of another text in front. */
function overlaid (bytes, rest) {
  const copy = Buffer.from(bytes)
  rest.copy(copy)
  return copy
}

/** Challenges with any content that were sealed on the way; few of them count. */
function challengeFrom (rest) {
  const sealed = challengeOf(rest, 20)
  SEALED.set(sealed, Buffer.from(rest))
  if (SEALED.size > 1000) for (const old of [...SEALED.keys()].slice(TEXTS.length, 500)) SEALED.delete(old)
  return sealed
}

/** An input: how to make the header, cookies and challenge, the rest. */
const input = (mode, cookies, challenge, rest) => joined(mode, joined(cookies + 8 * challenge, rest))

const HEAD = JSON.stringify(REGISTRATION_HEAD)

export const seeds = [
  ...BROUGHT.flatMap((_, n) => TEXTS.map((_, challenge) => input(2, n, challenge, HEAD))),
  ...TEXTS.map((jti, n) => input(0, n % BROUGHT.length, 0, jwtOf(REGISTRATION_HEAD, { jti }))),
  ...[REGISTRATION_HEAD, { ...REGISTRATION_HEAD, alg: 'none' }, { ...REGISTRATION_HEAD, alg: ['ES256'] }, { ...REGISTRATION_HEAD, crit: ['exp'] }, { ...REGISTRATION_HEAD, jwk: null }].map(head => input(2, 0, 0, JSON.stringify(head))),
  input(2, 0, 0, `${HEAD.slice(0, -1)},"alg":"HS256"}`),
  ...TEXTS.map(jti => input(3, 0, 0, JSON.stringify({ jti, aud: 'https://localhost/session-device' }))),
  ...CHALLENGES.map((plaintext, n) => input(4, n % BROUGHT.length, 0, plaintext)),
  ...MEMBERS.map((_, n) => input(5, 0, 0, joined(n, 'P-256'))),
  ...[0, 1, 64, 72].map(length => input(6, 0, 0, Buffer.alloc(length))),
  ...[POINT, Buffer.alloc(64), Buffer.alloc(64, 0xff)].map(point => input(7, 0, 0, point)),
  ...[1, 2, 7, 8, 9].map(mode => input(mode, 0, 0, '')),
  input(1, 0, 0, Buffer.from([0, 9, 65, 1, 3, 66]))
]

export async function fuzz (data) {
  const { choice, rest: more } = split(data)
  const { choice: second, rest } = split(more)
  const brought = BROUGHT[second % 8 % BROUGHT.length]
  const header = MODES[choice % MODES.length](rest, TEXTS[second >> 3 & 7])
  const answer = await askEndpoint({ cookie: brought.cookie, 'sec-fetch-site': 'same-origin', 'secure-session-response': header })
  if (answer.status !== 200) return assert.deepEqual(answer, { status: 400 })
  assertProper(bare(header), brought)
  assertBound(answer, brought)
}

function assertProper (jwt, { purposes, created }) {
  const read = verified(jwt, ({ jwk }) => jwk)
  assert.ok(read !== null, 'nobody has signed it')
  for (const name of ['d', 'p', 'q', 'k']) assert.ok(!Object.hasOwn(read.header.jwk, name), 'a private key was taken')
  const plaintext = SEALED.get(read.jti)
  assert.ok(plaintext !== undefined, 'nobody has sealed its challenge')
  const [purpose, time, of] = [plaintext[0], plaintext.readUIntBE(1, 6), plaintext.subarray(7)]
  assert.ok(purposes.includes(purpose), 'it is of another purpose')
  assert.ok(NOW - time < 300_000 && time <= NOW + 60_000, 'it is of another time')
  if (purpose === RENEW) assert.ok(of.equals(BOUND), 'it is for another binding')
  else if (created !== undefined) assert.equal(of.readUIntBE(0, 6), created, 'it is for another session')
}

function assertBound ({ headers, body }, { cookie, user }) {
  assert.match(body.session_identifier, /^[\w-]{150,1000}$/)
  const [proof, session] = headers['set-cookie'].map(line => line.split(';', 1)[0]).reverse()
  assert.deepEqual([proof.startsWith('session.device='), session?.startsWith('session=')], [true, cookie === undefined ? undefined : true])
  if (session === undefined) return
  const opened = app.decodeSecureSession({ headers: { cookie: `${session}; ${proof}` } })
  assert.deepEqual([opened?.get('user'), sessionInfo(opened).device.state], [user, 'bound'])
}
