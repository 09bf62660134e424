import type { FastifyRequest } from 'fastify'
import { isCaught, type TrackedRequest } from './internals.ts'
import { RequestSession } from './request-session.ts'
import { type Registered, unusable } from './session-manager.ts'
import type { Session } from '../types.ts'

// The sessions of a request, each in a slot of its own.

/** Stands in the slot of a session after `request.session = null`. */
export class Discarded {
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

/**
 * The request that has the slot, if an app has derived another from it: `Object.create(request)`. A session
 * of the derived one alone would be written, and sent by nobody.
 */
export function ownerOf (request: FastifyRequest, { slot }: Registered): Slots {
  let owner: object | null = request
  while (owner !== null && !Object.hasOwn(owner, slot)) owner = Object.getPrototypeOf(owner) as object | null
  return (owner ?? request) as Slots
}

/** Session of a request if something has used it. */
export function heldIn (request: FastifyRequest, { slot }: Registered): RequestSession | null {
  const held = (request as Slots)[slot]
  return held instanceof RequestSession ? held : null
}
