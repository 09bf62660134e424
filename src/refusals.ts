import type { Refusal } from './codec.ts'

// One line at level debug for every token that is refused. The first four are the peer's, word for
// word: programs and its own tests match on them.
const MESSAGES: Record<Refusal, string> = {
  malformed: 'the cookie is malformed, creating an empty session',
  'ciphertext-length': 'the cipher is not long enough, creating an empty session',
  'nonce-length': 'the nonce does not have the required length, creating an empty session',
  'not-authentic': 'unable to decrypt, creating an empty session',
  expired: 'expiry reached',
  'too-long': 'the cookie is too long, creating an empty session',
  'payload-invalid': 'the content is not a JSON object, creating an empty session',
  'time-missing': 'the cookie has no time, creating an empty session',
  'time-in-future': 'the cookie is from the future, creating an empty session'
}

/** The line of the log that says why a token was refused. */
export function refusalMessage (reason: Refusal | 'signature-invalid'): string {
  const message = reason === 'signature-invalid' ? 'the signature is missing or wrong, creating an empty session' : MESSAGES[reason]
  return `@fastify/secure-session: ${message}`
}
