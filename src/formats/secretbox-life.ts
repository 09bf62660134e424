import { SESSION_ID_BYTES, type SessionRecord } from '../record.ts'
import { MAX_SECONDS } from '../lifetime.ts'
import { isPlace, type Place } from '../place.ts'

// Life of a session in a secretbox token, beyond the time of the last write. It stands under the name
// `__life`, and only if there is something to say: @fastify/secure-session shows it as data.
//
//   {"created":1760000000000,"written":1760000000500,"expiry":2592000,"maxAge":2592000,"id":"AAECAwQFBgcICQoLDA0ODw"}
//    ms since 1970           ms since 1970           s                s              16 bytes in base64url
//
// and "domain" and "path" behind it, as text.

export interface Life extends Pick<SessionRecord, 'createdAt' | 'lifetime' | 'cookieMaxAge' | 'id' | 'place'> {
  /**
   * The last write in milliseconds, if that is not a whole second: in a sealed token it is whole seconds
   * after created. Were it rounded, each change of the format would take a second away.
   */
  readonly written: number | null
}

export const NO_LIFE: Life = { createdAt: null, written: null, lifetime: null, cookieMaxAge: null, id: null }

/** JSON of a life; null if there is nothing to say. */
export function writeLife ({ createdAt, writtenAt, lifetime, cookieMaxAge, id, place }: Partial<SessionRecord>): string | null {
  if ((createdAt ?? lifetime ?? cookieMaxAge ?? id ?? place ?? null) === null) return null
  const written = typeof createdAt !== 'number' || writtenAt === undefined || writtenAt % 1000 === 0 ? null : writtenAt
  const life: Record<string, unknown> = { created: createdAt, written, expiry: lifetime, maxAge: cookieMaxAge, id: id?.toString('base64url'), ...place }
  const said = Object.entries(life).filter(([, value]) => value !== null && value !== undefined)
  return JSON.stringify(Object.fromEntries(said))
}

/** The inverse of `writeLife`; null if the value is no life. */
export function readLife (value: unknown): Life | null {
  if (value === undefined) return NO_LIFE
  if (!isObject(value)) return null
  const { created, written, expiry, maxAge, id } = value
  if (!isTime(created) || !isTime(written) || !isSeconds(expiry) || !isSeconds(maxAge) || !isId(id) || !isPlace(value)) return null
  const life = lifeOf({ createdAt: created, written, lifetime: expiry, cookieMaxAge: maxAge, id: id === undefined ? undefined : Buffer.from(id, 'base64url') })
  const place = placeIn(value as Place)
  return place === null ? life : { ...life, place }
}

function placeIn ({ domain, path }: Place): Place | null {
  if (domain === undefined && path === undefined) return null
  return { ...(domain !== undefined && { domain }), ...(path !== undefined && { path }) }
}

function lifeOf ({ createdAt = null, written = null, lifetime = null, cookieMaxAge = null, id = null }: { [Name in keyof Omit<Life, 'place'>]: Life[Name] | undefined }): Life {
  return { createdAt, written, lifetime, cookieMaxAge, id }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTime (value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
}

function isSeconds (value: unknown): value is number | undefined {
  return value === undefined || (isTime(value) && Number.isInteger(value) && value <= MAX_SECONDS)
}

/**
 * True for the one spelling of an id: a decoder also takes padding, the other alphabet and spare bits that
 * are set.
 */
function isId (value: unknown): value is string | undefined {
  if (value === undefined) return true
  if (typeof value !== 'string') return false
  const id = Buffer.from(value, 'base64url')
  return id.length === SESSION_ID_BYTES && id.toString('base64url') === value
}
