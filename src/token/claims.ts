// Claims: facts that extensions keep inside the seal, each under a number of its own:
//
//   length 2 | number 1 | length 2 | bytes | number 1 | length 2 | bytes | …
//
// big-endian, sorted by number, each number once. The first length is that of all that follows it; the secretbox
// format leaves it out.

/** Facts that extensions keep inside the seal, by number. */
export type Claims = ReadonlyMap<number, Buffer>

// The numbers. Each has a say in who gets in, so a version that does not know one refuses the token: it could not check it.

/** Hash of the user's stamp. */
export const STAMP = 1
/** Times at which the user has authenticated, by method. */
export const AUTHENTICATIONS = 2
/** Binding to a device: random bytes, which the proof of the device has as well. */
export const BINDING = 3
/** Time before which revocations do not count. */
export const SURVIVED = 4
/** Time since which a session is without a binding, though it has begun later. */
export const UNBOUND = 5
const LAST_KNOWN = UNBOUND

export const BINDING_BYTES = 16

const LENGTH_BYTES = 2
const ENTRY_BYTES = 1 + LENGTH_BYTES

/** Most bytes of all claims together: they are in a cookie. */
const MAX_BYTES = 1024

/** Bytes that the claims take, with their length. */
export function claimsBytes (claims: Claims | undefined): number {
  let bytes = claims === undefined ? 0 : LENGTH_BYTES
  for (const value of claims?.values() ?? []) bytes += ENTRY_BYTES + value.length
  return bytes
}

/**
 * Claims with one of them replaced, or taken out by null; undefined without any.
 * @throws RangeError for more than fits: an extension bounds what it keeps.
 */
export function claimsWith (claims: Claims | undefined, number: number, value: Buffer | null): Claims | undefined {
  const next = new Map(claims)
  if (value === null) next.delete(number)
  else next.set(number, value)
  if (next.size === 0) return undefined
  const sorted = new Map([...next].sort(([a], [b]) => a - b))
  if (claimsBytes(sorted) - LENGTH_BYTES > MAX_BYTES) throw new RangeError(`more than ${MAX_BYTES} bytes of claims`)
  return sorted
}

/** Writes claims with their length at `start` and returns where they end. */
export function writeClaims (bytes: Buffer, start: number, claims: Claims): number {
  let at = bytes.writeUInt16BE(claimsBytes(claims) - LENGTH_BYTES, start)
  for (const [number, value] of claims) {
    at = bytes.writeUInt8(number, at)
    at = bytes.writeUInt16BE(value.length, at)
    at += value.copy(bytes, at)
  }
  return at
}

/** Index at which claims with their length end. They may end beyond the message: bytes that are missing count as 0. */
export function claimsEnd (bytes: Buffer, start: number): number {
  return start + LENGTH_BYTES + (bytes[start] ?? 0) * 256 + (bytes[start + 1] ?? 0)
}

/** The inverse of `writeClaims`, without the length; null for what that does not write, and for a number that is not known. */
export function readClaims (bytes: Buffer, start: number, end: number): Claims | null {
  if (end - start > MAX_BYTES) return null
  const claims = new Map<number, Buffer>()
  let last = 0
  for (let at = start; at < end;) {
    if (at + ENTRY_BYTES > end) return null
    const number = bytes[at]! // it is below the end
    const value = at + ENTRY_BYTES
    at = value + bytes.readUInt16BE(at + 1)
    if (number <= last || number > LAST_KNOWN || at > end) return null
    if (number === BINDING && at - value !== BINDING_BYTES) return null
    claims.set(number, Buffer.from(bytes.subarray(value, at)))
    last = number
  }
  return last === 0 ? null : claims
}

/** Claims as text, in base64url. */
export function claimsText (claims: Claims): string {
  const bytes = Buffer.alloc(claimsBytes(claims))
  writeClaims(bytes, 0, claims)
  return bytes.toString('base64url', LENGTH_BYTES)
}

/** The inverse of `claimsText`, of its one spelling; null for anything else. */
export function claimsOfText (text: unknown): Claims | null {
  if (typeof text !== 'string') return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? readClaims(bytes, 0, bytes.length) : null
}
