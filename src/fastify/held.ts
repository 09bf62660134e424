import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Lines } from '../cookies/write.ts'
import { isCaught, type TrackedRequest } from './hooks.ts'
import type { Registered } from './registered.ts'
import { RequestSession } from './request-session.ts'
import type { SessionState } from '../session/session.ts'
import type { Session } from '../types.ts'

// Sessions of the app that are in use on a request.

/** Stands in the slot of a session after `request.session = null`. */
class Discarded {
  /**
   * The session that nothing of is sent; null until something asks for it. A session that is assigned later
   * must not hide that it has ended.
   */
  session: RequestSession | null

  constructor (session: RequestSession | null) {
    this.session = session
  }
}

/** A request's slot for a session: null until it is used. */
type Slots = TrackedRequest & Record<symbol, RequestSession | Discarded | null | undefined>

/** Session of a request, found when it is first used; null if it was discarded. */
export function hold (request: FastifyRequest, registered: Registered): RequestSession | null {
  let held = (request as Slots)[registered.slot]
  if (held === null || held === undefined) {
    const slots = ownerOf(request, registered)
    held = slots[registered.slot] = new RequestSession(registered, slots)
  }
  return held instanceof Discarded ? null : held
}

/** Session that a request brings or was given, also after `request.session = null`. */
export function incumbent (request: FastifyRequest, registered: Registered): RequestSession {
  const held = hold(request, registered)
  if (held !== null) return held
  const slots = ownerOf(request, registered)
  const discarded = slots[registered.slot] as Discarded // else it would be held
  discarded.session ??= RequestSession.discarded(registered, slots)
  return discarded.session
}

/**
 * Session of a request for the app; null if it was discarded.
 * @throws the error of an extension, if Fastify can answer with it; otherwise the session reads as empty.
 */
export function sessionOf (request: FastifyRequest, registered: Registered): Session | null {
  try {
    return hold(request, registered)?.session ?? null
  } catch (error) {
    if (isCaught(request)) throw error
    return unusable(request, registered)
  }
}

/** An empty session that is never sent, for code that may look and must not fail. */
export function unusable (request: FastifyRequest, { manager, warnings }: Registered): Session {
  const state = manager.create()
  state.observe({ written: () => { warnings.warn('FST_SEALED_SESSION_WARN_WRITE_IGNORED', request) } })
  return state.session
}

/**
 * The request that has the slot, if an app has derived another from it: `Object.create(request)`. A session
 * of the derived one alone would be written, and sent by nobody.
 */
function ownerOf (request: FastifyRequest, { slot }: Registered): Slots {
  let owner: object | null = request
  while (owner !== null && !Object.hasOwn(owner, slot)) owner = Object.getPrototypeOf(owner) as object | null
  return (owner ?? request) as Slots
}

/** Session of a request if something has used it. */
export function heldIn (request: FastifyRequest, { slot }: Registered): RequestSession | null {
  const held = (request as Slots)[slot]
  return held instanceof RequestSession ? held : null
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

/**
 * Puts the cookies of the sessions that a request has used on the response, from one of them on.
 * @returns a promise only if one of them has to be waited for.
 */
export function sendAll (sessions: readonly Registered[], request: FastifyRequest, reply: FastifyReply, from: number): Promise<void> | undefined {
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

/** Lines that a session has put on the response so far. */
export function linesOf (request: FastifyRequest, registered: Registered): Lines {
  return heldIn(request, registered)?.lines ?? []
}
