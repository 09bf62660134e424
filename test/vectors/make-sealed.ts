// Prints tokens of the sealed format, right and wrong, with every value in between:
//
//   node --import tsx test/vectors/make-sealed.ts > test/vectors/sealed.json
//
// Made by the second implementation, not by src/. Keys, nonces and times are fixed, so that each run
// gives the same file. Cases may be added; those in it stay, since what they stand for is sealed into
// cookies that are out there.
import { createHash } from 'node:crypto'
import { decode, encode, headerOf, hex, seal, sealBytes, type Fields, type ToSeal } from '../tokens/independent.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const EXPIRY = 3600
const MAX_CREATED = 2 ** 48 - 1
const MAX_SECONDS = 2 ** 32 - 1

/** Bytes that look random and are the same at each run. */
function bytes (name: string, length: number): Uint8Array {
  return createHash('shake256', { outputLength: length }).update(name).digest()
}

const KEY = bytes('key', 32)
const OLDER_KEY = bytes('older key', 32)
const STRANGE_KEY = bytes('strange key', 32)
const ID = bytes('id', 16)
const FIELDS: Fields = { created: NOW - 60_000, lastWrite: 60, lifetime: null, maxAge: null, id: null }
const DATA = { userId: 42, role: 'admin' }

// Right ones

type Case = Partial<ToSeal> & { title: string }

const optional = { lifetime: 1209600, maxAge: 2592000, id: ID }
const combinations = Array.from({ length: 8 }, (_, flags): Case => ({
  title: `flags ${flags}`,
  lifetime: flags & 1 ? optional.lifetime : null,
  maxAge: flags & 2 ? optional.maxAge : null,
  id: flags & 4 ? optional.id : null
}))

const cases: Case[] = [
  ...combinations,
  ...['session', '__Host-session', '', 's', 'session2', 'café', 'cafe\u0301', 'сессия 🔑', 'a;b=c, d', '\u0000', 'c'.repeat(300)]
    .map(context => ({ title: `the context ${JSON.stringify(context)}`, context })),
  { title: 'another key', key: STRANGE_KEY },
  { title: 'a key of zeros', key: new Uint8Array(32) },
  { title: 'a key of which all bits are set', key: new Uint8Array(32).fill(255) },
  { title: 'no data', data: {} },
  { title: 'unicode', data: { ключ: 'значение', text: 'Zoë 日本語 😀 \u0000 \u2028', alone: '\ud800', separators: 'a;b=c, "d" %20' } },
  { title: 'nested data', data: { cart: { items: [{ sku: 'x', count: 2, tags: [] }, null, [[1.5, -0.1, 1e21]]], empty: {} }, done: false } },
  { title: 'keys named like what objects and sessions have', data: JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":"x","data":[1],"get":null,"changed":true}') as object },
  { title: 'a payload one byte longer', data: { userId: 423, role: 'admin' } },
  { title: 'a payload two bytes longer', data: { userId: 4234, role: 'admin' } },
  { title: 'a long payload', data: { text: Array.from({ length: 300 }, (_, i) => `item ${i}`).join(', ') } },
  { title: 'created at the beginning of time', created: 0 },
  { title: 'created as late as can be', created: MAX_CREATED },
  { title: 'never written after it was created', lastWrite: 0 },
  { title: 'last written as late as can be', lastWrite: MAX_SECONDS },
  { title: 'created and last written as late as can be', created: MAX_CREATED, lastWrite: MAX_SECONDS },
  { title: 'the least that the optional fields hold', lifetime: 1, maxAge: 0, id: new Uint8Array(16) },
  { title: 'the most that the optional fields hold', lifetime: MAX_SECONDS, maxAge: MAX_SECONDS, id: new Uint8Array(16).fill(255) },
  { title: 'a domain and a path', place: { domain: 'a.example', path: '/' } },
  { title: 'a domain, and all other fields', ...optional, place: { domain: '.b.example', path: '' } },
  { title: 'a path', place: { domain: '', path: '/app "x"\\' } },
  { title: 'the longest domain and path', place: { domain: 'd'.repeat(255), path: '/'.repeat(255) } },
  { title: 'times of which each byte differs', created: 0x010203040506, lastWrite: 0x0708090a, lifetime: 0x0b0c0d0e, maxAge: 0x0f101112 },
  { title: 'a claim', claims: { 1: hex(bytes('stamp', 16)) } },
  { title: 'two claims, and all other fields', ...optional, place: { domain: 'a.example', path: '/' }, claims: { 1: hex(bytes('stamp', 16)), 2: hex(bytes('authentications', 40)) } },
  { title: 'a claim of no bytes', claims: { 2: '' } },
  { title: 'as many bytes of claims as there may be', claims: { 1: hex(bytes('long', 1021)) } },
  { title: 'a binding to a device, once it is proven', claims: { 3: hex(bytes('binding', 16)) } },
  { title: 'a session that has survived a revocation', id: ID, claims: { 1: hex(bytes('stamp', 16)), 4: (NOW - 10_000).toString(16).padStart(12, '0') } },
  { title: 'a session that has gone on without a binding to a device', id: ID, claims: { 5: (NOW - 60_000).toString(16).padStart(12, '0') } }
]

function positive ({ title, ...given }: Case): object {
  const input: ToSeal = { key: KEY, context: 'session', nonce: bytes(title, 24), data: DATA, ...FIELDS, ...given }
  const { key, context, nonce, data, created, lastWrite, lifetime, maxAge, id, place, claims } = input
  return inHex({ title, key, context, nonce, created, lastWrite, lifetime, maxAge, id, ...(place && { place }), ...(claims && { claims }), data, ...seal(input) })
}

// Wrong ones

interface Wrong {
  title: string
  token: string | { text: string, times: number }
  reason: string
  keys?: Uint8Array[]
  context?: string
  accept?: string[]
  now?: number
  expiry?: number
}

interface Parts {
  key?: Uint8Array
  context?: string
  header?: Uint8Array
  payload?: string | Uint8Array
  version?: number
}

const NONCE = bytes('nonce', 24)

/** An authentic token with any parts. */
function authentic ({ key = KEY, context = 'session', header = headerOf(FIELDS), payload = JSON.stringify(DATA), version = 1 }: Parts = {}): string {
  return sealBytes({ key, context, nonce: NONCE, header, payload: Buffer.from(payload), version }).token
}

/** Authentic tokens whose last characters have 0, 2 and 4 bits to spare. */
const spares = { 0: authentic({ payload: '{"a":1}' }), 2: authentic({ payload: '{"a":123}' }), 4: authentic({ payload: '{"a":12}' }) }
const TOKEN = authentic()
const HEADER = headerOf(FIELDS)
const FULL_HEADER = headerOf({ ...FIELDS, ...optional })

/** A token with some of its bytes changed. */
function changed (change: (bytes: Uint8Array) => Uint8Array): string {
  return encode(change(decode(TOKEN)!.slice())) // TOKEN is canonical
}

/** A token of which one bit of one byte is flipped; from the end where `at` is negative. */
function flipped (at: number, bit: number): string {
  return changed(bytes => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1 << bit // within the token
    return bytes
  })
}

const insert = (text: string, at: number): string => TOKEN.slice(0, at) + text + TOKEN.slice(at)

/** A canonical token with another last character, of which the spare bits are set. */
function withSpareBits (token: string, bits: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.slice(-1)) | bits]
}

/** A token with both characters in it in which the alphabets differ. */
function withBothOfAlphabet (): string {
  for (let i = 0; ; i++) {
    const token = authentic({ payload: JSON.stringify({ i }) })
    if (token.includes('-') && token.includes('_')) return token
  }
}

const both = withBothOfAlphabet()

const malformed: Array<[title: string, token: Wrong['token']]> = [
  ['nothing', ''],
  ['one character', 'A'],
  ['55 bytes', encode(decode(TOKEN)!.slice(0, 55))],
  ['one byte', 'AQ'],
  ['padding where none is missing', `${spares[0]}=`],
  ['padding of one', `${spares[2]}=`],
  ['padding of two', `${spares[4]}==`],
  ['half of a padding', `${spares[4]}=`],
  ['the alphabet of base64', both.replaceAll('-', '+').replaceAll('_', '/')],
  ['"+" for one "-"', both.replace('-', '+')],
  ['"/" for one "_"', both.replace('_', '/')],
  ['the first of two spare bits set', withSpareBits(spares[2], 2)],
  ['the second of two spare bits set', withSpareBits(spares[2], 1)],
  ...[8, 4, 2, 1].map((bit): [string, string] => [`spare bit ${bit} of four set`, withSpareBits(spares[4], bit)]),
  ['one character more', `${spares[0]}A`],
  ['a space before it', ` ${TOKEN}`],
  ['a space behind it', `${TOKEN} `],
  ['a space within', insert(' ', 40)],
  ['a tab within', insert('\t', 40)],
  ['a newline behind it', `${TOKEN}\n`],
  ['line breaks as in a mail', insert('\r\n', 64)],
  ['a NUL behind it', `${TOKEN}\0`],
  ['a stray "!"', insert('!', 7)],
  ['a stray "."', insert('.', 7)],
  ['a "%" encoding of its first character', `%41${TOKEN.slice(1)}`],
  ['quotes around it', `"${TOKEN}"`],
  ['a byte order mark', `\ufeff${TOKEN}`],
  ['a character whose low byte is the right one', `\u0141${TOKEN.slice(1)}`],
  ['a full-width letter', `\uff21${TOKEN.slice(1)}`],
  ['what is no text in UTF-8', insert('\ud800', 10)]
]

const wrong: Wrong[] = [
  ...malformed.map(([title, token]): Wrong => ({ title, token, reason: 'malformed' })),
  { title: 'more characters than are looked at', token: { text: 'A', times: 65537 }, reason: 'too-long' },
  { title: 'as many characters as are looked at', token: { text: 'A', times: 65536 }, reason: 'version-unknown' },
  { title: 'a semicolon behind it', token: `${TOKEN};`, reason: 'format-not-accepted' },
  { title: 'a whole Set-Cookie line', token: `${TOKEN}; Path=/; HttpOnly`, reason: 'format-not-accepted' },
  { title: 'a token of the secretbox format', token: `${'A'.repeat(24)};${'A'.repeat(32)}`, reason: 'format-not-accepted' },
  { title: 'a session that does not accept the format', token: TOKEN, accept: ['secretbox'], reason: 'format-not-accepted' },
  { title: 'version 0', token: authentic({ version: 0 }), reason: 'version-unknown' },
  { title: 'version 2', token: authentic({ version: 2 }), reason: 'version-unknown' },
  { title: 'version 255, of a key that is not known', token: authentic({ version: 255, key: STRANGE_KEY }), reason: 'version-unknown' },
  { title: 'another key', token: authentic({ key: STRANGE_KEY }), reason: 'key-unknown' },
  { title: 'a key that was retired', token: authentic({ key: OLDER_KEY }), reason: 'key-unknown' },
  { title: 'the key, and another one before it, but of another', token: authentic({ key: STRANGE_KEY }), keys: [KEY, OLDER_KEY], reason: 'key-unknown' },
  { title: 'the id of the other key', token: changed(bytes => { bytes.set(decode(authentic({ key: OLDER_KEY }))!.slice(1, 5), 1); return bytes }), keys: [KEY, OLDER_KEY], reason: 'not-authentic' },
  ...['other', '', 'Session', 'sessio', 'session2', 'session\0', 'sеssion'].map((context): Wrong => (
    { title: `the context ${JSON.stringify(context)} in place of "session"`, token: TOKEN, context, reason: 'not-authentic' })),
  { title: 'the context "session" in place of none', token: authentic({ context: '' }), reason: 'not-authentic' },
  { title: 'the same text as a context in another normal form', token: authentic({ context: 'caf\u00e9' }), context: 'cafe\u0301', reason: 'not-authentic' },
  { title: 'a flipped bit of the version', token: flipped(0, 0), reason: 'version-unknown' },
  { title: 'a flipped bit of the key id', token: flipped(1, 7), reason: 'key-unknown' },
  { title: 'a flipped bit at the end of the key id', token: flipped(4, 0), reason: 'key-unknown' },
  { title: 'a flipped bit at the beginning of the nonce', token: flipped(5, 0), reason: 'not-authentic' },
  { title: 'a flipped bit at the end of the nonce', token: flipped(28, 7), reason: 'not-authentic' },
  { title: 'a flipped bit of the flags', token: flipped(29, 0), reason: 'not-authentic' },
  { title: 'a flipped bit of the time of creation', token: flipped(30, 3), reason: 'not-authentic' },
  { title: 'a flipped bit of the time of the last write', token: flipped(39, 4), reason: 'not-authentic' },
  { title: 'a flipped bit of the payload', token: flipped(45, 5), reason: 'not-authentic' },
  { title: 'a flipped bit at the beginning of the tag', token: flipped(-16, 0), reason: 'not-authentic' },
  { title: 'a flipped bit at the end of the tag', token: flipped(-1, 7), reason: 'not-authentic' },
  { title: 'a byte less', token: changed(bytes => bytes.slice(0, -1)), reason: 'not-authentic' },
  { title: 'a byte more', token: changed(bytes => Uint8Array.of(...bytes, 0)), reason: 'not-authentic' },
  { title: 'zeros', token: changed(bytes => bytes.fill(0, 5)), reason: 'not-authentic' },
  { title: 'the tag in front, as in the secretbox format', token: changed(bytes => Uint8Array.of(...bytes.slice(0, 29), ...bytes.slice(-16), ...bytes.slice(29, -16))), reason: 'not-authentic' },
  ...[0x08, 0x10, 0x20, 0x40, 0x80, 0xff].map((flags): Wrong => (
    { title: `the unknown flag 0x${flags.toString(16)}`, token: authentic({ header: Uint8Array.of(flags, ...FULL_HEADER.slice(1)) }), reason: 'header-invalid' })),
  { title: 'a header that ends before the lifetime', token: authentic({ header: Uint8Array.of(1, ...HEADER.slice(1)), payload: '{}' }), reason: 'header-invalid' },
  { title: 'a header that ends before the Max-Age', token: authentic({ header: Uint8Array.of(3, ...HEADER.slice(1)), payload: '1234567' }), reason: 'header-invalid' },
  { title: 'a header that ends within the id', token: authentic({ header: Uint8Array.of(4, ...HEADER.slice(1)), payload: '{"a":"123456"}' }), reason: 'header-invalid' },
  { title: 'a header that ends before the place', token: authentic({ header: Uint8Array.of(8, ...HEADER.slice(1)), payload: '' }), reason: 'header-invalid' },
  { title: 'a header that ends within the path', token: authentic({ header: Uint8Array.of(8, ...HEADER.slice(1)), payload: '\u0001a\u0009/{"a":1}' }), reason: 'header-invalid' },
  { title: 'a place without domain and path', token: authentic({ header: Uint8Array.of(8, ...HEADER.slice(1)), payload: '\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a domain that no cookie has', token: authentic({ header: Uint8Array.of(8, ...HEADER.slice(1)), payload: '\u0002a;\u0000{}' }), reason: 'header-invalid' },
  { title: 'a path that no cookie has', token: authentic({ header: Uint8Array.of(8, ...HEADER.slice(1)), payload: '\u0000\u0002/;{}' }), reason: 'header-invalid' },
  { title: 'a header that ends before the claims', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '' }), reason: 'header-invalid' },
  { title: 'claims that end beyond the message', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0009\u0001\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'claims without any', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a claim that ends beyond the claims', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0004\u0001\u0000\u0002xx{}' }), reason: 'header-invalid' },
  { title: 'claims that end within a length', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0002\u0001\u0000{}' }), reason: 'header-invalid' },
  { title: 'a claim of the number 0', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0003\u0000\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a claim of a number that is not known', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0003\u0003\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a claim of the next number, which is not known either', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0003\u0006\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a claim that is there twice', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0006\u0001\u0000\u0000\u0001\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'claims that are not sorted', token: authentic({ header: Uint8Array.of(16, ...HEADER.slice(1)), payload: '\u0000\u0006\u0002\u0000\u0000\u0001\u0000\u0000{}' }), reason: 'header-invalid' },
  { title: 'a binding of too few bytes', token: authentic({ header: headerOf({ ...FIELDS, claims: { 3: '00'.repeat(15) } }) }), reason: 'header-invalid' },
  { title: 'a binding of too many bytes', token: authentic({ header: headerOf({ ...FIELDS, claims: { 3: '00'.repeat(17) } }) }), reason: 'header-invalid' },
  { title: 'a session that is bound to a device, without its proof', token: authentic({ header: headerOf({ ...FIELDS, claims: { 3: '00'.repeat(16) } }) }), reason: 'device-unproven' },
  { title: 'one of them that has expired', token: authentic({ header: headerOf({ ...FIELDS, claims: { 3: '00'.repeat(16) } }) }), now: NOW + EXPIRY * 1000, reason: 'expired' },
  { title: 'more bytes of claims than there may be', token: authentic({ header: headerOf({ ...FIELDS, claims: { 1: '00'.repeat(1022) } }), payload: '{}' }), reason: 'header-invalid' },
  { title: 'a header that takes the payload for a lifetime', token: authentic({ header: Uint8Array.of(1, ...HEADER.slice(1)), payload: '{"a":1}' }), reason: 'payload-invalid' },
  ...['', 'null', 'true', '1', '"text"', '[]', '[{"a":1}]', '{"a":1', '{"a":1}}', "{'a':1}", '{"a":1}\0', '\ufeff{"a":1}', '{"a":01}'].map((payload): Wrong => (
    { title: `the payload ${JSON.stringify(payload)}`, token: authentic({ payload }), reason: 'payload-invalid' })),
  { title: 'a payload that is no text', token: authentic({ payload: Uint8Array.of(0xff, 0xfe, 0x00) }), reason: 'payload-invalid' },
  { title: 'a session from too far ahead', token: TOKEN, now: NOW - 60_001, reason: 'time-in-future' },
  { title: 'a session that was created too far ahead', token: authentic({ header: headerOf({ ...FIELDS, created: NOW + 60_001, lastWrite: 0 }) }), reason: 'time-in-future' },
  { title: 'a session that has just expired', token: TOKEN, now: NOW + EXPIRY * 1000, reason: 'expired' },
  { title: 'a session that expired long ago', token: TOKEN, now: NOW * 2, reason: 'expired' },
  { title: 'a shorter expiry than when it was sealed', token: TOKEN, now: NOW + 5000, expiry: 5, reason: 'expired' },
  { title: 'a lifetime of its own that is over', token: authentic({ header: headerOf({ ...FIELDS, lifetime: 10 }) }), now: NOW + 10_000, reason: 'expired' },
  { title: 'a lifetime of zero', token: authentic({ header: headerOf({ ...FIELDS, lifetime: 0 }) }), reason: 'expired' }
]

function negative ({ title, token, keys = [KEY], context = 'session', accept = ['sealed'], now = NOW, expiry = EXPIRY, reason }: Wrong): object {
  return inHex({ title, keys: keys.map(hex), context, accept, now, expiry, token, reason })
}

/** Bytes as text. */
function inHex (object: object): object {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : value]))
}

process.stdout.write(`${JSON.stringify({ positive: cases.map(positive), negative: wrong.map(negative) }, null, 2)}\n`)
