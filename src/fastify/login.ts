import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { fail } from '../errors.ts'
import type { CookieCoding } from '../http/exchange.ts'
import type { AppSession } from './app-sessions.ts'
import { internalOf } from './internals.ts'
import { endOfSession } from '../messages.ts'
import { METHOD_RULE } from '../session/authenticated.ts'
import type { SessionState } from '../session/session.ts'
import { withAuthentication } from '../token/authentications.ts'
import { AUTHENTICATIONS, type Claims } from '../token/claims.ts'

// Login without a request, for the tests of an app. The cookie is written by the code that writes it on a response, and
// revocation and registry do what they do at a login: a session that they did not know would be let in by luck, or not.

/** Login of a user: what the app would have written into the session. */
export interface Login {
  readonly data: unknown
  /** Time at which the session begins and is written, in milliseconds since 1970; null for now. */
  readonly at: number | null
  /** Methods by which the user has authenticated then. */
  readonly methods: readonly string[]
  /** True if the browser sees the app over TLS. */
  readonly isTls: boolean
}

/** Cookie of a session, as a response would set it. */
export interface LoginCookie {
  /** Its parts, more than one if it is split. `text` is the value as headers have it, `value` as the app reads it. */
  readonly parts: ReadonlyArray<{ readonly name: string, readonly text: string, readonly value: string | undefined }>
  readonly attributes: CookieSerializeOptions
  /** The value that the app reads if a header has this text. */
  readonly decode: CookieCoding['decode']
}

/**
 * Logs a user in.
 * @throws (rejects) the errors of sealing, and those with which a login fails: of the stores, and of limits.
 */
export async function logIn (app: FastifyInstance, { manager, cookie, extensions }: AppSession, { decode }: CookieCoding, login: Login): Promise<LoginCookie> {
  const reply = standIn(app, login.isTls)
  const begun = manager.create(login.data)
  const claims = claimsOf(login)
  if (claims !== undefined) begun.setClaim(AUTHENTICATIONS, claims.get(AUTHENTICATIONS) ?? null)
  const answer = await extensions?.sealing(begun, true, reply.request) ?? true
  if (answer !== true) throw fail('ENDED', [endOfSession(answer === false ? 'revoked' : answer)])
  const state = login.at === null ? begun : manager.moved(begun, login.at)
  const lines = cookie.write(reply, manager.seal(state), null)
  if (isAlive(state)) await extensions?.sealed(state, state.record(), reply.request)
  return { parts: lines.map(line => partOf(line, decode)), attributes: cookie.attributes(reply, null), decode }
}

/** @throws `FST_SEALED_SESSION_METHOD_INVALID` for more methods than a session has */
function claimsOf ({ methods, at }: Login): Claims | undefined {
  let claims: Claims | undefined
  for (const method of methods) {
    const next = withAuthentication(claims, method, at ?? Date.now())
    if (next === null) throw fail('METHOD_INVALID', [METHOD_RULE, 'more methods than a session has'])
    claims = next
  }
  return claims
}

/** False for one that has expired already: no list of sessions has it. */
function isAlive ({ expiresAt }: SessionState): boolean {
  return expiresAt > Date.now()
}

function partOf (line: string, decode: CookieCoding['decode']): LoginCookie['parts'][number] {
  const [, name = '', text = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
  return { name, text, value: decode(text) }
}

/** Route that a request has which no route answers, as far as requests and replies read it. */
const config = {}

/**
 * Reply to a request that nobody has sent, with what the app and its plugins have given to replies and requests. The
 * app's `describe` for the registry is given that request.
 */
function standIn (app: FastifyInstance, isTls: boolean): FastifyReply {
  const [Request, Reply] = [internalOf(app, 'fastify.Request'), internalOf(app, 'fastify.Reply')]
  if (Request === undefined || Reply === undefined) throw new Error('this version of Fastify is not known to fastify-sealed-session/testing')
  const raw = { method: 'POST', url: '/', headers: {}, socket: { encrypted: isTls, remoteAddress: '127.0.0.1' } }
  const request = new Request('test', {}, raw, {}, app.log, { server: app, config })
  return new Reply({}, request, app.log)
}
