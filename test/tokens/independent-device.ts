// The values of a device once more, written from docs/reference/format.md. It shares nothing with src/.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concat, decode, fromHex, hex, keyIdOf, sealBytes, subkey, type Steps } from './independent.ts'

/** Fields by name: bytes in hex, numbers as they stand in the value. */
export type Fields = Readonly<Record<string, string | number>>

/** Kinds of values, by the suffix of their context. */
export type Kind = 'proof' | 'device' | 'challenge'

const VERSIONS: Record<Kind, number> = { proof: 0x81, device: 0x82, challenge: 0x83 }

/** A field: a number of so many bytes, or bytes; a length of null is the rest. */
type Field = readonly [name: string, length: number | null, type: 'number' | 'bytes']

const LAYOUTS: Record<Kind, readonly Field[]> = {
  proof: [['binding', 16, 'bytes'], ['created', 6, 'number'], ['bound', 4, 'number'], ['proven', 4, 'number'], ['counts', 4, 'number']],
  device: [['binding', 16, 'bytes'], ['created', 6, 'number'], ['bound', 4, 'number'], ['algorithm', 1, 'number'], ['publicKey', null, 'bytes']],
  challenge: [['purpose', 1, 'number'], ['time', 6, 'number'], ['of', null, 'bytes']]
}

const TOLERANCE_MS = 60_000
const LEEWAY_MS = 5000

export interface ToSeal {
  kind: Kind
  key: Uint8Array
  /** Context of the session. */
  context: string
  nonce: Uint8Array
  fields: Fields
}

export interface ToOpen {
  kind: Kind
  keys: readonly Uint8Array[]
  context: string
  /** Milliseconds since 1970. */
  now: number
}

export function messageOf (kind: Kind, fields: Fields): Uint8Array {
  return concat(...LAYOUTS[kind].map(([name, length, type]) => {
    const value = fields[name] ?? ''
    return fromHex(type === 'bytes' ? String(value) : Number(value).toString(16).padStart(2 * length!, '0')) // a number has a length
  }))
}

export function seal ({ kind, key, context, nonce, fields }: ToSeal): Steps {
  return sealMessage({ kind, key, context, nonce, message: messageOf(kind, fields) })
}

/** Seals any message, right or wrong, under any version. */
export function sealMessage ({ kind, key, context, nonce, message, version = VERSIONS[kind] }: Omit<ToSeal, 'fields'> & { message: Uint8Array, version?: number }): Steps {
  return sealBytes({ key, context: `${context}#${kind}`, nonce, header: message, payload: new Uint8Array(0), version })
}

/** Null for what does not open. */
export function open (text: string, { kind, keys, context, now }: ToOpen): Fields | null {
  const message = decrypt(text, { kind, keys, context })
  const fields = message === null ? null : readMessage(kind, message)
  return fields !== null && isRight(kind, fields, now) ? fields : null
}

/** Message of a value, whatever is in it; null for one that is not authentic. */
export function decrypt (text: string, { kind, keys, context }: Omit<ToOpen, 'now'>): Uint8Array | null {
  const bytes = text.length > 65536 ? null : decode(text)
  if (bytes === null || bytes.length < 46 || bytes[0] !== VERSIONS[kind]) return null
  const name = bytes.slice(0, 5)
  const key = keys.find(key => hex(keyIdOf(key)) === hex(name.slice(1)))
  if (key === undefined) return null
  try {
    return xchacha20poly1305(subkey(key, 1, 32), bytes.slice(5, 29), concat(name, new TextEncoder().encode(`${context}#${kind}`))).decrypt(bytes.slice(29))
  } catch {
    return null
  }
}

function readMessage (kind: Kind, message: Uint8Array): Fields | null {
  const fields: Record<string, string | number> = {}
  let at = 0
  for (const [name, length, type] of LAYOUTS[kind]) {
    const end = length === null ? message.length : at + length
    if (end > message.length) return null
    const text = hex(message.slice(at, end))
    fields[name] = type === 'bytes' ? text : Number.parseInt(text, 16)
    at = end
  }
  return at === message.length ? fields : null
}

function isRight (kind: Kind, fields: Fields, now: number): boolean {
  const value = (name: string): number => Number(fields[name])
  if (kind === 'device') return fields.publicKey !== ''
  if (kind === 'challenge') return value('purpose') <= 3 && value('time') <= now + TOLERANCE_MS
  const proven = value('created') + value('proven') * 1000
  return proven <= now + TOLERANCE_MS && now < proven + value('counts') * 1000 + LEEWAY_MS
}
