import type { FastifyReply, FastifyRequest } from 'fastify'

// Notes that the plugin's hooks leave on a request for the sessions that are used in it.

/**
 * Reply of the request, set by the plugin's first hook; before it null, or undefined in a context that was
 * made before the plugin was registered.
 */
export const kReply: unique symbol = Symbol('reply')

/** True after the plugin's `onSend` hook has sealed: nothing later would. */
export const kSealed: unique symbol = Symbol('sealed')

export type TrackedRequest = FastifyRequest & { [kReply]: FastifyReply | null | undefined, [kSealed]: boolean }
