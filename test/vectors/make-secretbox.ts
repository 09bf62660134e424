// Prints tokens of the secretbox format and signed values, right and wrong:
//
//   node --import tsx test/vectors/make-secretbox.ts > test/vectors/secretbox.json
//
// Made by the second implementation, not by src/. Keys, nonces and times are fixed, so that each run
// gives the same file. Cases may be added; those in it stay.
import { createHash } from 'node:crypto'
import { hex } from '../tokens/independent.ts'
import { encode, open, payloadOf, seal, sign, signingSecret, type Life } from '../tokens/independent-secretbox.ts'

const TIME = 1767323045 // seconds
const EXPIRY = 3600

/** Bytes that look random and are the same at each run. */
function bytes (name: string, length: number): Uint8Array {
  return createHash('shake256', { outputLength: length }).update(name).digest()
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const KEY = bytes('key', 32)
const OLDER_KEY = bytes('older key', 32)
const STRANGE_KEY = bytes('strange key', 32)
const ID = 'AAECAwQFBgcICQoLDA0ODw'
const DATA = { userId: 42, role: 'admin' }
const NOW = TIME * 1000 + 678

// Right ones

interface Case {
  title: string
  /** That it was sealed with, and those that open it. */
  key?: Uint8Array
  keys?: Uint8Array[]
  data?: object
  life?: Life | null
  /** In hex, by number. */
  claims?: Record<string, string>
  time?: number
  now?: number
  absoluteTimeout?: number | null
  /** Where it is not what `payloadOf` makes. */
  payload?: string
  /** What follows the token. */
  tail?: string
}

const CREATED = TIME * 1000 - 60_000
const cases: Case[] = [
  { title: 'data and a time' },
  { title: 'no data', data: {} },
  { title: 'unicode', data: { ключ: 'значение', text: 'Zoë 日本語 😀 \u0000 \u2028', alone: '\ud800', separators: 'a;b=c, "d" %20' } },
  { title: 'nested data', data: { cart: { items: [{ sku: 'x', count: 2, tags: [] }, null, [[1.5, -0.1, 1e21]]], empty: {} }, done: false } },
  { title: 'a payload one byte longer', data: { userId: 423, role: 'admin' } },
  { title: 'a payload two bytes longer', data: { userId: 4234, role: 'admin' } },
  { title: 'an older key, which is the second', key: OLDER_KEY, keys: [KEY, OLDER_KEY] },
  { title: 'the time in front', payload: `{"__ts":${TIME},"userId":42,"role":"admin"}` },
  { title: 'white space', payload: `{ "userId": 42, "role": "admin", "__ts": ${TIME} }` },
  { title: 'what follows a second semicolon', tail: '; Path=/; HttpOnly' },
  { title: 'a lifetime and a Max-Age of its own', life: { expiry: 1209600, maxAge: 2592000 } },
  { title: 'the least that they hold', life: { expiry: 2, maxAge: 0 } },
  { title: 'the most that they hold', life: { expiry: 4294967295, maxAge: 4294967295 } },
  { title: 'a beginning', life: { created: CREATED } },
  { title: 'an id', life: { id: ID } },
  { title: 'an id of zeros', life: { id: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  { title: 'an id of which all bits are set', life: { id: '_____________________w' } },
  { title: 'all that may be said', life: { created: CREATED, written: TIME * 1000 + 500, expiry: 60, maxAge: 30, id: ID } },
  { title: 'a last write that is no whole second', life: { created: CREATED, written: TIME * 1000 + 999 } },
  { title: 'a last write that another program has overtaken', life: { created: CREATED, written: TIME * 1000 - 1 } },
  { title: 'a beginning at the end of the second of the last write', life: { created: TIME * 1000 + 999 } },
  { title: 'a beginning after that second', life: { created: TIME * 1000 + 1000 } },
  { title: 'such a beginning, and an absolute timeout that is not over', life: { created: 9e15 }, absoluteTimeout: 10, now: TIME * 1000 + 10_998 },
  { title: 'a last write 60 seconds in the future', now: TIME * 1000 - 60_000 },
  { title: 'a last write of milliseconds 60 seconds in the future', life: { created: CREATED, written: TIME * 1000 + 999 }, now: TIME * 1000 + 999 - 60_000 },
  { title: 'the last millisecond of it', now: (TIME + EXPIRY) * 1000 - 1 },
  { title: 'the last millisecond of a lifetime of its own', life: { expiry: 5 }, now: TIME * 1000 + 4999 },
  { title: 'a claim', claims: { 1: hex(bytes('stamp', 16)) } },
  { title: 'two claims beside all that may be said', life: { created: CREATED, written: TIME * 1000 + 500, expiry: 60, maxAge: 30, id: ID }, claims: { 1: hex(bytes('stamp', 16)), 2: hex(bytes('authentications', 40)) } },
  { title: 'a claim and no data', data: {}, claims: { 2: '' } },
  { title: 'a session that has survived a revocation', life: { created: CREATED, id: ID }, claims: { 4: (TIME * 1000).toString(16).padStart(12, '0') } },
  { title: 'a session that has gone on without a binding to a device', life: { created: CREATED, id: ID }, claims: { 5: (TIME * 1000).toString(16).padStart(12, '0') } }
]

function positive ({ title, key = KEY, keys = [key], data = DATA, life = null, time = TIME, now = NOW, absoluteTimeout = null, claims, payload = payloadOf(data, life, time, claims), tail = '' }: Case): object {
  const nonce = bytes(title, 24)
  const token = seal(utf8(payload), key, nonce) + tail
  const opened = open(token, { keys, now, expiry: EXPIRY, absoluteTimeout })
  if (!opened.ok) throw new Error(`${title}: ${opened.reason}`)
  const { ok: _, expiry: lifetime, ...session } = opened
  return { title, key: hex(key), keys: keys.map(hex), nonce: hex(nonce), payload, now, expiry: EXPIRY, absoluteTimeout, token, lifetime, ...session }
}

// Wrong ones

interface Wrong {
  title: string
  token: string | { text: string, times: number }
  reason: string
  accept?: string[]
  now?: number
  absoluteTimeout?: number | null
}

const NONCE = bytes('nonce', 24)

/** An authentic token with any payload. */
function authentic (payload: string, key = KEY): string {
  return seal(utf8(payload), key, NONCE)
}

const withLife = (life: unknown): string => authentic(JSON.stringify({ a: 1, __life: life, __ts: TIME }))
const TOKEN = authentic(payloadOf(DATA, null, TIME))
const [SEALED = '', NONCE_TEXT = ''] = TOKEN.split(';')
/** Its ciphertext ends in one "=", so that its last character has two bits to spare. */
const PADDED = authentic(payloadOf({ a: 'x'.repeat(3 - (utf8(payloadOf({ a: '' }, null, TIME)).length + 17) % 3) }, null, TIME))

function withSpareBit (token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const at = token.indexOf('=') - 1
  return token.slice(0, at) + alphabet[alphabet.indexOf(token[at]!) | 1] + token.slice(at + 1) // it has a "="
}

const changedAt = (at: number): string => SEALED.slice(0, at) + (SEALED[at] === 'A' ? 'B' : 'A') + SEALED.slice(at + 1) + ';' + NONCE_TEXT

/** Other spellings of one id, and what is none. */
const IDS = ['AAECAwQFBgcICQoLDA0ODx', 'AAECAwQFBgcICQoLDA0OD_', `${ID}==`, `${ID}A`, ` ${ID}`, ID.slice(0, 21), 'AAECAwQFBgcICQoLDA0O+w', '', 'AAECAwQFBgcICQoLDA0O/w']

const wrong: Wrong[] = [
  { title: 'a session that does not accept the format', token: TOKEN, accept: ['sealed'], reason: 'format-not-accepted' },
  { title: 'more characters than are looked at', token: { text: 'A;', times: 32769 }, reason: 'too-long' },
  { title: 'nothing but a semicolon', token: ';', reason: 'ciphertext-length' },
  { title: 'a ciphertext without room for its tag', token: `${encode(new Uint8Array(15))};${NONCE_TEXT}`, reason: 'ciphertext-length' },
  { title: 'no nonce', token: `${SEALED};`, reason: 'nonce-length' },
  { title: 'a nonce of 23 bytes', token: `${SEALED};${encode(NONCE.slice(1))}`, reason: 'nonce-length' },
  { title: 'a nonce of 25 bytes', token: `${SEALED};${encode(Uint8Array.of(...NONCE, 0))}`, reason: 'nonce-length' },
  { title: 'spaces around the semicolon', token: `${SEALED} ; ${NONCE_TEXT}`, reason: 'malformed' },
  { title: 'a stray character in the nonce', token: `${SEALED};!${NONCE_TEXT}`, reason: 'malformed' },
  { title: 'missing padding', token: PADDED.replace('=', ''), reason: 'malformed' },
  { title: 'padding where none is missing', token: `${SEALED}=;${NONCE_TEXT}`, reason: 'malformed' },
  { title: 'a spare bit that is set', token: withSpareBit(PADDED), reason: 'malformed' },
  { title: 'a line break', token: `${SEALED.slice(0, 20)}\n${SEALED.slice(20)};${NONCE_TEXT}`, reason: 'malformed' },
  { title: 'another key', token: authentic(payloadOf(DATA, null, TIME), STRANGE_KEY), reason: 'not-authentic' },
  { title: 'a changed tag', token: changedAt(0), reason: 'not-authentic' },
  { title: 'a changed ciphertext', token: changedAt(30), reason: 'not-authentic' },
  { title: 'another nonce', token: `${SEALED};${encode(bytes('other', 24))}`, reason: 'not-authentic' },
  ...['', 'null', 'true', '1', '"text"', '[]', `[{"__ts":${TIME}}]`, `{"__ts":${TIME}`, `\ufeff{"__ts":${TIME}}`].map((payload): Wrong => (
    { title: `the payload ${JSON.stringify(payload)}`, token: authentic(payload), reason: 'payload-invalid' })),
  { title: 'the text of a serializer where there is none', token: authentic(`{"__data":"{}","__ts":${TIME}}`), reason: 'payload-invalid' },
  ...[null, 1, 'text', [], { created: -1 }, { created: '5' }, { written: '5' }, { written: -1 }, { expiry: 1.5 }, { expiry: 4294967296 }, { maxAge: -1 }, { maxAge: null }, { id: 5 }].map((life): Wrong => (
    { title: `the life ${JSON.stringify(life)}`, token: withLife(life), reason: 'payload-invalid' })),
  ...[null, 1, {}, '', 'AQ', 'AQAA=', 'AwAA', 'BgAA', 'AAAA', 'AQAB', 'AQAAAQAA', 'AgAAAQAA', 'AQABAQ!', 'AQABAB'].map((claims): Wrong => (
    { title: `the claims ${JSON.stringify(claims)}`, token: authentic(JSON.stringify({ a: 1, __claims: claims, __ts: TIME })), reason: 'payload-invalid' })),
  ...IDS.map((id): Wrong => ({ title: `the id ${JSON.stringify(id)}`, token: withLife({ id }), reason: 'payload-invalid' })),
  { title: 'no time', token: authentic('{"a":1}'), reason: 'time-missing' },
  { title: 'a time that is text', token: authentic(`{"__ts":"${TIME}"}`), reason: 'time-missing' },
  { title: 'a time that is too large for a number', token: authentic('{"__ts":1e999}'), reason: 'time-missing' },
  { title: 'a last write from too far ahead', token: TOKEN, now: TIME * 1000 - 60_001, reason: 'time-in-future' },
  { title: 'milliseconds of the last write that make it so', token: withLife({ created: CREATED, written: TIME * 1000 + 999 }), now: TIME * 1000 + 998 - 60_000, reason: 'time-in-future' },
  { title: 'a session that has just expired', token: TOKEN, now: (TIME + EXPIRY) * 1000, reason: 'expired' },
  { title: 'a lifetime of its own that is over', token: withLife({ expiry: 5 }), now: TIME * 1000 + 5000, reason: 'expired' },
  { title: 'an absolute timeout since it began', token: withLife({ created: CREATED }), absoluteTimeout: 60, now: TIME * 1000, reason: 'expired' },
  { title: 'an absolute timeout since the last write, where it does not say when it began', token: TOKEN, absoluteTimeout: 60, now: TIME * 1000 + 60_000, reason: 'expired' },
  { title: 'an absolute timeout of one that says that it began long after its last write', token: withLife({ created: 9e15 }), absoluteTimeout: 10, now: TIME * 1000 + 70_000, reason: 'expired' }
]

function negative ({ title, token, accept = ['secretbox'], now = NOW, absoluteTimeout = null, reason }: Wrong): object {
  return { title, keys: [hex(KEY)], accept, now, expiry: EXPIRY, absoluteTimeout, token, reason }
}

// Signatures

const PASSPHRASE = 'a passphrase of at least 32 bytes, Zoë'
const signed = sign(TOKEN, signingSecret(KEY))

const signatures = [
  { title: 'a key', keys: [hex(KEY)], token: TOKEN, value: signed },
  { title: 'an older key, which is the second', keys: [hex(KEY), hex(OLDER_KEY)], token: TOKEN, value: sign(TOKEN, signingSecret(OLDER_KEY)) },
  { title: 'a passphrase', secrets: [PASSPHRASE], token: TOKEN, value: sign(TOKEN, PASSPHRASE) }
]

const unsigned = [
  { title: 'no signature', keys: [hex(KEY)], value: TOKEN },
  { title: 'an empty signature', keys: [hex(KEY)], value: `${TOKEN}.` },
  { title: 'another key', keys: [hex(OLDER_KEY)], value: signed },
  { title: 'another token', keys: [hex(KEY)], value: `A${signed}` },
  { title: 'padding', keys: [hex(KEY)], value: `${signed}=` },
  { title: 'the alphabet of base64url', keys: [hex(KEY)], value: withUrlAlphabet() },
  { title: 'the bytes of the key in place of the text of their hash', keys: [hex(KEY)], value: sign(TOKEN, hex(KEY)) }
]

function withUrlAlphabet (): string {
  for (let i = 0; ; i++) {
    const value = sign(authentic(payloadOf({ i }, null, TIME)), signingSecret(KEY))
    const at = value.lastIndexOf('.')
    const signature = value.slice(at)
    if (/[+/]/.test(signature)) return value.slice(0, at) + signature.replaceAll('+', '-').replaceAll('/', '_')
  }
}

process.stdout.write(`${JSON.stringify({ positive: cases.map(positive), negative: wrong.map(negative), signatures, unsigned }, null, 2)}\n`)
