import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { registeredCookieDefaults } from './cookie-plugin.ts'
import { type BroughtCookies, cookieValues, withOwn } from '../cookies/read.ts'
import { attributesEnd, deleteCookieLine, type Serialize } from '../cookies/set-cookie.ts'
import { unsignedWith } from '../cookies/signature.ts'
import type { CookieCoding } from '../http/exchange.ts'
import type { SessionCookie } from '../http/response-cookie.ts'
import type { SessionConfig } from '../options/options.ts'

type Attributes = Pick<CookieSerializeOptions, 'path' | 'domain' | 'secure' | 'httpOnly' | 'sameSite'>

/**
 * Cookie beside that of a session, with the same attributes: a browser sends both or none. Path and SameSite are always
 * written out. It is signed if the session's is, and never split.
 */
export class CompanionCookie {
  readonly name: string
  /** Attributes that the options of the session and the app's own @fastify/cookie give both cookies. */
  readonly given: CookieSerializeOptions
  /** True if neither of them makes both Secure. */
  readonly isNeverSecure: boolean
  readonly #app: FastifyInstance
  readonly #coding: CookieCoding
  readonly #cookie: SessionCookie
  readonly #isSigned: boolean

  constructor (app: FastifyInstance, { cookieName, cookie }: SessionConfig, suffix: string, own: SessionCookie, coding: CookieCoding) {
    this.name = `${cookieName}.${suffix}`
    this.#app = app
    this.#coding = coding
    this.#cookie = own
    const defaults = coding.isApps ? registeredCookieDefaults(app) : {}
    this.given = { ...defaults, ...cookie }
    this.isNeverSecure = defaults !== null && !this.given.secure
    this.#isSigned = cookie.signed === true
  }

  /** Values that a request brings, without their signatures; those with a wrong one are left out. */
  valuesIn ({ header, parsed }: BroughtCookies): { count: number, values: string[] } {
    const { own, values } = withOwn(parsed, this.name, () => cookieValues(header, this.name, this.#coding.decode))
    const found = own === null ? values : [own, ...values]
    return { count: found.length, values: this.#isSigned ? found.flatMap(value => unsignedWith(this.#coding.signatures, value) ?? []) : found }
  }

  /** @param maxAge seconds. */
  line (reply: FastifyReply, value: string, maxAge: number): string {
    const signed = this.#isSigned ? this.#app.signCookie(value) : value
    return this.#serialize(this.name, signed, { ...this.attributes(reply), maxAge })
  }

  deletion (reply: FastifyReply): string {
    return deleteCookieLine(this.name, this.attributes(reply), this.#serialize)
  }

  /** Attributes as text: `Path=/; HttpOnly; Secure; SameSite=Lax`. */
  attributesText (reply: FastifyReply): string {
    return attributesEnd(this.name, this.attributes(reply), this.#serialize).replace(/^; /, '')
  }

  attributes (reply: FastifyReply): Attributes {
    const { path, domain, secure, httpOnly, sameSite } = this.#cookie.attributes(reply, null)
    return {
      path: path === undefined || path === '' ? '/' : path,
      ...(domain !== undefined && domain !== '' && { domain }),
      ...(secure === true && { secure }),
      ...(httpOnly === true && { httpOnly }),
      sameSite: sameSite === undefined || sameSite === false ? 'lax' : sameSite
    }
  }

  readonly #serialize: Serialize = (name, value, attributes) => (this.#app.serializeCookie as Serialize)(name, value, attributes)
}
