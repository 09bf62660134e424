import { sodium } from '#sodium'
import { SESSION_ID_BYTES } from '../token/record.ts'

// Ids that tell sessions apart, if revocation has to.

/** Id of a session that begins. */
export function newId (): Buffer {
  const id = Buffer.alloc(SESSION_ID_BYTES)
  sodium().fillRandom(id)
  return id
}

/**
 * Id of the session as which one goes on when it is bound to a device. Who has the one id finds the other: a logout by a
 * request that was under way, or by an id in a list from before, ends what the session has become.
 */
export function idAfter (id: Buffer): Buffer {
  return sodium().hash(Buffer.concat([Buffer.from('bound:'), id])).subarray(0, SESSION_ID_BYTES)
}

/**
 * Ids that a session has had from one on, before that of now: it was bound since, or its binding renewed, or both. None if it has
 * come to its id in another way.
 */
export function idsBefore (first: Buffer, id: Buffer): Buffer[] {
  const second = idAfter(first)
  if (second.equals(id)) return [first]
  return idAfter(second).equals(id) ? [first, second] : []
}

/**
 * Id that a text names in its one spelling, base64url without padding; null for any other text. A decoder also takes
 * padding, the other alphabet and spare bits that are set, and two spellings would be two ids.
 */
export function idOfText (text: string): Buffer | null {
  const id = Buffer.from(text, 'base64url')
  return id.length === SESSION_ID_BYTES && id.toString('base64url') === text ? id : null
}

/**
 * Id of a session whose token has none, since it was sealed before ids were in use: the same for every
 * request that brings this token, so that it can be revoked, too.
 */
export function idOfToken (token: string): Buffer {
  // Text behind a second `;` is no part of a token: another tail must not make another session of it.
  const [ciphertext = '', nonce] = token.split(';', 2)
  const text = nonce === undefined ? ciphertext : `${ciphertext};${nonce}`
  return sodium().hash(Buffer.from(text)).subarray(0, SESSION_ID_BYTES)
}
