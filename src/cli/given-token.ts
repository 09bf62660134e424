import { decodeValue } from '../cookies/set-cookie.ts'

/** A token, and what it was found with. */
export interface GivenToken {
  token: string
  /** The name of its cookie, or null where none was given. */
  name: string | null
  /** Whether a signature of @fastify/cookie follows it. */
  isSigned: boolean
}

const HEADER = /^(?:set-)?cookie:\s*/i
/** What ends a cookie's value in a `Set-Cookie` line. A token has no white space behind its `;`. */
const ATTRIBUTES = /;(?:\s[^]*)?$/
/** A name, `=` and a value. In a token alone, `=` is padding: what follows it is another one or `;`. */
const PAIR = /^([^=;\s]+)=((?![=;])[^]*)$/
/** An HMAC in base64; neither format has a dot. */
const SIGNED = /^([^.]*)\.[\w+/-]{27,}=*$/

/**
 * The token in what somebody copied: the token itself, percent-encoded or not, `name=value`, or a
 * `Set-Cookie` line. Whatever is none of these is taken for a token, and refused later.
 */
export function findToken (text: string): GivenToken {
  const pair = text.trim().replace(HEADER, '').replace(ATTRIBUTES, '')
  const [, name = null, value = pair] = PAIR.exec(pair) ?? []
  const decoded = decodeValue(value)
  const [, unsigned] = SIGNED.exec(decoded) ?? []
  return { token: unsigned ?? decoded, name, isSigned: unsigned !== undefined }
}
