import { fail, kindOf } from '../errors.ts'
import { kSessions, type RegisteredSession } from './registered-session.ts'
import type { SessionRequest } from '../http/exchange.ts'
import { hasUser } from '../extension/session-identities.ts'
import { getOwn } from '../data/data.ts'
import { isApp, isRequest } from './mistakes.ts'
import { readDuration, readText, refuseUnknown } from '../options/readers.ts'
import { METHOD_RULE } from '../session/authenticated.ts'
import { stateOf } from '../session/info.ts'
import type { SessionState } from '../session/session.ts'
import { authenticationsOf, isMethod } from '../token/authentications.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import type { NotFreshError, RequireFreshOptions, RequireSessionOptions, SessionGuard } from '../types.ts'

// Guards: hooks that let a request on only if its session is good enough.

/**
 * Makes a hook for `onRequest`, `preValidation` or `preHandler` that lets a request on only if somebody is logged in.
 * Anybody else gets `FST_SEALED_SESSION_LOGIN_REQUIRED` (401), through the error handler of the app, or a redirect.
 * The answer has `Cache-Control: no-store`.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTIONS_INVALID`;
 * `FST_SEALED_SESSION_GUARD_MISPLACED` if it is itself given to a route.
 */
export function requireSession<Name extends string = 'session'> (options: RequireSessionOptions<Name> = {}): SessionGuard {
  assertCalled('requireSession', options)
  refuseUnknown(options, ['keys', 'redirect', 'sessionName'])
  const keys = readKeys(options.keys)
  return guard(options, (state, request, session) => {
    if (!isLoggedIn(state, keys)) return fail('LOGIN_REQUIRED')
    if (keys === null && isNobodys(state, session)) session?.warnings.warn('FST_SEALED_SESSION_WARN_GUARD_NOBODY', request)
    return null
  })
}

/**
 * Makes a hook for `onRequest`, `preValidation` or `preHandler` that lets a request on only if the user has
 * authenticated a short time ago: see `authenticated()`. Anybody else gets `FST_SEALED_SESSION_NOT_FRESH` (403), with
 * `within` and `method` for the page that asks the user, or a redirect. The answer has `Cache-Control: no-store`.
 *
 * A login that ended since does not count, but nothing here asks who the user is: put `requireSession()` first.
 * @throws `FST_SEALED_SESSION_DURATION`, `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_OPTION_UNKNOWN`,
 * `FST_SEALED_SESSION_OPTIONS_INVALID`, `FST_SEALED_SESSION_GUARD_MISPLACED`
 */
export function requireFresh (options: RequireFreshOptions): SessionGuard {
  assertCalled('requireFresh', options)
  refuseUnknown(options, ['within', 'method', 'redirect', 'sessionName'])
  const within = readDuration(options, 'within', NaN)
  const method = readMethod(options.method)
  return guard(options, state => isFresh(state, within, method) ? null : notFresh(within, method))
}

/** Refuses to be the hook itself: `preHandler: requireSession`. @throws `FST_SEALED_SESSION_GUARD_MISPLACED` */
function assertCalled (name: string, options: object): void {
  const got = isRequest(options) ? 'a request' : isApp(options) ? 'an app' : null
  if (got !== null) throw fail('GUARD_MISPLACED', [name, got, 'its options'])
}

/** Error for a request that may not go on; null for one that may. @param session undefined if its app is not known. */
type Refusal = (state: SessionState | null, request: SessionRequest, session: RegisteredSession | undefined) => Error | null

function guard (options: { redirect?: unknown, sessionName?: unknown }, refusalOf: Refusal): SessionGuard {
  const path = readOwnPath(options.redirect)
  const name = readText(options, 'sessionName')
  return (request, reply, done) => {
    // An error that is thrown here, since the store of the revocation is away, is no reason to log in again.
    const registered = registeredIn(request, name)
    const refusal = refusalOf(sessionIn(request, name ?? registered?.sessionName), request as SessionRequest, registered)
    if (refusal === null) return done()
    // It is the answer to this one user, at an address that others ask for.
    reply.header('cache-control', 'no-store')
    if (path === undefined) done(withoutStack(refusal))
    else reply.redirect(path, 303)
  }
}

/** A visitor without a login is no fault of the app: Fastify logs the stack of each error, a kilobyte that anybody could ask for. */
function withoutStack (error: Error): Error {
  error.stack = `${error.name}: ${error.message}`
  return error
}

/** Session of this name that the app of a request has registered. @param name default: the first one of the context. */
function registeredIn (request: object, name: string | undefined): RegisteredSession | undefined {
  const { server } = request as { server?: { [kSessions]?: readonly RegisteredSession[] } }
  const sessions = server?.[kSessions]
  return name === undefined ? sessions?.[0] : sessions?.find(({ sessionName }) => sessionName === name)
}

/**
 * Session of a request; null after `request.session = null`.
 * @throws `FST_SEALED_SESSION_UNKNOWN_SESSION`: a guard in a context without a session lets nobody on;
 * `FST_SEALED_SESSION_GUARD_MISPLACED` for one that was registered like a plugin.
 */
function sessionIn (request: object, name: string | undefined): SessionState | null {
  if (name === undefined || !(name in request)) throw isApp(request) ? fail('GUARD_MISPLACED', ['a guard', 'an app', 'a request']) : fail('UNKNOWN_SESSION')
  const session = (request as Record<string, unknown>)[name]
  return session === null ? null : stateOf(session)
}

function isLoggedIn (state: SessionState | null, keys: readonly string[] | null): boolean {
  if (state === null) return false
  const data = state.raw() // looks first: it is empty if it has ended
  return keys === null ? state.origin?.ok === true : keys.every(key => isThere(getOwn(data, key)))
}

/**
 * True for a session that opened and belongs to no user, in an app that says whose a session is. The revocation knows it from
 * its own check, so that the app's `subject` is not called again for a user.
 */
function isNobodys (state: SessionState | null, session: RegisteredSession | undefined): boolean {
  const identities = session?.identities ?? null
  return state !== null && identities?.subjectsInUse(state)?.length === 0 && hasUser(identities, state) === false
}

/** False for what apps write in place of a value that they take away. */
function isThere (value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== ''
}

function isFresh (state: SessionState | null, within: number, method: string | null): boolean {
  if (state === null) return false
  const now = state.look()
  const times = authenticationsOf(state.claims)
  const latest = method === null ? Math.max(-Infinity, ...times.values()) : times.get(method) ?? -Infinity
  // A time from far ahead, of a clock that was wrong, would be fresh for as long as it is ahead.
  return latest <= now + CLOCK_TOLERANCE * 1000 && now < latest + within * 1000
}

function notFresh (within: number, method: string | null): NotFreshError {
  const error = fail('NOT_FRESH', [within, method === null ? '' : ` by "${method}"`])
  return Object.assign(error, { within, method }) as unknown as NotFreshError
}

function readKeys (keys: unknown): readonly string[] | null {
  if (keys === undefined) return null
  const isList = Array.isArray(keys) && keys.length > 0 && keys.every(key => typeof key === 'string' && key !== '')
  if (!isList) throw fail('OPTION_INVALID', ['keys', 'an array of at least one name of a key', kindOf(keys)])
  return [...keys as string[]]
}

function readMethod (method: unknown): string | null {
  if (method === undefined) return null
  if (!isMethod(method)) throw fail('OPTION_INVALID', ['method', METHOD_RULE, typeof method === 'string' ? 'other text' : kindOf(method)])
  return method
}

/** A path of this site. Browsers read `\` as `/`, and leave out tabs and line breaks: `/\evil.example` and `/<tab>/evil.example` are other sites. */
const OWN_PATH = /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/

function readOwnPath (path: unknown): string | undefined {
  if (path === undefined) return undefined
  if (typeof path === 'string' && OWN_PATH.test(path)) return path
  throw fail('OPTION_INVALID', ['redirect', 'a path of this site: ASCII that begins with one "/", without "\\" and spaces', typeof path === 'string' ? 'other text' : kindOf(path)])
}
