import { URL } from 'node:url'
import { types } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import { fail, kindOf } from '../errors.ts'
import { type RegisteredSession, sessionsOf } from '../fastify/registered-session.ts'
import type { LoginCookie } from '../fastify/login.ts'
import { isRequest } from '../fastify/mistakes.ts'
import { readText, refuseUnknown } from '../options/readers.ts'
import { METHOD_RULE } from '../session/authenticated.ts'
import { isMethod } from '../token/authentications.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'

/** App under test: an instance of Fastify, whatever its types of server and logger are. */
export interface TestedApp {
  ready (): PromiseLike<unknown>
}

/** Data of the session of this name: some of what is declared for it, or any object if nothing is. */
export type TestedData<Name extends string> = Name extends keyof FastifyRequest
  ? FastifyRequest[Name] extends { data (): infer Data } ? [keyof NonNullable<Data>] extends [never] ? object : Partial<NonNullable<Data>> : object
  : object

/** Options of `sessionCookies`. */
export interface SessionCookiesOptions<Name extends string = string> {
  /** Name of the session. Default: the first one registered. */
  sessionName?: Name | undefined

  /**
   * Time at which the session began and was last written: a Date, or milliseconds since 1970. Default now. With one that
   * is long ago you test expiry. A revocation after it ends the session.
   */
  at?: Date | number | undefined

  /**
   * Method, or methods, by which the user has authenticated at that time: the names that your app gives to
   * `authenticated()`. Default none, so that `requireFresh()` lets the user not on.
   */
  authenticated?: string | readonly string[] | undefined
}

/** Options of `browserCookies`. */
export interface BrowserCookiesOptions<Name extends string = string> extends SessionCookiesOptions<Name> {
  /** Address of the app, as the browser has it: `'http://localhost:3000'`. Its host and its scheme count. */
  url: string | URL
}

/** A cookie as `context.addCookies()` of Playwright takes it. */
export interface BrowserCookie {
  name: string
  value: string
  /** Host name. It begins with a dot if the cookie is for subdomains, too. */
  domain: string
  path: string
  /** Seconds since 1970; -1 for a cookie that ends with the browser. */
  expires: number
  httpOnly: boolean
  secure: boolean
  sameSite?: 'Strict' | 'Lax' | 'None'
}

/**
 * Cookies of a user who is logged in, for `app.inject({ cookies })`. They are sealed, signed and split as the app does it,
 * and have the names that the app gives them. It awaits `app.ready()` itself.
 *
 * `sessionRevocation` and `sessionRegistry` take part as at a login: the session has an id, the user's stamp of now, and a
 * line in the list; a limit counts it. Hooks and routes of your app do not run. The session is not bound to a device: with
 * `policy: 'require'` it works for `grace` seconds. To bind it, give the cookies to `addCookies` of a `createTestDevice`, and
 * a response that writes the session to its `register`.
 *
 * ```ts
 * const cookies = await sessionCookies(app, { userId: 42 })
 * const response = await app.inject({ url: '/profile', cookies })
 * ```
 * @param app the app under test.
 * @param data data of the session. If the session has a schema, the data must fit it.
 * @returns values by the name of the cookie: one, or several if the session is split.
 * @throws (rejects) `FST_SEALED_SESSION_TEST_APP`, `FST_SEALED_SESSION_TEST_ALONE`, `FST_SEALED_SESSION_UNKNOWN_SESSION`,
 * `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_METHOD_INVALID`,
 * `FST_SEALED_SESSION_DATA_INVALID`; `FST_SEALED_SESSION_TEST_ENCODING` if the app has an encoding of its own that
 * `inject` cannot follow; the errors of sealing, such as `FST_SEALED_SESSION_SCHEMA_INVALID`; the errors of a login,
 * such as `FST_SEALED_SESSION_TOO_MANY_SESSIONS`; and what `app.ready()` rejects with.
 */
export async function sessionCookies<Name extends string = 'session'> (app: TestedApp, data: TestedData<Name>, options: SessionCookiesOptions<Name> = {}): Promise<Record<string, string>> {
  refuseUnknown(options, ['sessionName', 'at', 'authenticated'])
  const { parts, decode } = await logIn(app, data, options, false)
  return Object.fromEntries(parts.map(({ name, text, value }) => {
    const given = decodeURIComponentOr(text)
    // inject() encodes it once more, and the app has to read the same.
    if (decode(encodeURIComponent(given)) !== value) throw fail('TEST_ENCODING', [name])
    return [name, given]
  }))
}

/**
 * The same for a browser, as `context.addCookies()` of Playwright takes them. The app need not be the process that
 * listens: one with the same options and keys makes the same cookies.
 *
 * ```ts
 * await context.addCookies(await browserCookies(app, { userId: 42 }, { url: 'http://localhost:3000' }))
 * ```
 * @param options `url` is needed.
 * @throws (rejects) as `sessionCookies` does; `FST_SEALED_SESSION_OPTION_INVALID` for a `url` that is none of http or https.
 */
export async function browserCookies<Name extends string = 'session'> (app: TestedApp, data: TestedData<Name>, options: BrowserCookiesOptions<Name>): Promise<BrowserCookie[]> {
  refuseUnknown(options, ['sessionName', 'at', 'authenticated', 'url'])
  const { protocol, hostname } = urlFrom(options.url)
  const { parts, attributes } = await logIn(app, data, options, protocol === 'https:')
  const { path, domain, secure, httpOnly } = attributes
  return parts.map(({ name, text }) => ({
    name,
    value: text,
    domain: domain ? `.${domain.replace(/^\./, '')}` : hostname,
    path: path || '/',
    expires: endOf(attributes, timeFrom(options.at) ?? Date.now()),
    httpOnly: httpOnly === true,
    secure: secure === true,
    ...sameSiteOf(attributes)
  }))
}

async function logIn (app: TestedApp, data: unknown, options: SessionCookiesOptions, isTls: boolean): Promise<LoginCookie> {
  const at = timeFrom(options.at)
  const methods = methodsFrom(options.authenticated)
  const name = readText(options, 'sessionName')
  if (data === undefined || data === null) throw fail('DATA_INVALID', [kindOf(data)])
  assertApp(app)
  await outermost(app).ready()
  return await sessionOf(app, name).logIn({ data, at, methods, isTls })
}

/** @throws `FST_SEALED_SESSION_TEST_APP`, also for an app of NestJS and for a promise that was not awaited */
function assertApp (app: unknown): void {
  const { ready, inject } = Object(app) as { ready?: unknown, inject?: unknown }
  if (typeof ready !== 'function' || typeof inject !== 'function') throw fail('TEST_APP', [types.isPromise(app) ? 'a promise' : isRequest(app) ? 'a request' : kindOf(app)])
}

/** App around all contexts: once it has started, `ready()` of a context in it fails with an error of Fastify's own. */
function outermost (app: TestedApp): TestedApp {
  const around = Object.getPrototypeOf(app) as Partial<TestedApp> | null
  return typeof around?.ready === 'function' ? outermost(around as TestedApp) : app
}

/** @throws `FST_SEALED_SESSION_TEST_ALONE`, `FST_SEALED_SESSION_UNKNOWN_SESSION` */
function sessionOf (app: object, name: string | undefined): RegisteredSession {
  const sessions = sessionsOf(app)
  const [first] = sessions
  if (first === undefined) throw fail('TEST_ALONE')
  const session = name === undefined ? first : sessions.find(({ sessionName }) => sessionName === name)
  if (session === undefined) throw fail('UNKNOWN_SESSION', [], { detail: `This app has: ${sessions.map(({ sessionName }) => `"${sessionName}"`).join(', ')}.` })
  return session
}

const YEAR = 365 * 86_400_000

/** Milliseconds since 1970; null for now. @throws `FST_SEALED_SESSION_OPTION_INVALID` */
function timeFrom (at: unknown): number | null {
  if (at === undefined) return null
  const time = types.isDate(at) ? at.getTime() : at
  if (typeof time !== 'number') throw notTime(kindOf(at))
  const now = Date.now()
  if (!(time >= 0)) throw notTime(types.isDate(at) ? 'an invalid Date, or one before 1970' : String(time))
  if (time > now + CLOCK_TOLERANCE * 1000) throw notTime('a time in the future')
  if (typeof at === 'number' && Math.abs(time * 1000 - now) < YEAR) throw notTime('a number that looks like seconds')
  return Math.floor(time)
}

function notTime (got: string): Error {
  return fail('OPTION_INVALID', ['at', 'a Date, or milliseconds since 1970, not in the future', got])
}

/** @throws `FST_SEALED_SESSION_METHOD_INVALID` */
function methodsFrom (given: unknown): readonly string[] {
  const methods: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given]
  return methods.map(method => {
    if (!isMethod(method)) throw fail('METHOD_INVALID', [METHOD_RULE, typeof method === 'string' ? 'other text' : kindOf(method)])
    return method
  })
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
function urlFrom (given: unknown): URL {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : null
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw fail('OPTION_INVALID', ['url', 'the address of the app as a browser has it, such as "http://localhost:3000"', typeof given === 'string' ? 'other text' : kindOf(given)])
}

function decodeURIComponentOr (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // an encoding of the app's own, which is compared then
  }
}

/** Seconds since 1970; -1 if the browser decides. */
function endOf ({ maxAge, expires }: CookieSerializeOptions, writtenAt: number): number {
  if (maxAge !== undefined) return Math.floor(writtenAt / 1000) + maxAge
  return expires === undefined ? -1 : Math.floor(new Date(expires).getTime() / 1000)
}

function sameSiteOf ({ sameSite }: CookieSerializeOptions): Pick<BrowserCookie, 'sameSite'> {
  switch (typeof sameSite === 'string' ? sameSite.toLowerCase() : sameSite) {
    case true: case 'strict': return { sameSite: 'Strict' }
    case 'lax': return { sameSite: 'Lax' }
    case 'none': return { sameSite: 'None' }
    default: return {}
  }
}
