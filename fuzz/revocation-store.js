// Any answers of a store of revocations: other types, text that is no number, errors, none at all; at
// once or as promises.
//
// Holds: to ask it whether a session is revoked gives a boolean or the one coded error. Where the store
// says anything but whole numbers it is never 'not revoked', unless the app accepts errors. To revoke
// something throws that error, or it is revoked from then on.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { FuzzedDataProvider } from '@jazzer.js/core/dist/FuzzedDataProvider.js'
import { Revocations } from './build/revocation/revocations.js'
import { StoreClient } from './build/store/client.js'

const NOW = 1_700_000_000_000

const log = { failed () {}, recovered () {} }

export const seeds = Array.from({ length: 24 }, (_, n) => Buffer.from(Array.from({ length: 24 }, (_, i) => (n * 29 + i * (n + 7)) % 256)))

export async function fuzz (data) {
  const provider = new FuzzedDataProvider(data)
  const acceptsErrors = provider.consumeBoolean()
  const answers = Array.from({ length: 3 }, () => answerOf(provider))
  const created = provider.consumeIntegralInRange(1, 2 * NOW)
  const subjects = provider.consumeBoolean() ? [provider.consumeString(12)] : []
  let asked = 0
  const given = []
  const stored = provider.consumeIntegralInRange(0, 3) !== 0
  const store = { get: () => { const give = answers[asked++ % answers.length]; given.push(give); return give() }, set: () => stored }
  const revocations = new Revocations({ client: new StoreClient(store, 1000, log), cacheTtl: 0, acceptsErrors, expiry: 60, absoluteTimeout: null, now: () => NOW })
  const verdict = await verdictOf(revocations.isRevoked({ id: Buffer.alloc(16, 1), created, subjects, stamp: null }))
  if (given.some(isFailure)) assert.ok(acceptsErrors ? typeof verdict === 'boolean' : verdict === 'failed' || verdict === true)
  else assert.equal(verdict, expected(await Promise.all(given.map(give => give())), created))
  await assertRevoked(revocations, { id: Buffer.alloc(16, 2), created: NOW, subjects, stamp: null }, stored)
}

async function assertRevoked (revocations, identity, stored) {
  const [subject] = identity.subjects
  const act = subject === undefined ? revocations.revokeId(identity.id, null, false) : revocations.revokeUntilNow(subject)
  if (await verdictOf(act) === 'failed') return
  assert.ok(stored, 'what was not stored counts as revoked')
  assert.equal(revocations.isKnownRevoked(identity), true)
}

async function verdictOf (asking) {
  try {
    return await asking
  } catch (error) {
    assert.equal(error.code, 'FST_SEALED_SESSION_STORE_UNAVAILABLE')
    return 'failed'
  }
}

/** What the numbers say: since when this session is revoked, and up to when all others that began. */
function expected ([own, ...epochs], created) {
  const number = value => Number(value ?? 0)
  return number(own) > 0 || epochs.some(epoch => created <= number(epoch))
}

function isFailure (give) {
  try {
    const value = give()
    if (value instanceof Promise) return false // of a number, see below
    return value !== undefined && value !== null && !/^\d+$/.test(String(value))
  } catch {
    return true
  }
}

function answerOf (provider) {
  const text = provider.consumeString(14)
  const number = provider.consumeIntegralInRange(0, 2 * NOW)
  const makers = [
    () => undefined, () => null, () => String(number), () => String(number), () => number, () => text, () => '', () => false, () => -number,
    () => number + 0.5, () => NaN, () => ({}), () => [number], () => `${number}\n`, () => Promise.resolve(String(number)), () => { throw new Error(text) }, () => { throw null } // eslint-disable-line no-throw-literal
  ]
  return makers[provider.consumeIntegralInRange(0, makers.length - 1)]
}
