// Writes what happens to sessions, one line of JSON for each: for an auditor, and for support.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const LIFECYCLE = 'fastify-sealed-session:lifecycle'

/**
 * Writes a line for each event of all sessions of this process.
 * @param {(line: string) => void} write
 * @returns {() => void} stops writing
 */
export function auditSessions (write) {
  // It is called in the middle of a request, and an error that it throws ends the process: it only writes.
  /** @param {unknown} message */
  const log = message => {
    const { event, sessionName, cause, reason, method, ...rest } = /** @type {import('fastify-sealed-session').SessionLifecycleMessage} */ (message)
    write(JSON.stringify({ time: new Date(), event: `session.${event}`, session: sessionName, why: cause ?? reason ?? method, ...rest }))
  }

  subscribe(LIFECYCLE, log)
  return () => unsubscribe(LIFECYCLE, log)
}
