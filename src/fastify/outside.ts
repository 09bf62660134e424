import type { FastifyRequest } from 'fastify'
import { kindOf, fail } from '../errors.ts'
import { isCaught } from './internals.ts'
import { heldIn, hold, ownerOf, RequestSession } from '../http/request-session.ts'
import { Discarded, type Registered } from '../http/session-manager.ts'
import type { AppSession, AppSessionManager } from './app-sessions.ts'
import { maybeStateOf } from '../session/info.ts'
import type { SessionState } from '../session/session.ts'
import type { CookieRequest, DecodeLog } from '../types.ts'

// Sessions outside a request, and their way into one: `request.session = session`.

/** Session of a token or of a request; null if there is none that opens. */
export function openFrom (from: unknown, log: DecodeLog | undefined, appLog: DecodeLog, manager: AppSessionManager, isAnyDevices: boolean): SessionState | null {
  if (typeof from === 'string') return manager.open(from, log ?? appLog, isAnyDevices)
  if (isRequest(from)) return manager.openIn(from, log ?? from.log ?? appLog, isAnyDevices)
  const used = log ?? appLog
  used.trace?.('@fastify/secure-session: there is no cookie, creating an empty session')
  return null
}

function isRequest (value: unknown): value is CookieRequest & { log?: DecodeLog } {
  const headers = (value as CookieRequest | null | undefined)?.headers
  return typeof headers === 'object' && headers !== null
}

/**
 * Sessions of an app that were made or opened outside a request, and that no request has yet: one
 * that two requests shared would be sent to both of their users.
 */
export class AssignableSessions {
  readonly #managers: ReadonlySet<object>

  /** @param managers those of the sessions of the app. */
  constructor (managers: Iterable<AppSessionManager>) {
    this.#managers = new Set<object>(managers)
  }

  /** @param manager its maker. */
  add (state: SessionState, manager: AppSessionManager): SessionState {
    state.madeOutsideBy = manager
    return state
  }

  /** True if a session may be the one of a name: a new one may take any, an opened one its own. */
  has (state: SessionState, manager: AppSessionManager): boolean {
    const { madeOutsideBy: own } = state
    return own === manager || (own !== null && this.#managers.has(own) && state.origin === null && !state.isOpened)
  }

  remove (state: SessionState): void {
    state.madeOutsideBy = null
  }
}

/**
 * Makes a session that of a request.
 * @throws `FST_SEALED_SESSION_ASSIGNED` for anything else than an assignable session; if Fastify can answer
 * with it, `FST_SEALED_SESSION_NOT_CHECKED` for one that may have been revoked.
 */
export function assign (request: FastifyRequest, registered: AppSession, value: unknown, assignable: AssignableSessions): void {
  const { manager } = registered
  const state = maybeStateOf(value)
  if (state !== null && state === heldIn(request, registered)?.state) return
  if (state === null || !assignable.has(state, manager)) {
    const kind = state === null ? kindOf(value) : 'a session that a request has had, or that is of another app or name'
    throw fail('ASSIGNED', [manager.config.sessionName, kind])
  }
  if (!isAllowed(request, registered, state)) return
  assignable.remove(state) // first: a session that cannot be sealed must not get into a second request
  manager.adopt(state, request)
  replace(request, registered, state)
}

/** Asks the extensions. If nothing would catch an error of theirs, the assignment is ignored, with a warning. */
function isAllowed (request: FastifyRequest, registered: Registered, state: SessionState): boolean {
  const { extensions, warnings } = registered
  try {
    extensions?.used(incumbent(request, registered).state)
    extensions?.assignable(state)
    return true
  } catch (error) {
    if (isCaught(request)) throw error
    warnings.warn('FST_SEALED_SESSION_WARN_WRITE_IGNORED', request)
    return false
  }
}

/** Session that a request brings or was given, also after `request.session = null`. */
export function incumbent (request: FastifyRequest, registered: Registered): RequestSession {
  const held = hold(request, registered)
  if (held !== null) return held
  const slots = ownerOf(request, registered)
  const discarded = slots[registered.slot] as Discarded // else it would be held
  if (discarded.session === null) {
    discarded.session = new RequestSession(registered, slots)
    discarded.session.discard()
  }
  return discarded.session
}

/** Has nothing of a session's changes sent. */
export function discard (request: FastifyRequest, registered: Registered): void {
  const slots = ownerOf(request, registered)
  const held = slots[registered.slot]
  if (held instanceof Discarded) return
  held?.discard()
  slots[registered.slot] = new Discarded(held ?? null)
}

/** Makes another session that of a request: it is sent, and the one before is not. */
export function replace (request: FastifyRequest, registered: Registered, state: SessionState): void {
  const before = incumbent(request, registered)
  const slots = ownerOf(request, registered)
  const held = slots[registered.slot] = new RequestSession(registered, slots, state)
  held.takeOver(before)
}
