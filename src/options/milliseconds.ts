import type { Warn } from '../warnings.ts'

const DAY = 86_400

/** Least number of seconds that is taken for milliseconds: a session of ten minutes. Nobody means less. */
const LEAST = 6 * DAY

/**
 * Days, in seconds, of three hours in milliseconds: whole hours in milliseconds make whole days three at a
 * time. In seconds nobody means a multiple.
 */
const THREE_HOURS = 125 * DAY

/**
 * True for a number of seconds that is more likely one of milliseconds: whole minutes, if read so, and
 * no whole number of days if read as seconds, as lifetimes of weeks are.
 */
export function looksLikeMilliseconds (seconds: number): boolean {
  if (seconds < LEAST || seconds % 60_000 !== 0) return false
  return seconds % DAY !== 0 || seconds % THREE_HOURS === 0
}

/**
 * Warns of a number that looks like milliseconds: eight hours in milliseconds are 333 days in seconds, and
 * nothing would say so.
 */
export function warnOfMilliseconds (name: string, seconds: unknown, sessionName: string, warn: Warn): void {
  if (typeof seconds !== 'number' || !looksLikeMilliseconds(seconds)) return
  warn('FST_SEALED_SESSION_WARN_MILLISECONDS', sessionName, name, seconds, Math.floor(seconds / DAY), seconds / 1000)
}
