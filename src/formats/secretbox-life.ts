import type { Content } from '../content.ts'

// What a secretbox token says of its session's life beyond the time of the last write, under the
// name `__life` and only where there is something to say: the peer shows it as data.
//
//   {"created":1760000000000,"expiry":2592000,"maxAge":2592000,"id":"AAECAwQFBgcICQoLDA0ODw"}
//    ms since 1970           s               s              16 bytes in base64url

export type Life = Pick<Content, 'created' | 'lifetime' | 'maxAge' | 'id'>

export const NO_LIFE: Life = { created: null, lifetime: null, maxAge: null, id: null }

const ID_BYTES = 16

/** The JSON of a life, or null where there is nothing to say. */
export function writeLife ({ created, lifetime, maxAge, id }: Partial<Life>): string | null {
  if ((created ?? lifetime ?? maxAge ?? id ?? null) === null) return null
  const life: Record<string, unknown> = { created, expiry: lifetime, maxAge, id: id?.toString('base64url') }
  const said = Object.entries(life).filter(([, value]) => value !== null && value !== undefined)
  return JSON.stringify(Object.fromEntries(said))
}

/** The inverse of `writeLife`; null where it is none. */
export function readLife (value: unknown): Life | null {
  if (value === undefined) return NO_LIFE
  if (!isObject(value)) return null
  const { created, expiry, maxAge, id } = value
  if (!isTime(created) || !isTime(expiry) || !isTime(maxAge) || !isId(id)) return null
  return {
    created: created ?? null,
    lifetime: expiry ?? null,
    maxAge: maxAge ?? null,
    id: id === undefined ? null : Buffer.from(id, 'base64url')
  }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTime (value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
}

function isId (value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && Buffer.from(value, 'base64url').length === ID_BYTES)
}
