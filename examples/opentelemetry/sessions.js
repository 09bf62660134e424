// Puts what happens to sessions on the spans of OpenTelemetry, and counts it.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { metrics, trace } from '@opentelemetry/api'

const LIFECYCLE = 'fastify-sealed-session:lifecycle'

/**
 * Adds an event to the span of the request for each event of a session, and counts them by kind.
 * @returns {() => void} stops it
 */
export function observeSessions () {
  const counter = metrics.getMeter('sessions').createCounter('session.lifecycle', { description: 'Events of sessions, by kind and cause' })

  /** @param {unknown} message */
  const observe = message => {
    const { event, sessionName, id, subjects, cause, reason, method } = /** @type {import('fastify-sealed-session').SessionLifecycleMessage} */ (message)
    const why = cause ?? reason ?? method
    const labels = { 'session.name': sessionName, 'session.event': event, ...(why !== null && { 'session.cause': why }) }
    counter.add(1, labels) // each label has few values: the id is none of them
    trace.getActiveSpan()?.addEvent(`session.${event}`, { ...labels, 'session.subjects': [...subjects], ...(id !== null && { 'session.id': id }) })
  }

  subscribe(LIFECYCLE, observe)
  return () => unsubscribe(LIFECYCLE, observe)
}
