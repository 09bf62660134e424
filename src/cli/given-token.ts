import { valuesIn } from '../cookies/read.ts'
import { readValue } from '../cookies/set-cookie.ts'

/** A token, and what it was found with. */
export interface GivenToken {
  token: string
  /** Name of its cookie; null if none was given. */
  name: string | null
  /** True if a signature of @fastify/cookie follows it. */
  isSigned: boolean
}

const HEADERS = /^[ \t]*(?:set-)?cookie:[ \t]*/gim
/** Text between cookies, or before an attribute. A token has no white space behind its `;`. */
const SEPARATOR = /;\s+|[\r\n]+/
/** A name, `=` and a value. In a token alone, `=` is padding: what follows it is another one or `;`. */
const PAIR = /^([^=;\s]+)=((?![=;])[^]*)$/
/** An HMAC in base64; neither format has a dot. */
const SIGNED = /^([^.]*)\.[\w+/-]{27,}=*$/

/**
 * Token in the text that somebody copied: the token itself, percent-encoded or not, `name=value`, a
 * `Set-Cookie` line, or a `Cookie` header; of a session that was split, all of its cookies or lines. Any
 * other text is taken for a token, and refused later.
 * @param wanted name of the cookie to take of several; the first one if none has it.
 */
export function findToken (text: string, wanted: string): GivenToken {
  const pairs = text.trim().replace(HEADERS, '').split(SEPARATOR).map(pair => pair.replace(/;$/, ''))
  const pair = pairs.find(other => other.startsWith(`${wanted}=`)) ?? pairs[0]! // split gives at least one
  const [, name = null, value = pair] = PAIR.exec(pair) ?? []
  const whole = (name === null ? undefined : valuesIn(headerOf(pairs), name, readValue)[0]) ?? readValue(value)
  const [, unsigned] = SIGNED.exec(whole) ?? []
  return { token: unsigned ?? whole, name, isSigned: unsigned !== undefined }
}

/** Header made of pairs: a session that was split has several. A token that was decoded has a `;` in it. */
function headerOf (pairs: readonly string[]): string {
  return pairs.map(pair => pair.replaceAll(';', '%3B')).join('; ')
}
