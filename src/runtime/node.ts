import { getEventListeners } from 'node:events'

// All that the code under the web entry point needs of Node.js beside the language and `Buffer`. `edge.ts` has the same
// for runtimes that are not Node.js; conditions in src/package.json choose between the two files.

export { createError } from '@fastify/error'
export { channel } from 'node:diagnostics_channel'
export { format, types } from 'node:util'

/** True in the runtimes of `edge.ts`, which have no files, no libsodium and no threads. */
export const IS_EDGE: boolean = false

/** Variable of the environment. */
export function environment (name: string): string | undefined {
  return process.env[name]
}

/** Writes a warning that no app can log. */
export function emitWarning (message: string, code: string): void {
  process.emitWarning(message, { code })
}

/** True if somebody listens to a signal. */
export function hasAbortListener (signal: AbortSignal): boolean {
  return getEventListeners(signal, 'abort').length > 0
}
