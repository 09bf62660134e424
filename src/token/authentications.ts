import { AUTHENTICATIONS, BINDING, type Claims, claimsWith } from './claims.ts'
import type { SessionRecord } from './record.ts'

// Times at which the user of a session has authenticated, by method. The claim that holds them:
//
//   length 1 | method | time 6, ms | length 1 | method | time 6, ms | …
//
// big-endian, sorted by method, each method once.

/** Milliseconds since 1970, by method. */
export type Authentications = ReadonlyMap<string, number>

/** Most methods of one session: they are in a cookie. */
export const MAX_METHODS = 8

const METHOD = /^[a-z0-9_-]{1,32}$/
const TIME_BYTES = 6

/** True for the name of a method: it is in a cookie, in errors and in the app's log. */
export function isMethod (value: unknown): value is string {
  return typeof value === 'string' && METHOD.test(value)
}

/** Times among the claims. None for bytes that `withAuthentication` does not write: nobody is let in by what cannot be read. */
export function authenticationsOf (claims: Claims | undefined): Authentications {
  const bytes = claims?.get(AUTHENTICATIONS)
  return (bytes === undefined ? null : read(bytes)) ?? new Map()
}

function read (bytes: Buffer): Authentications | null {
  const times = new Map<string, number>()
  let last = ''
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes[at]! // it is below the length
    if (end + TIME_BYTES > bytes.length) return null
    const method = bytes.toString('latin1', at + 1, end)
    if (!isMethod(method) || method <= last) return null
    times.set(method, bytes.readUIntBE(end, TIME_BYTES))
    last = method
    at = end + TIME_BYTES
  }
  return times.size > MAX_METHODS ? null : times
}

/** Claims with the time of one method replaced. @returns null for more methods than a session may have. */
export function withAuthentication (claims: Claims | undefined, method: string, time: number): Claims | null {
  const times = new Map(authenticationsOf(claims)).set(method, Math.max(0, Math.round(time)))
  if (times.size > MAX_METHODS) return null
  return claimsWith(claims, AUTHENTICATIONS, write(times)) ?? null
}

/** Claims without the times of all methods but some; null for none. */
export function claimsOnly (claims: Claims | undefined, methods: readonly string[]): Claims | null {
  const times = new Map([...authenticationsOf(claims)].filter(([method]) => methods.includes(method)))
  return claimsWith(claims, AUTHENTICATIONS, times.size === 0 ? null : write(times)) ?? null
}

function write (times: Authentications): Buffer {
  const sorted = [...times].sort(([a], [b]) => a < b ? -1 : 1)
  return Buffer.concat(sorted.map(([method, time]) => {
    const entry = Buffer.alloc(1 + method.length + TIME_BYTES)
    entry[0] = method.length
    entry.write(method, 1, 'latin1')
    entry.writeUIntBE(time, 1 + method.length, TIME_BYTES)
    return entry
  }))
}

/**
 * Claims that go on after `regenerate(keep)`. The times do if all of the data is kept: a session that leaves something
 * behind may be the next user's, as after a login that keeps a shopping cart, and the times of the user before would pass
 * for those of the next one. The binding to a device does if anything is kept: a thief who uses a copy at once must not
 * get the data in a session that goes on without the proof.
 * @param data data that is kept.
 */
export function claimsKept ({ data: before, claims }: SessionRecord, data: SessionRecord['data']): Claims | undefined {
  if (claims === undefined) return undefined
  const isLeft = Object.keys(before).some(key => before[key] !== undefined && !Object.hasOwn(data, key))
  const times = isLeft ? undefined : claims.get(AUTHENTICATIONS)
  const isKept = times !== undefined || Object.keys(data).length > 0
  return claimsWith(claimsWith(undefined, AUTHENTICATIONS, times ?? null), BINDING, isKept ? claims.get(BINDING) ?? null : null)
}
