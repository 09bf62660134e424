import type { RefusalReason } from './types.ts'

// Messages for refused tokens: one line at level debug for each. The first four are
// @fastify/secure-session's, word for word: programs and its own tests match on them.
const MESSAGES: Record<RefusalReason, string> = {
  malformed: 'the cookie is malformed, creating an empty session',
  'ciphertext-length': 'the cipher is not long enough, creating an empty session',
  'nonce-length': 'the nonce does not have the required length, creating an empty session',
  'not-authentic': 'unable to decrypt, creating an empty session',
  expired: 'expiry reached',
  'too-long': 'the cookie is too long, creating an empty session',
  'format-not-accepted': 'the cookie is in a format that is not accepted, creating an empty session',
  'version-unknown': 'the cookie has an unknown version, creating an empty session',
  'key-unknown': 'the cookie names a key that is not known, creating an empty session',
  'header-invalid': 'the cookie has an unknown header, creating an empty session',
  'payload-invalid': 'the content is not a JSON object, creating an empty session',
  'time-missing': 'the cookie has no time, creating an empty session',
  'time-in-future': 'the cookie is from the future, creating an empty session',
  'schema-invalid': 'the content does not fit the schema, creating an empty session',
  'signature-invalid': 'the signature is missing or wrong, creating an empty session',
  'chunk-missing': 'a part of a cookie that was split is missing, creating an empty session',
  revoked: 'the session was revoked, creating an empty session'
}

/** Line of the log that says why a token was refused. */
export function refusalMessage (reason: RefusalReason): string {
  return `@fastify/secure-session: ${MESSAGES[reason]}`
}
