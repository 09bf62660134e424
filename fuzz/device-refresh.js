// Any headers Sec-Secure-Session-Id and Secure-Session-Response of a refresh: text, genuine ones with changes,
// identifiers with anything inside, and JWTs that the device has signed with any header, claims or challenge.
//
// Holds: the answer is a new proof, a new challenge, the end of the binding, or 400 for an identifier that is too long.
// A new proof is made only for an identifier that was sealed and a JWT that its key has signed with a challenge for it,
// as checked once more without the code of the package; none is longer than the interval, nor for an unknown identifier,
// and none beside the cookie of another session. No answer but that one sets a cookie.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { app, askEndpoint, bare, BOUND, bytesOf, challengeOf, challengePlaintext, COOKIES, CREATED, identifierOf, JWK, jwtOf, NOW, OTHER_BOUND, OTHERS, part, POINT, REFRESH, REFRESH_HEAD, REGISTER, RENEW, verified } from './support/device.js'
import { editedBy, headerOf, joined, split } from './support/edits.js'

const ES256 = 0
const RS256 = 1

/** Seconds after which the binding began, and those of the interval and of its challenges. */
const AFTER = 10
const INTERVAL = 600
const CHALLENGE_LIFE = 900

const identifierPlaintext = (binding, created, algorithm, key) => bytesOf(binding, [created, 6], [AFTER, 4], [algorithm, 1], key)

/** Identifiers and challenges with their plaintexts: all that may count. */
const IDENTIFIERS = new Map()
const CHALLENGES = new Map()

function known (map, seal, plaintexts) {
  return plaintexts.map((plaintext, n) => {
    const text = seal(plaintext, n)
    map.set(text, plaintext)
    return text
  })
}

const [OWN, OTHER_ONE, OTHER_KIND] = known(IDENTIFIERS, identifierOf, [
  identifierPlaintext(BOUND, CREATED, ES256, POINT),
  identifierPlaintext(OTHER_BOUND, OTHERS, ES256, POINT),
  identifierPlaintext(BOUND, CREATED, RS256, Buffer.alloc(256, 0xff))
])

const CHALLENGE_TEXTS = known(CHALLENGES, challengeOf, [
  challengePlaintext(REFRESH, BOUND),
  challengePlaintext(REFRESH, BOUND, NOW - CHALLENGE_LIFE * 1000 + 1),
  challengePlaintext(REFRESH, BOUND, NOW - CHALLENGE_LIFE * 1000),
  challengePlaintext(REFRESH, BOUND, NOW + 61_000),
  challengePlaintext(REFRESH, OTHER_BOUND),
  challengePlaintext(RENEW, BOUND),
  challengePlaintext(REGISTER, bytesOf([CREATED, 6])),
  challengePlaintext(REFRESH, Buffer.alloc(0))
])

/** Cookies that come along, and the binding that may be refreshed beside them: null for either of both. */
const BROUGHT = [
  { cookie: undefined, binding: null },
  { cookie: COOKIES.bound, binding: BOUND },
  { cookie: COOKIES.unbound, binding: BOUND },
  { cookie: COOKIES.others, binding: OTHER_BOUND },
  { cookie: COOKIES.othersUnbound, binding: OTHER_BOUND },
  { cookie: `${COOKIES.othersUnbound}; ${COOKIES.bound}`, binding: null }
]

/** Seals any content, and notes it for a while. */
function sealedInto (map, seal, rest) {
  const text = seal(rest, 20)
  map.set(text, Buffer.from(rest))
  if (map.size > 1000) for (const old of [...map.keys()].slice(20, 500)) map.delete(old)
  return text
}

/** Ways to make both headers of the rest of an input. */
const MODES = [
  rest => twoOf(headerOf(rest)),
  (rest, jti) => [editedBy(rest, OWN), jwtOf(REFRESH_HEAD, { jti })],
  rest => [OWN, headerOf(rest)],
  (rest, jti) => [OWN, editedBy(rest, jwtOf(REFRESH_HEAD, { jti }))],
  (rest, jti) => [sealedInto(IDENTIFIERS, identifierOf, rest), jwtOf(REFRESH_HEAD, { jti })],
  (rest, jti) => [OWN, jwtOf(rest, { jti })],
  rest => [OWN, jwtOf(REFRESH_HEAD, rest)],
  rest => [OWN, jwtOf(REFRESH_HEAD, { jti: sealedInto(CHALLENGES, challengeOf, rest) })],
  (rest, jti) => [OWN, `${part(REFRESH_HEAD)}.${part({ jti })}.${part(rest)}`],
  (rest, jti) => [OTHER_KIND, `${part({ ...REFRESH_HEAD, alg: 'RS256' })}.${part({ jti })}.${part(rest)}`],
  (rest, jti) => [`"${OTHER_ONE}"`, `"${jwtOf(rest.length === 0 ? REFRESH_HEAD : rest, { jti }, rest.length % 2 === 1)}"`]
]

/** Two headers in one text; the second is left out without a line break. */
function twoOf (text) {
  const at = text.indexOf('\n')
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** An input: how to make the headers, cookies and challenge, the rest. */
const input = (mode, cookies, challenge, rest) => joined(mode, joined(cookies + 8 * challenge, rest))

const HEAD = JSON.stringify(REFRESH_HEAD)

export const seeds = [
  ...BROUGHT.flatMap((_, n) => CHALLENGE_TEXTS.map((_, challenge) => input(5, n, challenge, HEAD))),
  ...BROUGHT.map((_, n) => input(10, n, 4, '')),
  ...['', OWN, `${OWN}\n`, `"${OWN}"\n"${jwtOf(REFRESH_HEAD, { jti: CHALLENGE_TEXTS[0] })}"`, `${OTHER_ONE}\nx.y.z`, 'x'.repeat(2049), `${OWN}, ${OWN}`].map(text => input(0, 0, 0, text)),
  ...[{ alg: 'none' }, { alg: 'RS256' }, { alg: ['ES256'] }, { jwk: JWK }, { jwk: null }, { typ: 'JWT' }, { crit: [] }].map(head => input(5, 0, 0, JSON.stringify({ ...REFRESH_HEAD, ...head }))),
  ...CHALLENGE_TEXTS.map(jti => input(6, 0, 0, JSON.stringify({ jti, aud: 'https://localhost/session-device' }))),
  ...[...IDENTIFIERS.values()].map(plaintext => input(4, 0, 0, plaintext)),
  ...[...CHALLENGES.values()].map(plaintext => input(7, 0, 0, plaintext)),
  ...[0, 1, 64, 72].flatMap(length => [input(8, 0, 0, Buffer.alloc(length)), input(9, 0, 0, Buffer.alloc(length * 4, 1))]),
  ...[1, 2, 3].flatMap(mode => [input(mode, 1, 0, ''), input(mode, 1, 0, Buffer.from([0, 9, 65]))]),
  input(4, 0, 0, identifierPlaintext(BOUND, CREATED, ES256, POINT.subarray(1))),
  input(4, 0, 0, identifierPlaintext(BOUND, CREATED, 7, POINT))
]

export async function fuzz (data) {
  const { choice, rest: more } = split(data)
  const { choice: second, rest } = split(more)
  const brought = BROUGHT[second % 8 % BROUGHT.length]
  const [identifier, response] = MODES[choice % MODES.length](rest, CHALLENGE_TEXTS[second >> 3 & 7])
  const answer = await askEndpoint({ cookie: brought.cookie, 'sec-secure-session-id': identifier, 'secure-session-response': response })
  const id = bare(identifier)
  if (identifier.length > 2048) return assert.deepEqual(answer, { status: 400 })
  if (answer.status === 403) return assertAsked(answer, id)
  assert.equal(answer.status, 200)
  if (answer.body.continue === false) return assert.deepEqual(answer, { status: 200, body: { session_identifier: id, continue: false } })
  assertProper(id, bare(response), brought)
  assertProof(answer, id)
}

function assertAsked ({ status, headers, ...more }, id) {
  assert.deepEqual([status, Object.keys(headers), more], [403, ['secure-session-challenge'], {}])
  assert.ok(IDENTIFIERS.has(id), 'nobody has sealed the identifier')
  assertChallenge(headers['secure-session-challenge'], id)
}

function assertChallenge (header, id) {
  assert.match(header, /^"[\w-]{80,200}";id="[\w-]+"$/)
  assert.ok(header.endsWith(`;id="${id}"`))
}

function assertProper (id, jwt, { binding }) {
  const plaintext = IDENTIFIERS.get(id)
  assert.ok(plaintext !== undefined, 'nobody has sealed the identifier')
  const own = plaintext.subarray(0, 16)
  if (binding !== null) assert.ok(own.equals(binding), 'the session beside it is another one')
  const read = verified(jwt, header => Object.hasOwn(header, 'jwk') ? null : keyIn(plaintext))
  assert.ok(read !== null, 'the device has not signed it')
  const challenge = CHALLENGES.get(read.jti)
  assert.ok(challenge !== undefined, 'nobody has sealed its challenge')
  const [purpose, time, of] = [challenge[0], challenge.readUIntBE(1, 6), challenge.subarray(7)]
  assert.ok(purpose === REFRESH && of.equals(own), 'its challenge is for something else')
  assert.ok(NOW - time < CHALLENGE_LIFE * 1000 && time <= NOW + 60_000, 'its challenge is of another time')
}

function keyIn (plaintext) {
  const key = plaintext.subarray(27)
  if (plaintext[26] === RS256) return { kty: 'RSA', n: part(key), e: 'AQAB' }
  return { kty: 'EC', crv: 'P-256', x: part(key.subarray(0, 32)), y: part(key.subarray(32)) }
}

function assertProof ({ headers, body }, id) {
  assert.equal(body.session_identifier, id)
  assertChallenge(headers['secure-session-challenge'], id)
  const [line, ...others] = headers['set-cookie']
  assert.deepEqual(others, [])
  const maxAge = Number(/; Max-Age=(\d+);/.exec(line)?.[1])
  assert.ok(line.startsWith('session.device=') && maxAge <= INTERVAL)
  const proof = line.split(';', 1)[0]
  const plaintext = IDENTIFIERS.get(id)
  const isOwn = plaintext.subarray(0, 16).equals(BOUND)
  if (plaintext.readUIntBE(16, 6) > NOW) return // its proof is of the future as well
  // It opens the session whose binding it has, and no other.
  assert.equal(app.decodeSecureSession({ headers: { cookie: `${COOKIES.bound}; ${proof}` } }) !== null, isOwn)
}
