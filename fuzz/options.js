// Options with any names and values, as apps in JavaScript may pass them.
//
// Holds: they are read, or refused with a coded error; neither an error nor a warning shows a key, a
// passphrase or a salt. What was read seals and opens, unless the schema or the serializer says no.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { FuzzedDataProvider } from '@jazzer.js/core/dist/FuzzedDataProvider.js'
import { Codec } from './build/token/codec.js'
import { warnOfLifetime, warnOfMissing, warnOfRefusals } from './build/cookies/cookie-advice.js'
import { Keyring } from './build/index.js'
import { readOptionsList } from './build/options/options-list.js'
import { newRecord } from './build/token/record.js'
import { isCoded, unlessCoded, wordsOf } from './support/check.js'
import { KEYS } from './support/sealing.js'

const NAMES = [
  'sessionName', 'cookieName', 'key', 'secret', 'salt', 'expiry', 'cookie', 'cookieOptions', 'noStore', 'format', 'accept',
  'context', 'rolling', 'absoluteTimeout', 'maxChunks', 'serializer', 'schema', 'prefix', 'expirey', 'httpOnly'
]
const SECRET_NAMES = new Set(['key', 'secret', 'salt'])
const ATTRIBUTES = ['path', 'domain', 'secure', 'sameSite', 'maxAge', 'expires', 'signed', 'partitioned', 'encode', 'samesite']

/** Not to be guessed by the fuzzer, so that where it shows it came out of a secret. 8 characters. */
const MARK = randomBytes(4).toString('hex')

export const seeds = Array.from({ length: 40 }, (_, n) => Buffer.from(Array.from({ length: 60 }, (_, i) => (n * 53 + i * i * (2 * n + 3)) % 256)))

export async function fuzz (data) {
  const options = optionsOf(new FuzzedDataProvider(data))
  const told = []
  try {
    const configs = await readOptionsList(options, (code, ...values) => { told.push(code, ...values.map(String)) })
    assert.ok(configs.length > 0)
    for (const config of configs) assertUsable(config)
  } catch (error) {
    if (!isCoded(error)) throw error
    told.push(wordsOf(error))
  }
  assert.ok(!told.join('\n').includes(MARK), 'a message shows a secret')
}

function assertUsable (config) {
  // Warnings of the cookie at registration, and at the first cookie.
  for (const warnOf of [warnOfRefusals, warnOfMissing, warnOfLifetime]) {
    warnOf(config, config.cookie, (_code, ...words) => { assert.ok(words.every(word => typeof word === 'string')) })
  }
  const codec = new Codec(config)
  const token = unlessCoded(() => codec.seal(newRecord({ n: 1 }, Date.now())))
  if (token === undefined) return
  const opened = unlessCoded(() => codec.open(token))
  assert.equal(opened === undefined || typeof opened.ok, opened === undefined ? true : 'boolean')
}

function optionsOf (provider) {
  const kind = provider.consumeIntegralInRange(0, 15)
  if (kind === 0) return valueOf(provider)
  if (kind < 4) return Array.from({ length: provider.consumeIntegralInRange(0, 3) }, () => entryOf(provider))
  return entryOf(provider)
}

function entryOf (provider) {
  const entry = provider.consumeBoolean() ? { key: KEYS[0] } : {}
  const size = provider.consumeIntegralInRange(0, 6)
  for (let i = 0; i < size; i++) {
    const name = provider.consumeIntegralInRange(0, 7) === 0 ? provider.consumeString(12) : pick(provider, NAMES)
    Object.defineProperty(entry, name, { value: SECRET_NAMES.has(name) ? secretOf(provider, name) : valueOf(provider), enumerable: true, configurable: true, writable: true })
  }
  return entry
}

function pick (provider, list) {
  return list[provider.consumeIntegralInRange(0, list.length - 1)]
}

/** Nothing that would be a passphrase: to derive a key takes half a second. */
function secretOf (provider, name) {
  const makers = [
    () => `${MARK}${provider.consumeString(7)}`,
    () => `${MARK}${'a'.repeat(provider.consumeIntegralInRange(0, 23))}`,
    () => Buffer.from(`${MARK}${provider.consumeString(16)}`).subarray(0, 31),
    () => [`${MARK}`, KEYS[1]],
    () => [],
    () => null,
    () => new Keyring(KEYS),
    () => [new Keyring(KEYS)],
    () => Promise.resolve(MARK),
    () => Buffer.alloc(name === 'key' ? 32 : 31),
    () => provider.consumeNumber(),
    () => ({ [MARK]: MARK }),
    () => new URL(`file:///${MARK}`),
    () => Symbol(MARK)
  ]
  return pick(provider, makers)()
}

function valueOf (provider) {
  const makers = [
    () => undefined,
    () => null,
    () => provider.consumeBoolean(),
    () => provider.consumeNumber(),
    () => provider.consumeIntegralInRange(-2, 100000),
    () => pick(provider, [NaN, Infinity, -0, 0, 1n, Symbol('x'), '', '60', 'sealed', 'secretbox', 'seeled', '__Host-session', '\ud800']),
    () => provider.consumeString(16),
    () => [pick(provider, ['sealed', 'secretbox', 'x', null, 1])],
    () => ['sealed', 'secretbox'],
    () => attributesOf(provider),
    () => new Proxy({}, {}),
    () => () => 1,
    () => ({ stringify: () => pick(provider, ['{}', '', 1, null]), parse: () => pick(provider, [{}, null, 1, []]) }),
    () => ({ '~standard': { version: pick(provider, [1, 2]), vendor: 'fuzz', validate: value => pick(provider, [{ value }, { issues: [] }, null, Promise.resolve({ value }), { value: 1 }]) } }),
    () => ({ '~standard': { version: 1, vendor: 'fuzz', validate: () => { throw new Error('a schema that throws') } } })
  ]
  return pick(provider, makers)()
}

function attributesOf (provider) {
  const attributes = {}
  const size = provider.consumeIntegralInRange(0, 4)
  for (let i = 0; i < size; i++) attributes[pick(provider, ATTRIBUTES)] = pick(provider, [true, false, 'auto', 'none', '/', null, 5, NaN, new Date(0), () => 'x', {}])
  return attributes
}
