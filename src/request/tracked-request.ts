import type { FastifyReply, FastifyRequest } from 'fastify'

// What the plugin's hooks leave on a request for the sessions that are used in it.

/** Set by the plugin's first hook that runs; null before it. */
export const kReply: unique symbol = Symbol('reply')

/** Set after the plugin's `onSend` hook has sealed: nothing later would. */
export const kSealed: unique symbol = Symbol('sealed')

export type TrackedRequest = FastifyRequest & { [kReply]: FastifyReply | null, [kSealed]: boolean }
