import { SESSION_ID_BYTES, type SessionRecord } from '../record.ts'
import { MAX_SECONDS } from '../lifetime.ts'
import { isPlace, type Place } from '../place.ts'

// Header of a sealed token: facts of its session, inside the seal and before the payload, big-endian:
//
//   flags 1 | created 6 | last write 4 | [lifetime 4] | [Max-Age 4] | [id 16] | [place]
//             ms          s after         s              s
//             since 1970  created
//
// A place is length 1 | domain | length 1 | path, with a length of 0 for none. Versions up to 0.1 do not know
// its flag, and refuse the token.
//
// A field in brackets is there if its flag is set.

const LIFETIME = 1
const MAX_AGE = 2
const ID = 4
const PLACE = 8
const KNOWN_FLAGS = LIFETIME | MAX_AGE | ID | PLACE

const CREATED_BYTES = 6
const SECONDS_BYTES = 4

const CREATED_AT = 1
const LAST_WRITE_AT = CREATED_AT + CREATED_BYTES

/** Bytes that are always there. */
export const HEADER_BYTES = LAST_WRITE_AT + SECONDS_BYTES

/** Bytes with all fields that may be there but a place. */
export const MAX_HEADER_BYTES = HEADER_BYTES + SECONDS_BYTES + SECONDS_BYTES + SESSION_ID_BYTES

const MAX_CREATED = 2 ** 48 - 1

/** Writes a header at `start` and returns where it ends. */
export function writeHeader (bytes: Buffer, start: number, { createdAt, writtenAt, lifetime, cookieMaxAge, id, place }: SessionRecord): number {
  // A token that did not say when its session was created comes from another format; it is not younger.
  const created = within(Math.floor(createdAt ?? writtenAt), MAX_CREATED)
  bytes[start] = (lifetime === null ? 0 : LIFETIME) | (cookieMaxAge === null ? 0 : MAX_AGE) | (id === null ? 0 : ID) | (place === undefined ? 0 : PLACE)
  bytes.writeUIntBE(created, start + CREATED_AT, CREATED_BYTES)
  // Rounded down, so that to be sealed again never makes a session live longer.
  bytes.writeUInt32BE(within(Math.floor((writtenAt - created) / 1000), MAX_SECONDS), start + LAST_WRITE_AT)
  let at = start + HEADER_BYTES
  if (lifetime !== null) at = bytes.writeUInt32BE(within(Math.floor(lifetime), MAX_SECONDS), at)
  if (cookieMaxAge !== null) at = bytes.writeUInt32BE(within(Math.floor(cookieMaxAge), MAX_SECONDS), at)
  if (id !== null) at += id.copy(bytes, at, 0, SESSION_ID_BYTES)
  return place === undefined ? at : writePlace(bytes, at, place)
}

/** Bytes that a place takes. */
export function placeBytes (place: Readonly<Place> | undefined): number {
  return place === undefined ? 0 : 2 + (place.domain ?? '').length + (place.path ?? '').length // it is ASCII
}

function writePlace (bytes: Buffer, start: number, { domain = '', path = '' }: Readonly<Place>): number {
  let at = start
  for (const text of [domain, path]) {
    at = bytes.writeUInt8(text.length, at)
    at += bytes.write(text, at, 'latin1')
  }
  return at
}

/** Null for a place that is none, or that no cookie can be written with. */
function readPlace (bytes: Buffer, start: number): Place | null {
  const path = start + 1 + bytes[start]! // payloadStart was within the message
  const place: Place = {}
  if (path > start + 1) place.domain = bytes.toString('latin1', start + 1, path)
  if (bytes[path]! > 0) place.path = bytes.toString('latin1', path + 1, path + 1 + bytes[path]!) // as above
  return Object.keys(place).length > 0 && isPlace(place) ? place : null
}

/** Index at which the payload begins behind the header at `start`; null if that has a flag that is not known. */
export function payloadStart (bytes: Buffer, start: number): number | null {
  const flags = bytes[start]! // there are at least HEADER_BYTES
  if ((flags & ~KNOWN_FLAGS) !== 0) return null
  const at = start + HEADER_BYTES + (flags & LIFETIME ? SECONDS_BYTES : 0) + (flags & MAX_AGE ? SECONDS_BYTES : 0) + (flags & ID ? SESSION_ID_BYTES : 0)
  if ((flags & PLACE) === 0) return at
  // Lengths that stand beyond the message only move the payload further beyond it.
  const path = at + 1 + (bytes[at] ?? 0)
  return path + 1 + (bytes[path] ?? 0)
}

/** A header that was read. */
export type Header = Omit<SessionRecord, 'data' | 'place'> & { readonly place: Place | null }

/** Content of the header at `start`; null for a place that is refused. */
export function readHeader (bytes: Buffer, start: number): Header | null {
  const flags = bytes[start]! // as above
  const createdAt = bytes.readUIntBE(start + CREATED_AT, CREATED_BYTES)
  const writtenAt = createdAt + bytes.readUInt32BE(start + LAST_WRITE_AT) * 1000
  const lifetimeAt = start + HEADER_BYTES
  const maxAgeAt = lifetimeAt + (flags & LIFETIME ? SECONDS_BYTES : 0)
  const idAt = maxAgeAt + (flags & MAX_AGE ? SECONDS_BYTES : 0)
  const placeAt = idAt + (flags & ID ? SESSION_ID_BYTES : 0)
  const place = flags & PLACE ? readPlace(bytes, placeAt) : null
  if (flags & PLACE && place === null) return null
  return {
    createdAt,
    writtenAt,
    lifetime: flags & LIFETIME ? bytes.readUInt32BE(lifetimeAt) : null,
    cookieMaxAge: flags & MAX_AGE ? bytes.readUInt32BE(maxAgeAt) : null,
    id: flags & ID ? Buffer.from(bytes.subarray(idAt, idAt + SESSION_ID_BYTES)) : null,
    place
  }
}

/** Number as the field takes it: a clock or a lifetime beyond the field is as good as the most that fits. */
function within (value: number, most: number): number {
  return Math.min(Math.max(value, 0), most)
}
