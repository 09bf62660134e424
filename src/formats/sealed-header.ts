import type { Content } from '../content.ts'
import { MAX_SECONDS } from '../lifetime.ts'

// What a sealed token says of its session, inside the seal and before the payload, big-endian:
//
//   flags 1 | created 6 | last write 4 | [lifetime 4] | [Max-Age 4] | [id 16]
//             ms          s after         s              s
//             since 1970  created
//
// What is in brackets is there where its flag is set.

const LIFETIME = 1
const MAX_AGE = 2
const ID = 4
const KNOWN_FLAGS = LIFETIME | MAX_AGE | ID

const CREATED_BYTES = 6
const SECONDS_BYTES = 4
export const ID_BYTES = 16

const CREATED_AT = 1
const LAST_WRITE_AT = CREATED_AT + CREATED_BYTES

/** Bytes that are always there. */
export const HEADER_BYTES = LAST_WRITE_AT + SECONDS_BYTES

/** Bytes with all that may be there. */
export const MAX_HEADER_BYTES = HEADER_BYTES + SECONDS_BYTES + SECONDS_BYTES + ID_BYTES

const MAX_CREATED = 2 ** 48 - 1

export type Header = Omit<Content, 'data' | 'created'> & {
  created: number
  /** Where the payload begins. */
  payload: number
}

/** Writes a header at `start` and returns where it ends. */
export function writeHeader (bytes: Buffer, start: number, { created, lastWrite, lifetime, maxAge, id }: Content): number {
  const writtenMs = Math.round(lastWrite * 1000)
  // A token that did not say when its session was created comes from another format; it is not younger.
  const createdMs = within(Math.floor(created ?? writtenMs), MAX_CREATED)
  bytes[start] = (lifetime === null ? 0 : LIFETIME) | (maxAge === null ? 0 : MAX_AGE) | (id === null ? 0 : ID)
  bytes.writeUIntBE(createdMs, start + CREATED_AT, CREATED_BYTES)
  // Down, so that to be sealed again never makes a session live longer.
  bytes.writeUInt32BE(within(Math.floor((writtenMs - createdMs) / 1000), MAX_SECONDS), start + LAST_WRITE_AT)
  let at = start + HEADER_BYTES
  if (lifetime !== null) at = bytes.writeUInt32BE(within(Math.floor(lifetime), MAX_SECONDS), at)
  if (maxAge !== null) at = bytes.writeUInt32BE(within(Math.floor(maxAge), MAX_SECONDS), at)
  if (id !== null) at += id.copy(bytes, at, 0, ID_BYTES)
  return at
}

/** The header between `start` and `end`; null where it does not fit in or has a flag that is not known. */
export function readHeader (bytes: Buffer, start: number, end: number): Header | null {
  const flags = bytes[start]! // there are at least HEADER_BYTES
  const payload = start + HEADER_BYTES + (flags & LIFETIME ? SECONDS_BYTES : 0) + (flags & MAX_AGE ? SECONDS_BYTES : 0) + (flags & ID ? ID_BYTES : 0)
  if ((flags & ~KNOWN_FLAGS) !== 0 || payload > end) return null
  const created = bytes.readUIntBE(start + CREATED_AT, CREATED_BYTES)
  const lastWrite = created / 1000 + bytes.readUInt32BE(start + LAST_WRITE_AT)
  if (flags === 0) return { created, lastWrite, lifetime: null, maxAge: null, id: null, payload }

  let at = start + HEADER_BYTES
  const next = (size: number): number => { at += size; return at - size }
  const lifetime = flags & LIFETIME ? bytes.readUInt32BE(next(SECONDS_BYTES)) : null
  const maxAge = flags & MAX_AGE ? bytes.readUInt32BE(next(SECONDS_BYTES)) : null
  const id = flags & ID ? Buffer.from(bytes.subarray(next(ID_BYTES), at)) : null
  return { created, lastWrite, lifetime, maxAge, id, payload }
}

/** A number as the field takes it: a clock or a lifetime beyond what fits is as good as the most that does. */
function within (value: number, most: number): number {
  return Math.min(Math.max(value, 0), most)
}
