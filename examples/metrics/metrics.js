// Counts what happens to sessions, for Prometheus.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, Histogram } from 'prom-client'

const OPEN = 'fastify-sealed-session:open'
const SEAL = 'fastify-sealed-session:seal'

/**
 * Puts the metrics of all sessions of this process into a registry.
 * @param {import('prom-client').Registry} registry
 * @returns {() => void} stops counting
 */
export function countSessions (registry) {
  const registers = [registry]
  const opens = new Counter({
    name: 'session_opens_total',
    help: 'Tokens that were tried, by outcome and reason',
    labelNames: ['session', 'outcome', 'reason', 'format', 'key'],
    registers
  })
  const seals = new Counter({
    name: 'session_seals_total',
    help: 'Sessions that were to be sealed, by outcome and error code',
    labelNames: ['session', 'outcome', 'reason', 'format', 'key'],
    registers
  })
  const sizes = new Histogram({
    name: 'session_sealed_bytes',
    help: 'Length of the tokens that were sealed',
    labelNames: ['session'],
    buckets: [128, 256, 512, 1024, 2048, 3072, 4096, 7168],
    registers
  })

  // What throws here becomes an uncaught exception, so nothing here does: each label has few values,
  // and none of them comes from a client.

  /** @param {unknown} message */
  const opened = message => {
    const { sessionName, outcome, reason, format, keyId } = /** @type {import('fastify-sealed-session').SessionOpenMessage} */ (message)
    opens.inc({ session: sessionName, outcome, reason: reason ?? '', format, key: keyId ?? '' })
  }

  /** @param {unknown} message */
  const sealed = message => {
    const { sessionName, outcome, reason, format, keyId, bytes } = /** @type {import('fastify-sealed-session').SessionSealMessage} */ (message)
    seals.inc({ session: sessionName, outcome, reason: reason ?? '', format, key: keyId })
    if (bytes !== null) sizes.observe({ session: sessionName }, bytes)
  }

  subscribe(OPEN, opened)
  subscribe(SEAL, sealed)
  return () => {
    unsubscribe(OPEN, opened)
    unsubscribe(SEAL, sealed)
  }
}
