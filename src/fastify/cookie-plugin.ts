import { maxHeaderSize } from 'node:http'
import { types } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { loadCookiePlugin } from '../cookies/cookie-serializer.ts'
import { assertWritable, encodeValue, readValue, type Serialize, unquoted } from '../cookies/set-cookie.ts'
import { checkWith } from '../cookies/signature.ts'
import type { Signer } from '../cookies/hmac.ts'
import { liveSigner } from '../cookies/signer.ts'
import { fail } from '../errors.ts'
import { type CookieCoding, type Cookies, kCookies, type LazyRequest } from '../http/exchange.ts'
import { internalOf } from './internals.ts'
import type { SessionConfig } from '../options/options.ts'

/** Coding of an app's cookies, and the part of the hooks that it needs. */
export interface AppCookies {
  coding: CookieCoding
  /** Hook that has to run with `NO_COOKIES` in each request, before it sets a cookie; null if the app's own @fastify/cookie has it. */
  hook: ((request: object, reply: FastifyReply, done: HookHandlerDoneFunction) => void) | null
}

/**
 * Uses the `@fastify/cookie` that the app registered, or registers it for the app.
 * @returns the encoding of the values of cookies: as the app has it.
 * @throws `FST_SEALED_SESSION_SIGNING_SECRET_MISSING`, `FST_SEALED_SESSION_COOKIE_INVALID`
 */
export async function registerCookies (app: FastifyInstance, configs: readonly SessionConfig[]): Promise<AppCookies> {
  const isApps = app.hasPlugin('@fastify/cookie')
  const signer = liveSigner(configs)
  if (isApps) assertSigning(app, configs)
  const hook = isApps ? null : await registerLazily(app, signer)
  for (const { cookieName, cookie } of configs) assertWritable(app.serializeCookie as Serialize, cookieName, cookie)
  const shared = {
    isApps,
    serialize: app.serializeCookie as Serialize,
    sign: app.hasDecorator('signCookie') ? (value: string) => app.signCookie(value) : null,
    defaultsOf: (reply: unknown) => appCookieDefaults(reply as Reply), // each reply is the app's
    maxHeaderBytes: headerLimit(app)
  }
  if (!isApps) return { coding: { ...shared, encode: encodeValue, decode: readValue, signatures: signer.check }, hook }
  // The app may have a `decode` that expects what encodeURIComponent escapes, such as `+`.
  return { coding: { ...shared, encode: encodeURIComponent, decode: text => decodeWith(app, text), signatures: checkWith(value => app.unsignCookie(value)) }, hook }
}

/** Bytes of headers that the server takes. HTTP/2 has another limit, which is higher: null. */
function headerLimit (app: FastifyInstance): number | null {
  return app.initialConfig.http2 === true ? null : (app.server as { maxHeaderSize?: number }).maxHeaderSize ?? maxHeaderSize
}

function decodeWith (app: FastifyInstance, text: string): string | undefined {
  try {
    const value: unknown = app.parseCookie(`value=${unquoted(text)}`).value
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined // a `decode` function of the app's may throw at a value that a client sends
  }
}

/** A request without cookies, for the hook of `@fastify/cookie`. */
export const NO_COOKIES = { raw: { headers: {} }, cookies: null }

/**
 * Registers `@fastify/cookie` as it is, but for one thing: it parses the whole header of every request, and here that
 * waits until somebody reads `request.cookies`. The plugin is given an app that keeps its hook for us, and a `cookies`
 * property that parses when it is read.
 * @returns the hook, which parses nothing: all that it does is to make the reply ready for cookies.
 */
async function registerLazily (app: FastifyInstance, secret: Signer): Promise<AppCookies['hook']> {
  let hook: AppCookies['hook'] = null
  await app.register(fp(async app => {
    app.decorateRequest(kCookies, null)
    const lazyApp = new Proxy(app, {
      get (target, property) {
        if (property === 'addHook') return addHook
        if (property === 'decorateRequest') return decorateLazily
        const value: unknown = Reflect.get(target, property)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
    const addHook = (name: string, added: never): unknown => {
      if (name === 'onSend') return app.addHook(name, added)
      hook = added
      return lazyApp
    }
    const decorateLazily = (name: string, value: unknown): unknown =>
      app.decorateRequest(name, name === 'cookies' ? LAZY_COOKIES : value as null)
    await loadCookiePlugin(lazyApp, { secret })
  }, { fastify: '5.x', name: '@fastify/cookie' }))
  return hook
}

const LAZY_COOKIES = {
  getter (this: FastifyRequest): Cookies {
    const request = this as FastifyRequest & LazyRequest
    const { cookie } = request.raw.headers
    request[kCookies] ??= cookie === undefined || cookie === '' ? {} : request.server.parseCookie(cookie)
    return request[kCookies]
  },
  setter (this: FastifyRequest, cookies: Cookies | null): void {
    (this as LazyRequest)[kCookies] = cookies
  }
}

function assertSigning (app: FastifyInstance, configs: readonly SessionConfig[]): void {
  const signed = configs.find(({ cookie }) => cookie.signed === true)
  if (signed !== undefined && !canSign(app)) throw fail('SIGNING_SECRET_MISSING', [signed.sessionName])
}

/** Tries it: a secret that is null or empty leaves the method there, which then fails. */
function canSign (app: FastifyInstance): boolean {
  try {
    return app.hasDecorator('signCookie') && typeof app.signCookie('') === 'string'
  } catch {
    return false
  }
}

/** The part of a reply that is read here. */
interface Reply {
  setCookie: (this: never, name: string, value: string) => unknown
  server: unknown
}

/**
 * Attributes that the app has its own `@fastify/cookie` apply to every cookie (`parseOptions`), and that
 * plugin's own defaults; null if they cannot be found out.
 *
 * That plugin keeps its options to itself, so a cookie is set on a stand-in for a reply, and the attributes
 * that it would have been written with are read back. Session cookies are not set with `reply.setCookie`
 * itself because it relies on the plugin's parsing hook: with `hook: false`, or if a request ends before that
 * hook, its `onSend` hook returns early and a cookie set after it is lost.
 */
export function appCookieDefaults (reply: Reply): CookieSerializeOptions | null {
  const plain = defaultsOver('http', reply)
  // The plugin resolves `secure: 'auto'` before it can be read back.
  const isAuto = plain !== null && plain.secure !== defaultsOver('https', reply)?.secure
  return isAuto ? { ...plain, secure: 'auto' } : plain
}

/** The same for an app that has answered nothing yet. */
export function registeredCookieDefaults (app: FastifyInstance): CookieSerializeOptions | null {
  const { prototype } = internalOf(app, 'fastify.Reply') ?? {}
  return prototype === undefined ? null : appCookieDefaults(Object.create(prototype, { server: { value: app } }) as Reply)
}

function defaultsOver (protocol: string, reply: Reply): CookieSerializeOptions | null {
  const { server } = reply
  // The plugin's own method: a wrapper that an app put around it on the reply would set a real cookie.
  const { setCookie } = Object.getPrototypeOf(reply) as Reply
  const standIn: Record<PropertyKey, unknown> = {
    server,
    request: { raw: { headers: {} }, protocol },
    signCookie: (value: string) => value
  }
  setCookie.call(standIn as never, 'name', '')
  for (const property of Reflect.ownKeys(standIn)) {
    const pending = standIn[property]
    if (types.isMap(pending)) {
      const [cookie] = pending.values() as Iterable<{ opts?: CookieSerializeOptions } | undefined>
      if (typeof cookie?.opts === 'object') return cookie.opts
    }
  }
  return null
}
