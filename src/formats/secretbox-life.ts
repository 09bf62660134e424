import { SESSION_ID_BYTES, type Content } from '../content.ts'
import { MAX_SECONDS } from '../lifetime.ts'
import { isPlace, type Place } from '../place.ts'

// What a secretbox token says of its session's life beyond the time of the last write, under the
// name `__life` and only where there is something to say: the peer shows it as data.
//
//   {"created":1760000000000,"written":1760000000500,"expiry":2592000,"maxAge":2592000,"id":"AAECAwQFBgcICQoLDA0ODw"}
//    ms since 1970           ms since 1970           s                s              16 bytes in base64url
//
// and "domain" and "path" behind it, as text.

export interface Life extends Pick<Content, 'created' | 'lifetime' | 'maxAge' | 'id' | 'place'> {
  /**
   * The last write in milliseconds, where that is not a whole second: in a sealed token it is whole
   * seconds after created. Were it rounded, each change of the format would take a second away.
   */
  written: number | null
}

export const NO_LIFE: Life = { created: null, written: null, lifetime: null, maxAge: null, id: null }

/** The JSON of a life, or null where there is nothing to say. */
export function writeLife ({ created, lastWrite, lifetime, maxAge, id, place }: Partial<Content>): string | null {
  if ((created ?? lifetime ?? maxAge ?? id ?? place ?? null) === null) return null
  const written = typeof created !== 'number' || lastWrite === undefined || Number.isInteger(lastWrite) ? null : Math.round(lastWrite * 1000)
  const life: Record<string, unknown> = { created, written, expiry: lifetime, maxAge, id: id?.toString('base64url'), ...place }
  const said = Object.entries(life).filter(([, value]) => value !== null && value !== undefined)
  return JSON.stringify(Object.fromEntries(said))
}

/** The inverse of `writeLife`; null where it is none. */
export function readLife (value: unknown): Life | null {
  if (value === undefined) return NO_LIFE
  if (!isObject(value)) return null
  const { created, written, expiry, maxAge, id } = value
  if (!isTime(created) || !isTime(written) || !isSeconds(expiry) || !isSeconds(maxAge) || !isId(id) || !isPlace(value)) return null
  const life = lifeOf({ created, written, lifetime: expiry, maxAge, id: id === undefined ? undefined : Buffer.from(id, 'base64url') })
  const place = placeIn(value as Place)
  return place === null ? life : { ...life, place }
}

function placeIn ({ domain, path }: Place): Place | null {
  if (domain === undefined && path === undefined) return null
  return { ...(domain !== undefined && { domain }), ...(path !== undefined && { path }) }
}

function lifeOf ({ created = null, written = null, lifetime = null, maxAge = null, id = null }: { [Name in keyof Omit<Life, 'place'>]: Life[Name] | undefined }): Life {
  return { created, written, lifetime, maxAge, id }
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

/** One spelling of an id only: a decoder also takes padding, the other alphabet and spare bits that are set. */
function isId (value: unknown): value is string | undefined {
  if (value === undefined) return true
  if (typeof value !== 'string') return false
  const id = Buffer.from(value, 'base64url')
  return id.length === SESSION_ID_BYTES && id.toString('base64url') === value
}
