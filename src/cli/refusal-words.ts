import type { Format, RefusalReason } from '../types.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'
import { printable } from './printable.ts'

/** Facts known of a token when it is refused. */
export interface Refused {
  token: string
  isSigned: boolean
  format: Format
  /** Context that a sealed token has to be bound to. */
  context: string
  /** The file of keys, and the ids of those in it. */
  path: string
  ids: readonly string[]
  /** The session's own, in seconds; null if it has none. */
  lifetime: number | null
}

/** Explanation of each reason, and what to look at. `printable` guards text from outside. */
export const REFUSALS: Record<RefusalReason, (refused: Refused) => string> = {
  malformed: ({ token }) => token === ''
    ? 'it is empty, as a cookie is that is being deleted'
    : 'it is no token, or a part of it is missing, added or changed: copy the cookie\'s value again, all of it',
  'chunk-missing': () => 'it is one of the cookies that a large session was split over: give all of them, as the whole Cookie header or their Set-Cookie lines',
  'too-long': ({ token }) => `it has ${token.length} characters; more than ${MAX_TOKEN_LENGTH} are never opened`,
  'ciphertext-length': () => 'the part before ";" is too short to be one: copy the cookie\'s value again, all of it',
  'nonce-length': () => 'the part after ";" is not 24 bytes: copy the cookie\'s value again, all of it',
  'version-unknown': () => 'it has a version that this release does not know: a newer one has sealed it, or it is no token at all',
  'key-unknown': ({ token, path, ids }) =>
    `sealed with key id ${keyIdOf(token)}, which is not among the keys of "${path}": ${ids.join(', ')}. Find the file of the process that sealed it; a rotation may have removed the key`,
  'not-authentic': ({ format, context, token, path, ids }) => format === 'sealed'
    ? `it names key ${keyIdOf(token)} of "${path}", but was changed on the way, or sealed for another name than ${printable(context)}: try --name with the name of its cookie, or the app's "context"`
    : `sealed with another key than those of "${path}": ${ids.join(', ')}; or changed on the way`,
  'format-not-accepted': ({ format }) => `the app's option "accept" does not have "${format}", as it has not by default with format: "sealed"`,
  'header-invalid': () => 'sealed with the key, but with a header that this release does not know: a newer one has sealed it',
  'payload-invalid': () => 'sealed with the key, but what it holds is not a JSON object: an app with the option "serializer" has sealed it, or another program',
  'time-missing': () => 'sealed with the key, but without the time of the last write, "__ts": another program has sealed it',
  expired: ({ lifetime }) => lifetime === null
    ? 'the app\'s option "expiry" has passed since the last write'
    : `the session's own lifetime of ${lifetime} seconds has passed since the last write`,
  'time-in-future': () => 'the last write lies more than 60 seconds ahead: compare the clocks of the servers',
  'schema-invalid': () => 'what it holds does not fit the app\'s option "schema", which is not checked here: a version of the app with another schema may have sealed it',
  revoked: () => 'where the app has sessionRevocation, it may have been ended on the server, of which nothing shows in a token',
  'signature-invalid': ({ isSigned }) => isSigned
    ? 'its cookies are signed, and the signature, which is not checked here, is wrong'
    : 'its cookies are signed, and this one has no signature'
}

/** Id of the key that a sealed token names: the four bytes after its version. */
function keyIdOf (token: string): string {
  return Buffer.from(token.slice(0, 8), 'base64url').toString('hex', 1, 5)
}
