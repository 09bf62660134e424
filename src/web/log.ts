import { fallbackReason } from '#sodium'
import type { SessionLog } from '../http/exchange.ts'
import { type Warn, warnOnce } from '../messages.ts'
import type { WebLog } from './types.ts'

/** Log of web sessions. */
export interface Log extends SessionLog {
  warn (details: { code: string }, message: string): void
}

function nothing (): void {}

/** Log that the process writes, for an app that gives none: warnings and failures, each once. */
const OF_PROCESS: Log = {
  error: (details, message) => { warnOnce((details as { err?: { code?: string } }).err?.code ?? 'FST_SEALED_SESSION', message) },
  warn: ({ code }, message) => { warnOnce(code, message) },
  info: nothing,
  debug: nothing,
  trace: nothing
}

/** The methods that a logger has, bound to it. */
export function logOf (given: WebLog | undefined): Log {
  if (given === undefined) return OF_PROCESS
  return {
    error: (details, message) => { given.error?.(details, message) },
    warn: (details, message) => { given.warn?.(details, message) },
    info: message => { given.info?.(message) },
    debug: message => { given.debug?.(message) },
    trace: nothing
  }
}

/** Warns of libsodium as WebAssembly, once in a process. */
export function warnOfBuild (warn: Warn): void {
  const reason = fallbackReason()
  if (reason !== null) warn('FST_SEALED_SESSION_WARN_WASM', reason)
}
