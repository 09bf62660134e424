import { developmentOf } from '#development'
import { addDevices } from '#device'
import { addRegistry, readRegistryOptions } from '#registry'
import { addRevocation, readRevocationOptions } from '#revocation'
import { Codec } from '../token/codec.ts'
import { once, UnprovenSessions } from '../device/unproven.ts'
import { fail } from '../errors.ts'
import { type ExtensibleSession, extensible } from '../extension/extensible.ts'
import { hasUser } from '../extension/session-identities.ts'
import { SessionCookie } from '../http/response-cookie.ts'
import { RouteWarnings } from '../http/route-warnings.ts'
import { type Registered, SessionManager } from '../http/session-manager.ts'
import { type Warn, warnerOf } from '../messages.ts'
import { readOptions } from '../options/options.ts'
import { withSafeDefaults } from '../options/safe-defaults.ts'
import type { RegistryMethods, SessionRegistryOptions } from '../registry/types.ts'
import type { RevocationMethods } from '../revocation/types.ts'
import { SessionSignals } from '../session/lazy-signals.ts'
import type { DeclaredData } from '../types.ts'
import { webCoding } from './cookie-coding.ts'
import type { WebRequest } from './web-exchange.ts'
import { type Log, logOf, warnOfBuild } from './log.ts'
import { OpenedSessions } from './opened.ts'
import type { OpenOptions, WebRequestSource, WebSession, WebSessions, WebSessionsOptions } from './types.ts'

/**
 * Sessions on web standards, for servers without Fastify: it opens the cookies of an app on Fastify beside it, and that app
 * opens those from here. It needs the same options there and here, of `sealedSession`, whose defaults it has.
 *
 * A server here does not know if its users come over TLS: if NODE_ENV is not `production` and `cookie.secure` is not given,
 * the cookie has no prefix, and `secure: 'auto'`.
 * @throws the errors of registration, with the same codes: those of the session, and those of the plugins.
 */
export async function createWebSessions<T = DeclaredData> (options: WebSessionsOptions = {}): Promise<WebSessions<T>> {
  const { own, revocation, registry, device, cookieSecret, log: given } = parted(options)
  const log = logOf(given)
  const warn = warnerOf(log)
  const config = await readOptions(await withSafeDefaults(own, development(log, warn)), warn)
  warnOfBuild(warn)
  const signals = new SessionSignals()
  const coding = await webCoding(config, cookieSecret)
  const codec = new Codec(config)
  const registered: Registered = {
    manager: new SessionManager(config, codec, coding, signals, warn),
    cookie: new SessionCookie(config, coding, warn),
    warnings: new RouteWarnings(config.sessionName, warn),
    slot: Symbol(config.sessionName),
    extensions: null,
    isCaught: () => true
  }
  const session = extensible(registered, signals)
  const opened = new OpenedSessions(registered, log)
  if (device === undefined || device === false) opened.guard = unknownDevices(session, warn)
  else addDevices(session, device, coding.signatures, warn)
  const methods = { ...addEnds(session, revocation, opened, log, warn), ...addList(session, registry, log, warn) }
  const unfollow = config.appKeyring?.changed(() => { signals.lookAgain() })
  return {
    ...methods,
    async open (request: WebRequestSource, options?: OpenOptions) {
      return await opened.open(request, options) as WebSession<T>
    },
    close () {
      unfollow?.()
      signals.close()
      codec.close()
    }
  }
}

interface Parted extends Pick<WebSessionsOptions, 'revocation' | 'registry' | 'device' | 'cookieSecret' | 'log'> {
  own: unknown
}

/** The options that a session has itself, and those of plugins. @throws `FST_SEALED_SESSION_OPTIONS_INVALID` */
function parted (options: WebSessionsOptions): Parted {
  if (Array.isArray(options)) throw fail('OPTIONS_INVALID', ['', 'an array'])
  if (typeof options !== 'object' || options === null) return { own: options } // refused by who reads it
  const { revocation, registry, device, cookieSecret, log, ...own } = options
  return { own, revocation, registry, device, cookieSecret, log }
}

function development (log: Log, warn: Warn): ReturnType<typeof developmentOf> {
  return developmentOf({
    isTls: false,
    fellAway: (sessionName, cookieName) => { log.info(`session "${sessionName}": NODE_ENV is not production, so the cookie is named "${cookieName}" and is "Secure" over TLS only`) },
    madeKey: sessionName => { warn('FST_SEALED_SESSION_WARN_KEY_EPHEMERAL', sessionName) }
  })
}

/** Keeps sessions from taking the place of one that is bound to a device, whose proof nobody asks for here. */
function unknownDevices (session: ExtensibleSession, warn: Warn): UnprovenSessions {
  return new UnprovenSessions({
    unproven: () => {},
    hasUser: state => hasUser(session.identities, state),
    ignored: once(() => { warn('FST_SEALED_SESSION_WARN_DEVICE_UNKNOWN', session.sessionName) })
  })
}

function addEnds (session: ExtensibleSession, given: WebSessionsOptions['revocation'], opened: OpenedSessions, log: Log, warn: Warn): RevocationMethods {
  if (given === undefined) return missing(['revokeSession', 'revokeSessionId', 'revokeSubject', 'revokeOtherSessions', 'revokeAll', 'restampSession', 'isSessionRevoked', 'useOnce'], 'revocation')
  const { extension, methods } = addRevocation(session, readRevocationOptions(given), { log, warn, requestNow: () => undefined, requestOf: state => opened.requestOf(state) })
  opened.revocation = extension
  return methods
}

function addList (session: ExtensibleSession, given: WebSessionsOptions['registry'], log: Log, warn: Warn): RegistryMethods {
  if (given === undefined) return missing(['listSessions'], 'registry')
  const { identities } = session
  if (identities?.tellsSubjects !== true) throw fail('REGISTRY_ALONE', ['option "revocation" with a "subject"'])
  const { describe } = given
  const own = describe === undefined ? {} : { describe: (request: unknown) => describe((request as WebRequest).given) }
  const options: SessionRegistryOptions = { ...given as Omit<typeof given, 'describe'>, ...own }
  return { listSessions: addRegistry(session, identities, readRegistryOptions(options), log, warn) }
}

/** Methods of an option that is not given. */
function missing<Name extends string> (names: readonly Name[], option: string): Record<Name, () => Promise<never>> {
  return Object.fromEntries(names.map(name => [name, async () => { throw fail('WEB_OPTION_MISSING', [name, option]) }])) as Record<Name, () => Promise<never>>
}
