// Any cookies beside that of a session: proofs as text, genuine ones with changes, with anything inside, several of them,
// and those of other kinds; for a session that is bound, for one that is not, and for another one.
//
// Holds: nothing is thrown. A session that is bound opens only beside a proof of its binding, of which the time is right,
// as read once more from what was sealed; one that is not bound opens whatever comes along, and is bound by a proof of
// its own beginning only.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { sessionInfo } from './build/index.js'
import { app, BOUND, bytesOf, challengeOf, challengePlaintext, COOKIES, CREATED, identifierOf, NOW, OTHER_BOUND, OTHERS, proofOf, proofPlaintext, REFRESH } from './support/device.js'
import { editedBy, headerOf, joined, split } from './support/edits.js'

/** Milliseconds that a proof counts beyond its time, and that a clock may be ahead. */
const LEEWAY = 5000
const AHEAD = 60_000

/** Times of a proof: bound and proven, in seconds after its session began, and the seconds that it counts. */
const plaintextAt = (bound, proven, counts) => bytesOf(BOUND, [CREATED, 6], [bound, 4], [proven, 4], [counts, 4])

const PLAINTEXTS = [
  proofPlaintext(BOUND, CREATED),
  proofPlaintext(OTHER_BOUND, OTHERS),
  plaintextAt(0, 0, 95),
  plaintextAt(0, 0, 96),
  plaintextAt(0, 100 + 60, 600),
  plaintextAt(0, 100 + 61, 600),
  plaintextAt(2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1),
  Buffer.alloc(34)
]

/** Proofs that were sealed, with their plaintexts: all that may count. */
const SEALED = new Map(PLAINTEXTS.map((plaintext, n) => [proofOf(plaintext, n), plaintext]))
const [OWN, OTHER_ONE] = SEALED.keys()

/** Values of other kinds. */
const FOREIGN = [
  identifierOf(PLAINTEXTS[0]),
  challengeOf(PLAINTEXTS[0]),
  challengeOf(challengePlaintext(REFRESH, BOUND)),
  ...Object.values(COOKIES).map(cookie => cookie.slice('session='.length))
]

const SESSIONS = [
  { cookie: COOKIES.bound, user: 'ann', isBound: true, binding: BOUND, created: CREATED },
  { cookie: COOKIES.unbound, user: 'ann', isBound: false, binding: BOUND, created: CREATED },
  { cookie: COOKIES.others, user: 'bob', isBound: true, binding: OTHER_BOUND, created: OTHERS },
  { cookie: COOKIES.othersUnbound, user: 'bob', isBound: false, binding: OTHER_BOUND, created: OTHERS }
]

function sealed (rest) {
  const proof = proofOf(rest, 20)
  SEALED.set(proof, Buffer.from(rest))
  if (SEALED.size > 1000) for (const old of [...SEALED.keys()].slice(PLAINTEXTS.length, 500)) SEALED.delete(old)
  return proof
}

const NAME = 'session.device='

/** Ways to make the proofs in the header of the rest of an input. */
const MODES = [
  rest => NAME + headerOf(rest),
  rest => headerOf(rest),
  rest => NAME + editedBy(rest, OWN),
  rest => NAME + sealed(rest),
  rest => `${NAME}${headerOf(rest)}; ${NAME}${OWN}`,
  rest => `${NAME}${OTHER_ONE}; ${NAME}${sealed(rest)}; ${NAME}"${OWN}"`,
  rest => NAME + FOREIGN[(rest[0] ?? 0) % FOREIGN.length],
  rest => `${NAME}${headerOf(rest)};`.repeat(20) + NAME + OWN
]

/** The mode with one proof, which has to count if it is right. */
const ALONE = 3

/** An input: how to make the header, which session, the rest. */
const input = (mode, session, rest) => joined(mode, joined(session, rest))

export const seeds = [
  ...SESSIONS.flatMap((_, n) => PLAINTEXTS.map(plaintext => input(3, n, plaintext))),
  ...SESSIONS.flatMap((_, n) => [...SEALED.keys()].slice(0, 2).map(proof => input(0, n, proof))),
  ...FOREIGN.map((_, n) => input(6, 0, Buffer.from([n]))),
  ...MODES.map((_, mode) => input(mode, 0, '')),
  ...[`"${OWN}"`, `${OWN}; session.device=${OTHER_ONE}`, `%22${OWN}%22`, `${OWN}.x`, `2~${OWN}`].map(text => input(0, 0, text)),
  ...[`session.device=${OWN}`, `session=x; session.device=${OWN}`, `session.device.1=${OWN}; __Host-session.device=${OWN}`].map(text => input(1, 0, text)),
  input(2, 0, Buffer.from([0, 9, 65])),
  input(7, 0, 'x')
]

export function fuzz (data) {
  const { choice, rest: more } = split(data)
  const { choice: second, rest } = split(more)
  const session = SESSIONS[second % SESSIONS.length]
  const proofs = MODES[choice % MODES.length](rest)
  const opened = app.decodeSecureSession({ headers: { cookie: `${session.cookie}; ${proofs}` } })
  const isProven = proofsIn(proofs).some(proof => counts(SEALED.get(proof), session))
  const isAlone = choice % MODES.length === ALONE
  if (opened === null) assert.ok(!(isAlone && isProven), 'its proof did not count')
  if (opened === null) return assert.ok(session.isBound || !isFree(proofs), 'a session that is not bound did not open')
  const { state } = sessionInfo(opened).device
  assert.ok(opened.get('user') === session.user || !isFree(proofs), 'another session opened')
  if (!isFree(proofs)) return // it has a session of its own in it
  assert.ok(state === 'unbound' ? !session.isBound : state === 'bound')
  if (state === 'bound') assert.ok(isProven, 'nobody has proved it')
  else if (isAlone) assert.ok(!isProven, 'its proof did not count')
}

/** True for a header without cookies of the session itself. */
function isFree (header) {
  return !/(?:^|;)[ \t]*session(?:\.\d)?[ \t]*=/.test(header)
}

function proofsIn (header) {
  return header.split(';').map(pair => /^[ \t]*session\.device[ \t]*=[ \t]*"?(.*?)"?[ \t]*$/s.exec(pair)?.[1])
}

function counts (plaintext, { isBound, binding, created }) {
  if (plaintext?.length !== 34) return false
  if (isBound ? !plaintext.subarray(0, 16).equals(binding) : plaintext.readUIntBE(16, 6) !== created) return false
  const proven = plaintext.readUIntBE(16, 6) + plaintext.readUInt32BE(26) * 1000
  return proven + plaintext.readUInt32BE(30) * 1000 > NOW - LEEWAY && proven <= NOW + AHEAD
}
