import { valuesIn } from '../cookies/read.ts'
import { readValue } from '../cookies/set-cookie.ts'

/** A token, and what it was found with. */
export interface GivenToken {
  token: string
  /** The name of its cookie, or null where none was given. */
  name: string | null
  /** Whether a signature of @fastify/cookie follows it. */
  isSigned: boolean
}

const HEADERS = /^[ \t]*(?:set-)?cookie:[ \t]*/gim
/** What is between cookies, or before an attribute. A token has no white space behind its `;`. */
const SEPARATOR = /;\s+|[\r\n]+/
/** A name, `=` and a value. In a token alone, `=` is padding: what follows it is another one or `;`. */
const PAIR = /^([^=;\s]+)=((?![=;])[^]*)$/
/** An HMAC in base64; neither format has a dot. */
const SIGNED = /^([^.]*)\.[\w+/-]{27,}=*$/

/**
 * The token in what somebody copied: the token itself, percent-encoded or not, `name=value`, a
 * `Set-Cookie` line, or a `Cookie` header; of a session that was split, all of its cookies or lines.
 * Whatever is none of these is taken for a token, and refused later.
 * @param wanted the name of the cookie to take of several; the first one where there is none of it.
 */
export function findToken (text: string, wanted: string): GivenToken {
  const pairs = text.trim().replace(HEADERS, '').split(SEPARATOR).map(pair => pair.replace(/;$/, ''))
  const pair = pairs.find(other => other.startsWith(`${wanted}=`)) ?? pairs[0]! // split gives at least one
  const [, name = null, value = pair] = PAIR.exec(pair) ?? []
  const whole = (name === null ? undefined : valuesIn(headerOf(pairs), name, readValue)[0]) ?? readValue(value)
  const [, unsigned] = SIGNED.exec(whole) ?? []
  return { token: unsigned ?? whole, name, isSigned: unsigned !== undefined }
}

/** A header of pairs: a session that was split has several. A token that was decoded has a `;` in it. */
function headerOf (pairs: readonly string[]): string {
  return pairs.map(pair => pair.replaceAll(';', '%3B')).join('; ')
}
