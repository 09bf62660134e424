import type { FastifyRequest } from 'fastify'
import { publishDevice, type SessionDeviceMessage } from '../diagnostics.ts'

/** Event of a session's device. */
export type DeviceEvent = Omit<SessionDeviceMessage, 'sessionName'>

/** Events that are written to the log, at level debug. */
const LOGGED: ReadonlyArray<DeviceEvent['event']> = ['refused', 'ended', 'unproven', 'skipped']

/** Publishes an event on the channel `fastify-sealed-session:device`; refusals are in the log, too. Nothing of a request is in either. */
export function tellDevice (sessionName: string, { event, reason, algorithm }: DeviceEvent, request?: FastifyRequest): void {
  publishDevice({ sessionName, event, reason, algorithm })
  if (LOGGED.includes(event)) request?.log.debug(`@fastify/secure-session: device ${event}${reason === null ? '' : `, ${reason}`}`)
}
