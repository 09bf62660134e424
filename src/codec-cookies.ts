import { Budget } from './budget.ts'
import { newestOf, type Found, type Refused } from './candidates.ts'
import type { Codec } from './codec.ts'
import { joinChunks } from './cookies/chunks.ts'
import { cookieValues, numberedValues } from './cookies/find.ts'
import { readValue } from './cookies/set-cookie.ts'
import { checkWith } from './cookies/signer.ts'
import { sealedSessionError } from './errors.ts'
import type { SessionConfig } from './options/options.ts'
import type { Unsign } from './types.ts'

/**
 * The session that a `Cookie` header brings, found as the plugin finds it in a request.
 * @param unsign checks signatures; without it, cookies are taken as they are.
 * @returns null where there is no cookie of the session.
 * @throws `FST_SEALED_SESSION_UNSIGN_MISSING` where the session's cookie is signed and nothing checks it.
 */
export function findInHeader (header: string | undefined, unsign: Unsign | undefined, { sessionName, cookieName, cookie }: SessionConfig, codec: Codec): Found | Refused | null {
  if (cookie.signed === true && unsign === undefined) throw sealedSessionError('FST_SEALED_SESSION_UNSIGN_MISSING', [sessionName])
  const budget = new Budget(codec.keyCount)
  const decode = budget.limit(readValue)
  const values = cookieValues(header, cookieName, decode)
  if (values.length === 0) return null
  const joined = joinChunks(values, numberedValues(header, cookieName, decode))
  if (joined.length === 0) return { ok: false, reason: 'chunk-missing' }
  return newestOf(joined, { codec, signatures: unsign === undefined ? null : checkWith(unsign) }, budget)
}
