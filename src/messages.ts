import { refusalText, warningText } from '#message-texts'
import { emitWarning } from '#runtime'
import type { WarningCode } from './message-table.ts'
import type { RefusalReason } from './types.ts'

export type { WarningCode } from './message-table.ts'

/** Writes a warning; `values` fill the places of its message. */
export type Warn = (code: WarningCode, ...values: unknown[]) => void

/** Writes a warning to the process. */
export const warnProcess: Warn = (code, ...values) => { emitWarning(warningText(code, values), code) }

/** Log of an app, as far as it is needed here. */
interface Log {
  level?: unknown
  warn: (details: { code: string }, message: string) => void
  error: unknown
  debug: unknown
}

/** Writer of warnings for an app with this log. */
export function warnerOf (log: Log): Warn {
  return (code, ...values) => {
    const message = warningText(code, values)
    log.warn({ code }, message)
    if (isNoLog(log)) warnOnce(code, message)
  }
}

/**
 * True for the log of an app that was made without a logger, as Fastify and the adapter of NestJS do by
 * default: one function that does nothing for every level, and no level that anybody has chosen.
 */
export function isNoLog (log: Log): boolean {
  return log.level === undefined && log.warn === log.error && log.warn === log.debug
}

const told = new Set<string>()

/**
 * Writes a warning to the process that an app cannot log; once, since a test suite makes the same app a
 * hundred times.
 */
export function warnOnce (code: string, message: string): void {
  if (told.has(message)) return
  told.add(message)
  emitWarning(message, code)
}

/** Line of the log that says why a token was refused. */
export function refusalMessage (reason: RefusalReason): string {
  return `@fastify/secure-session: ${refusalText(reason)}`
}

const ENDS: Partial<Record<RefusalReason, string>> = { revoked: 'was revoked', 'stamp-changed': 'has an old stamp', expired: 'has expired', 'key-unknown': 'lost its key', 'device-unproven': 'lacks the proof of its device' }

/** Words for the end of a session that was opened, such as 'was revoked'. */
export function endOfSession (reason: RefusalReason): string {
  return ENDS[reason] ?? 'ended'
}
