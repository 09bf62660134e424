import cookiePlugin, { type SerializeOptions } from '@fastify/cookie'
import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { encodeValue, readValue, resolveAttributes, unquoted } from '../cookies/set-cookie.ts'
import { checkWith, liveSigner, type SignatureCheck, type Signer } from '../cookies/signer.ts'
import { sealedSessionError } from '../errors.ts'
import type { SessionConfig } from '../options/options.ts'
import type { CookieRequest } from '../types.ts'

type Cookies = Record<string, string | undefined>

/**
 * Key of a request: its raw `Cookie` header until `request.cookies` is first read; the parsed cookies after
 * that.
 */
const kCookies: unique symbol = Symbol('cookies')
type LazyRequest = CookieRequest & { [kCookies]?: string | Cookies | null }

/** Encoding of the values of cookies in headers, and its inverse. */
export interface CookieCoding {
  /** True if the app registered `@fastify/cookie` itself, so that its `parseOptions` count. */
  isApps: boolean
  encode: (value: string) => string
  /** Undefined if a `decode` function of the app's fails. */
  decode: (text: string) => string | undefined
  signatures: SignatureCheck
}

/**
 * Uses the `@fastify/cookie` that the app registered, or registers it for the app.
 * @returns the encoding of the values of cookies: as the app has it.
 * @throws `FST_SEALED_SESSION_SIGNING_SECRET_MISSING`, `FST_SEALED_SESSION_COOKIE_INVALID`
 */
export async function registerCookies (app: FastifyInstance, configs: readonly SessionConfig[]): Promise<CookieCoding> {
  const isApps = app.hasPlugin('@fastify/cookie')
  const signer = liveSigner(configs)
  if (isApps) assertSigning(app, configs)
  else await app.register(lazyCookiePlugin, { secret: signer })
  for (const config of configs) assertWritable(app, config)
  if (!isApps) return { isApps, encode: encodeValue, decode: readValue, signatures: signer.check }
  // The app may have a `decode` that expects what encodeURIComponent escapes, such as `+`.
  return { isApps, encode: encodeURIComponent, decode: text => decodeWith(app, text), signatures: checkWith(value => app.unsignCookie(value)) }
}

function decodeWith (app: FastifyInstance, text: string): string | undefined {
  try {
    const value: unknown = app.parseCookie(`value=${unquoted(text)}`).value
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined // a `decode` function of the app's may throw at a value that a client sends
  }
}

/** Value of `request.cookies`; null if nothing has parsed the header yet. */
export function parsedCookies (request: CookieRequest): Cookies | null {
  const cookies = (request as LazyRequest)[kCookies]
  if (cookies === undefined) return request.cookies ?? null // the app's own @fastify/cookie
  return typeof cookies === 'string' ? null : cookies
}

/**
 * `@fastify/cookie` as it is, but for one thing: it parses the whole header of every request, and
 * here that waits until somebody reads `request.cookies`. The plugin is given an app whose
 * `parseCookie` hands the header back, and a `cookies` property that parses it when it is read.
 */
const lazyCookiePlugin = fp<{ secret: Signer }>(async (app, options) => {
  app.decorateRequest(kCookies, null)
  const lazyApp = new Proxy(app, {
    get (target, property) {
      if (property === 'parseCookie') return asIs
      if (property === 'decorateRequest') return decorateLazily
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  const decorateLazily = (name: string, value: unknown): unknown =>
    app.decorateRequest(name, name === 'cookies' ? LAZY_COOKIES : value as null)
  await load(cookiePlugin, lazyApp, options)
}, { fastify: '5.x', name: '@fastify/cookie' })

/** One function for all requests: the plugin asks for it in each. */
const asIs = (header: string): string => header

/** Runs a plugin by itself; older versions of @fastify/cookie take a callback. */
async function load (plugin: unknown, app: FastifyInstance, options: object): Promise<void> {
  const run = plugin as (app: FastifyInstance, options: object, done: (error?: Error) => void) => Promise<void> | undefined
  await new Promise<void>((resolve, reject) => {
    run(app, options, error => { if (error === undefined) resolve(); else reject(error) })?.then(resolve, reject)
  })
}

const LAZY_COOKIES = {
  getter (this: FastifyRequest): Cookies {
    const request = this as FastifyRequest & LazyRequest
    const cookies = request[kCookies]
    if (typeof cookies !== 'string') return cookies as Cookies // null until the onRequest hook, as without us
    const parsed = request.server.parseCookie(cookies)
    request[kCookies] = parsed
    return parsed
  },
  setter (this: FastifyRequest, cookies: string | Cookies | null): void {
    (this as LazyRequest)[kCookies] = cookies
  }
}

function assertSigning (app: FastifyInstance, configs: readonly SessionConfig[]): void {
  const signed = configs.find(({ cookie }) => cookie.signed === true)
  if (signed !== undefined && !canSign(app)) throw sealedSessionError('FST_SEALED_SESSION_SIGNING_SECRET_MISSING', [signed.sessionName])
}

/** Tries it: a secret that is null or empty leaves the method there, which then fails. */
function canSign (app: FastifyInstance): boolean {
  try {
    return app.hasDecorator('signCookie') && typeof app.signCookie('') === 'string'
  } catch {
    return false
  }
}

/** Value with characters of a token and its signature that a cookie may not have, or that parsers trip over. */
const TRICKY_VALUE = 'a+b/c==;d.e'

/** Writes the cookie once, so that one that cannot be written is found at registration. */
function assertWritable (app: FastifyInstance, { cookieName, cookie }: SessionConfig): void {
  try {
    app.serializeCookie(cookieName, TRICKY_VALUE, resolveAttributes(cookie, true) as SerializeOptions)
  } catch (error) {
    throw sealedSessionError('FST_SEALED_SESSION_COOKIE_INVALID', [cookieName, (error as Error).message])
  }
}
