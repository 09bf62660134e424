// Prints proofs, identifiers and challenges of devices, right and wrong, with every value in between:
//
//   node --import tsx test/vectors/make-device.ts > test/vectors/device.json
//
// Made by the second implementation, not by src/. Keys, nonces and times are fixed, so that each run gives the same file.
// Cases may be added; those in it stay, since browsers keep such values for 400 days.
import { createHash } from 'node:crypto'
import { concat, decode, encode, hex } from '../tokens/independent.ts'
import { messageOf, seal, sealMessage, type Fields, type Kind } from '../tokens/independent-device.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const CREATED = NOW - 3_600_000

/** Bytes that look random and are the same at each run. */
function bytes (name: string, length: number): Uint8Array {
  return createHash('shake256', { outputLength: length }).update(name).digest()
}

const KEY = bytes('key', 32)
const STRANGE_KEY = bytes('strange key', 32)
const BINDING = hex(bytes('binding', 16))
const SESSION = hex(concat(numberOf(CREATED, 6), bytes('id', 16)))
const MAX_MS = 2 ** 48 - 1
const MAX_SECONDS = 2 ** 32 - 1

function numberOf (value: number, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'))
}

const PROOF: Fields = { binding: BINDING, created: CREATED, bound: 2, proven: 3600, counts: 600 }
const DEVICE: Fields = { binding: BINDING, created: CREATED, bound: 2, algorithm: 0, publicKey: hex(bytes('point', 64)) }
const CHALLENGE: Fields = { purpose: 2, time: NOW, of: BINDING }

// Right ones

interface Case {
  title: string
  kind: Kind
  fields: Fields
  key?: Uint8Array
  context?: string
  now?: number
}

const cases: Case[] = [
  { title: 'a proof', kind: 'proof', fields: PROOF },
  { title: 'a proof under another key', kind: 'proof', fields: PROOF, key: STRANGE_KEY },
  { title: 'a proof with another context', kind: 'proof', fields: PROOF, context: '__Host-session' },
  { title: 'a proof with an empty context', kind: 'proof', fields: PROOF, context: '' },
  { title: 'a proof that is as old as the session', kind: 'proof', fields: { ...PROOF, bound: 0, proven: 0 }, now: CREATED },
  { title: 'a proof that counts for a moment more', kind: 'proof', fields: PROOF, now: CREATED + 3_600_000 + 604_999 },
  { title: 'a proof from as far ahead as may be', kind: 'proof', fields: PROOF, now: CREATED + 3_600_000 - 60_000 },
  { title: 'a proof of which each byte differs', kind: 'proof', fields: { binding: hex(bytes('other binding', 16)), created: 0x010203040506, bound: 0x0708090a, proven: 0x0b0c0d0e, counts: 0x0f101112 }, now: 0x010203040506 + 0x0b0c0d0e * 1000 },
  { title: 'the most that a proof holds', kind: 'proof', fields: { binding: 'ff'.repeat(16), created: MAX_MS, bound: MAX_SECONDS, proven: MAX_SECONDS, counts: MAX_SECONDS }, now: MAX_MS + MAX_SECONDS * 1000 },
  { title: 'an identifier with a key on P-256', kind: 'device', fields: DEVICE },
  { title: 'an identifier with an RSA key of 2048 bits', kind: 'device', fields: { ...DEVICE, algorithm: 1, publicKey: hex(bytes('modulus', 256)) } },
  { title: 'an identifier with an RSA key of 4096 bits', kind: 'device', fields: { ...DEVICE, algorithm: 1, publicKey: hex(bytes('long modulus', 512)) } },
  { title: 'an identifier with another context', kind: 'device', fields: DEVICE, context: '__Host-session' },
  { title: 'an identifier that was sealed long ago: it has no time of its own', kind: 'device', fields: DEVICE, now: NOW * 2 },
  { title: 'a challenge for a first binding', kind: 'challenge', fields: { ...CHALLENGE, purpose: 0, of: SESSION } },
  { title: 'a challenge for a first binding of a session without an id', kind: 'challenge', fields: { ...CHALLENGE, purpose: 0, of: SESSION.slice(0, 12) } },
  { title: 'a challenge for a first binding that may come without the cookie of the session', kind: 'challenge', fields: { ...CHALLENGE, purpose: 1, of: SESSION } },
  { title: 'a challenge for a refresh', kind: 'challenge', fields: CHALLENGE },
  { title: 'a challenge for a new identifier', kind: 'challenge', fields: { ...CHALLENGE, purpose: 3 } },
  { title: 'a challenge with another context', kind: 'challenge', fields: CHALLENGE, context: '__Host-session' },
  { title: 'a challenge from as far ahead as may be', kind: 'challenge', fields: CHALLENGE, now: NOW - 60_000 },
  { title: 'a challenge of long ago: its age is for the caller to judge', kind: 'challenge', fields: CHALLENGE, now: NOW * 2 }
]

function positive ({ title, kind, fields, key = KEY, context = 'session', now = NOW }: Case): object {
  const nonce = bytes(title, 24)
  const { keyId, encryptionKey, associatedData, header: message, ciphertext, tag, token: text } = seal({ kind, key, context, nonce, fields })
  return inHex({ title, kind, key, context, nonce, now, fields, encryptionKey, keyId, associatedData, message, ciphertext, tag, text })
}

// Wrong ones

interface Wrong {
  title: string
  kind: Kind
  text: string
  context?: string
  now?: number
}

const FIELDS: Record<Kind, Fields> = { proof: PROOF, device: DEVICE, challenge: CHALLENGE }
const VERSIONS: Record<Kind, number> = { proof: 0x81, device: 0x82, challenge: 0x83 }
const KINDS = Object.keys(FIELDS) as Kind[]
const NONCE = bytes('nonce', 24)

/** An authentic value with any parts. */
function authentic (kind: Kind, { fields = {}, message = messageOf(kind, { ...FIELDS[kind], ...fields }), version = VERSIONS[kind], context = 'session', key = KEY }: { fields?: Fields, message?: Uint8Array, version?: number, context?: string, key?: Uint8Array } = {}): string {
  return sealMessage({ kind, key, context, nonce: NONCE, message, version }).token
}

function changed (kind: Kind, change: (bytes: Uint8Array) => Uint8Array): string {
  return encode(change(decode(authentic(kind))!)) // it has just been encoded
}

function flipped (kind: Kind, index: number): string {
  return changed(kind, bytes => bytes.with(index < 0 ? bytes.length + index : index, bytes.at(index)! ^ 1)) // each has so many bytes
}

const NAMES: Record<Kind, string> = { proof: 'a proof', device: 'an identifier', challenge: 'a challenge' }

/** Each kind of value in the place of each other one: as it is, and with nothing but the version or the context of that. */
const mistaken = KINDS.flatMap(kind => KINDS.filter(other => other !== kind).flatMap((other): Wrong[] => [
  { title: `${NAMES[other]} in the place of ${NAMES[kind]}`, kind, text: authentic(other) },
  { title: `${NAMES[other]} with the version of ${NAMES[kind]}`, kind, text: authentic(other, { message: messageOf(kind, FIELDS[kind]), version: VERSIONS[kind] }) },
  { title: `${NAMES[kind]} with the version of ${NAMES[other]}`, kind, text: authentic(kind, { version: VERSIONS[other] }) }
]))

const wrong: Wrong[] = [
  ...mistaken,
  ...KINDS.flatMap((kind): Wrong[] => [
    { title: `${NAMES[kind]} that is empty`, kind, text: '' },
    { title: `${NAMES[kind]} in the alphabet of base64`, kind, text: Buffer.from(authentic(kind), 'base64url').toString('base64') },
    { title: `${NAMES[kind]} with a byte less`, kind, text: changed(kind, bytes => bytes.slice(0, -1)) },
    { title: `${NAMES[kind]} with a byte more`, kind, text: changed(kind, bytes => Uint8Array.of(...bytes, 0)) },
    { title: `${NAMES[kind]} with a flipped bit of the version`, kind, text: flipped(kind, 0) },
    { title: `${NAMES[kind]} with a flipped bit of the key id`, kind, text: flipped(kind, 4) },
    { title: `${NAMES[kind]} with a flipped bit of the nonce`, kind, text: flipped(kind, 5) },
    { title: `${NAMES[kind]} with a flipped bit of the message`, kind, text: flipped(kind, 29) },
    { title: `${NAMES[kind]} with a flipped bit of the tag`, kind, text: flipped(kind, -1) },
    { title: `${NAMES[kind]} of another session name`, kind, text: authentic(kind, { context: 'other' }) },
    { title: `${NAMES[kind]} under a key that is not known`, kind, text: authentic(kind, { key: STRANGE_KEY }) },
    { title: `${NAMES[kind]} with the version of a session`, kind, text: authentic(kind, { version: 1 }) },
    { title: `${NAMES[kind]} with a message of one byte`, kind, text: authentic(kind, { message: new Uint8Array(1) }) }
  ]),
  { title: 'a proof with a message that is too short', kind: 'proof', text: authentic('proof', { message: messageOf('proof', PROOF).slice(0, -1) }) },
  { title: 'a proof with a message that is too long', kind: 'proof', text: authentic('proof', { message: concat(messageOf('proof', PROOF), new Uint8Array(1)) }) },
  { title: 'a proof that counts no more', kind: 'proof', text: authentic('proof'), now: CREATED + 3_600_000 + 605_000 },
  { title: 'a proof from too far ahead', kind: 'proof', text: authentic('proof'), now: CREATED + 3_600_000 - 60_001 },
  { title: 'an identifier without a key', kind: 'device', text: authentic('device', { fields: { publicKey: '' } }) },
  { title: 'a challenge of an unknown purpose', kind: 'challenge', text: authentic('challenge', { fields: { purpose: 4 } }) },
  { title: 'a challenge that ends within its time', kind: 'challenge', text: authentic('challenge', { message: messageOf('challenge', CHALLENGE).slice(0, 6) }) },
  { title: 'a challenge from too far ahead', kind: 'challenge', text: authentic('challenge'), now: NOW - 60_001 }
]

function negative ({ title, kind, text, context = 'session', now = NOW }: Wrong): object {
  return { title, kind, keys: [hex(KEY)], context, now, text }
}

/** Bytes as text. */
function inHex (object: object): object {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : value]))
}

process.stdout.write(`${JSON.stringify({ positive: cases.map(positive), negative: wrong.map(negative) }, null, 2)}\n`)
