import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { type AppSession, AppSessionManager } from './app-sessions.ts'
import { CompanionCookie } from './companion-cookie.ts'
import { type AppCookies, NO_COOKIES, registerCookies } from './cookie-plugin.ts'
import { fallbackReason } from '#sodium'
import { fail } from '../errors.ts'
import { kSessions, type RegisteredSession, VERSION } from './registered-session.ts'
import { type CookieCoding, kReply, kSealed, type SessionRequest, type TrackedRequest } from '../http/exchange.ts'
import { extensible, type ExtensibleSession } from '../extension/extensible.ts'
import { heldIn, sessionOf } from '../http/request-session.ts'
import { SessionCookie } from '../http/response-cookie.ts'
import { RouteWarnings } from '../http/route-warnings.ts'
import { type Registered, unusable } from '../http/session-manager.ts'
import { addFirstHook, decorateFrameworkErrors, isCaught, waitAsSent } from './internals.ts'
import { keyFileMessage } from '../keys/followed-keys.ts'
import { logIn } from './login.ts'
import { isNoLog, type Warn, warnerOf, warnOnce } from '../messages.ts'
import { assertAlone, assertRegistered, refuseLater, warnOfUnguarded, watchForeignMethods, watchOtherContexts } from './mistakes.ts'
import type { SessionConfig } from '../options/options.ts'
import { readOptionsList } from '../options/options-list.ts'
import { assign, AssignableSessions, discard, incumbent, openFrom } from './outside.ts'
import { routeConfigCheck } from './route-config.ts'
import { stateOf } from '../session/info.ts'
import { SessionSignals } from '../session/lazy-signals.ts'
import { Codec } from '../token/codec.ts'
import type { DecodeLog, DecodeOptions, FastifySecureSession, Session } from '../types.ts'

// The wiring into Fastify, and nothing else. Places of the rest:
//
//   options of register()                options/, keys/
//   a cookie in a request                http/session-manager.ts, cookies/read.ts
//   a token, opened and sealed           token/, data/, crypto/
//   a session as handlers see it         session/
//   the sessions of a request            http/request-session.ts
//   settings of a route                  route-config.ts
//   a session outside a request          outside.ts
//   a login without a request            login.ts
//   a cookie on a response               http/response-cookie.ts, cookies/write.ts
//   the app's @fastify/cookie            cookie-plugin.ts
//   plugins that have a say in sessions  extension/, revocation/
//   messages                             errors.ts, messages.ts

/** The sessions that a context of the app has. */
const kRegistered = Symbol('registered')

const plugin: FastifyPluginAsync = async (app, options) => {
  assertAlone(app)
  const warn = warnerOf(app.log)
  const configs = await readOptionsList(options, warn)
  const { coding, hook } = await registerCookies(app, configs)

  const signals = signalsOf(app)
  const sessions = configs.map((config): AppSession => ({
    manager: new AppSessionManager(config, codecOf(app, config), coding, signals, warn),
    cookie: new SessionCookie(config, coding, warn),
    warnings: new RouteWarnings(config.sessionName, warn),
    slot: Symbol(config.sessionName),
    extensions: null,
    isCaught
  }))
  const assignable = new AssignableSessions(sessions.map(({ manager }) => manager))
  addDecorators(app, sessions, assignable, signals, coding)
  for (const session of sessions) addToRequests(app, session, assignable)
  addToReplies(app, sessions)
  if (!app.hasRequestDecorator(kReply)) app.addHook('onRoute', routeConfigCheck(warn)) // routes of contexts inside have it, too
  addHooks(app, sessions, hook)
  refuseLater(app, !coding.isApps)
  warnOfUnguarded(app, sessions, warn)
  watchForeignMethods(app, configs, warn)
  watchOtherContexts(app, configs, warn)
  followKeyFiles(app, configs)
  followKeys(app, configs, signals)
  warnOfWasm(app, warn)
}

function codecOf (app: FastifyInstance, config: SessionConfig): Codec {
  const codec = new Codec(config)
  if (config.cache !== null) app.addHook('onClose', async () => { codec.close() })
  return codec
}

/**
 * Mark on the server of an app whose log has the warning. `Symbol.for`: both copies of the package may be in
 * use.
 */
const kWasmWarned = Symbol.for('fastify-sealed-session.wasm')

/** Warns once an app, however often the plugin is registered in it: the contexts of an app share one server. */
function warnOfWasm ({ server }: FastifyInstance, warn: Warn): void {
  const reason = fallbackReason()
  if (reason === null || Object.hasOwn(server, kWasmWarned)) return
  Object.defineProperty(server, kWasmWarned, { value: true })
  warn('FST_SEALED_SESSION_WARN_WASM', reason)
}

/** Has the app's log tell the events of its keyrings' files. */
function followKeyFiles (app: FastifyInstance, configs: readonly SessionConfig[]): void {
  for (const keyring of new Set(configs.map(({ appKeyring }) => appKeyring))) {
    const stop = keyring?.subscribe(event => {
      if (event.type !== 'failed') return app.log.info({ keyIds: event.ids }, keyFileMessage(event))
      app.log.error({ code: 'FST_SEALED_SESSION_KEY_FILE' }, keyFileMessage(event))
      if (isNoLog(app.log)) warnOnce('FST_SEALED_SESSION_KEY_FILE', keyFileMessage(event))
    })
    if (stop !== undefined) app.addHook('onClose', async () => { stop() })
  }
}

/** Key of the signals of an app, which the contexts within it share. */
const kSignals = Symbol('signals')

function signalsOf (app: FastifyInstance): SessionSignals {
  if (app.hasDecorator(kSignals)) return app.getDecorator<SessionSignals>(kSignals)
  const signals = new SessionSignals()
  app.decorate(kSignals, signals)
  app.addHook('onClose', async () => { signals.close() })
  return signals
}

/** Has signals look at once when a key is taken away. */
function followKeys (app: FastifyInstance, configs: readonly SessionConfig[], signals: SessionSignals): void {
  for (const keyring of new Set(configs.map(({ appKeyring }) => appKeyring))) {
    const stop = keyring?.changed(() => { signals.lookAgain() })
    if (stop !== undefined) app.addHook('onClose', async () => { stop() })
  }
}

/** Adds the methods that work outside a request. */
function addDecorators (app: FastifyInstance, sessions: readonly AppSession[], assignable: AssignableSessions, signals: SessionSignals, coding: CookieCoding): void {
  const byName = new Map(sessions.map(({ manager }) => [manager.config.sessionName, manager]))
  const first = sessions[0]!.manager // readOptionsList returns at least one

  const managerOf = (name: string | undefined): AppSessionManager => {
    const manager = name === undefined ? first : byName.get(name)
    if (manager === undefined) throw fail('UNKNOWN_SESSION')
    return manager
  }

  app.decorate(kSessions, sessions.map(session => onApp(app, session, coding, signals)))

  app.decorate('createSecureSession', (data?: object | null) => assignable.add(first.create(data), first).session)

  app.decorate('encodeSecureSession', (session: unknown, sessionName?: string) =>
    managerOf(sessionName).encode(stateOf(session)))

  app.decorate('decodeSecureSession', (from: unknown, log?: DecodeLog, sessionName?: string, options?: DecodeOptions) => {
    const manager = managerOf(sessionName)
    const state = openFrom(from, log, app.log, manager, options?.device === 'ignore')
    // Callers say what type of session they expect.
    return state === null ? null : assignable.add(state, manager).session as never
  })
}

function nameReserved (app: FastifyInstance, sessionName: string): Error {
  const outer = app.hasDecorator(kRegistered) ? app.getDecorator<readonly Registered[]>(kRegistered) : []
  const isOurs = outer.some(({ manager }) => manager.config.sessionName === sessionName)
  return fail('NAME_RESERVED', [sessionName], { detail: isOurs ? 'A session of the context around this one has it, and you can use it here: do not register it again.' : '' })
}

/** Adds `request.session`: opened when it is first used, in any hook. */
function addToRequests (app: FastifyInstance, registered: AppSession, assignable: AssignableSessions): void {
  const { manager, slot } = registered
  const { sessionName } = manager.config
  if (app.hasRequestDecorator(sessionName)) throw nameReserved(app, sessionName)

  app.decorateRequest(slot, null)
  app.decorateRequest(sessionName, {
    getter (this: FastifyRequest): Session {
      return sessionOf(this, registered) ?? null as never
    },
    setter (this: FastifyRequest, value: unknown): void {
      // @fastify/secure-session takes null, and then sends nothing.
      if (value === null || value === undefined) discard(this, registered)
      else assign(this, registered, value, assignable)
    }
  })
  decorateFrameworkErrors(app, sessionName, request => unusable(request, registered))
}

/** A session as plugins see it. */
function onApp (app: FastifyInstance, registered: AppSession, coding: CookieCoding, signals: SessionSignals): RegisteredSession {
  const { manager, cookie, warnings } = registered
  return Object.assign(extensible(registered, signals), {
    version: VERSION,
    warnings,
    find (request) {
      // Also one that a hook has discarded: a session that is assigned in its place must end it.
      return manager.mayFind(request) ? incumbent(request, registered).state : null
    },
    async logIn (login) {
      return await logIn(app, registered, coding, login)
    },
    peek (request) {
      return manager.peek(request)
    },
    async send (request, reply) {
      const held = incumbent(request, registered)
      if (held.session.deleted) return [] // it throws if the session was not checked
      await held.send(reply)
      return held.lines
    },
    lines (request) {
      return heldIn(request, registered)?.lines ?? []
    },
    companion (suffix) {
      return new CompanionCookie(app, manager.config, suffix, cookie, coding)
    }
  } satisfies Omit<RegisteredSession, keyof ExtensibleSession>)
}

/** Adds the parts that a response needs and `onSend` does not see. */
function addToReplies (app: FastifyInstance, own: readonly Registered[]): void {
  // Those of the contexts around this one as well, whose hooks run here, too.
  const outer = app.hasDecorator(kRegistered) ? app.getDecorator<readonly Registered[]>(kRegistered) : []
  const sessions = [...outer, ...own]
  app.decorate(kRegistered, sessions)
  const collect = async (reply: FastifyReply): Promise<string[]> => {
    if (reply.raw.headersSent) throw fail('HEADERS_SENT')
    await sendAll(sessions, reply.request, reply, 0)
    return sessions.flatMap(session => heldIn(reply.request, session)?.lines ?? [])
  }
  app.decorateReply('sessionCookies', function (this: FastifyReply) {
    const collecting = collect(this)
    // Without `await` a failure would be nobody's, and end the process.
    collecting.catch(() => { for (const session of sessions) heldIn(this.request, session)?.failedUnheard() })
    return noText(collecting)
  })
}

/**
 * A promise that is no text. Without `await`, Node would send the header "Set-Cookie: [object Promise]", and
 * nobody would notice.
 */
function noText<T> (promise: Promise<T>): Promise<T> {
  return Object.assign(promise, { toString () { throw fail('NOT_AWAITED') } })
}

/** Each request has the properties: `addHooks` decorates them. */
function asTracked (request: SessionRequest): TrackedRequest {
  return request as TrackedRequest
}

/** Notes the reply of each request in the first of all its hooks, and has `@fastify/cookie` make it ready for cookies. */
function firstHook (prepare: AppCookies['hook']): onRequestHookHandler {
  return (request, reply, done) => {
    asTracked(request)[kReply] = reply
    if (prepare === null) done()
    else prepare(NO_COOKIES, reply, done)
  }
}

function addHooks (app: FastifyInstance, sessions: readonly Registered[], prepare: AppCookies['hook']): void {
  if (!app.hasRequestDecorator(kReply)) {
    app.decorateRequest(kReply, null)
    app.decorateRequest(kSealed, false)
  }

  addFirstHook(app, firstHook(prepare))

  // No closure in here, nor in sendAll(): each would be paid for by every request.
  app.addHook('onSend', (request, reply, _payload, done) => {
    const tracked = asTracked(request)
    // A hook of the app's may have replied before the one above ran.
    tracked[kReply] = reply
    try {
      const sending = sendAll(sessions, request, reply, 0)
      if (sending !== undefined) return finishLater(tracked, reply, sending, done)
    } catch (error) {
      tracked[kSealed] = true
      return done(error as Error)
    }
    tracked[kSealed] = true
    done()
  })
}

/**
 * Puts the cookies of the sessions that a request has used on the response, from one of them on.
 * @returns a promise only if one of them has to be waited for.
 */
function sendAll (sessions: readonly Registered[], request: FastifyRequest, reply: FastifyReply, from: number): Promise<void> | undefined {
  for (let index = from; index < sessions.length; index++) {
    const sending = heldIn(request, sessions[index]!)?.send(reply) // index is below the length
    if (sending !== undefined) return sendRest(sending, sessions, request, reply, index + 1)
  }
}

async function sendRest (sending: Promise<void>, sessions: readonly Registered[], request: FastifyRequest, reply: FastifyReply, from: number): Promise<void> {
  await sending
  await sendAll(sessions, request, reply, from)
  // A handler that did not return its reply may have gone on meanwhile, and have written to one that was sealed.
  for (const session of sessions) await heldIn(request, session)?.sendAgain(reply)
}

function finishLater (request: TrackedRequest, reply: FastifyReply, sending: Promise<void>, done: (error?: Error) => void): void {
  waitAsSent(reply, sending, error => {
    request[kSealed] = true
    done(error)
  })
}

/** For a plugin that calls this one and hands its own callback on, as it may with the peer. */
const callable: FastifySecureSession = async (app, options, ...[done]) => {
  assertRegistered(app, 'fastifySecureSession')
  const registered = plugin(app, options as never)
  if (done === undefined) await registered
  else await registered.then(() => { done() }, done)
}

/**
 * The plugin: gives each request a session that lives in an encrypted cookie.
 * @param options of one session, or an array with those of several, each with a `sessionName`.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant, such as
 * `FST_SEALED_SESSION_KEY_MISSING`; `docs/reference/errors.md` in the folder of this package has all of them. An option that
 * is legal but probably a mistake is logged once, as a warning.
 */
export const fastifySecureSession: FastifySecureSession = fp(callable, {
  fastify: '5.x',
  // Name of @fastify/secure-session: other plugins ask for it with hasPlugin, or have it among their
  // dependencies.
  name: '@fastify/secure-session'
})
