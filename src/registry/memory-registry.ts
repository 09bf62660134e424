import { fail } from '../errors.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import type { RegistryLine, RegistryStore } from './types.ts'

/** Lines that a `MemoryRegistry` holds unless told otherwise. */
const DEFAULT_MAX_ENTRIES = 100_000

interface Placed { line: RegistryLine, place: number }

/**
 * Registry in the memory of this process, for development, tests and an app that is one process.
 *
 * When it is full, the subject that was written least recently loses its lines, the oldest first. Nobody is logged out
 * by that.
 */
export class MemoryRegistry implements RegistryStore {
  readonly #maxEntries: number
  /** Lines by subject and id; the subject that was written last is the last one. */
  readonly #subjects = new Map<string, Map<string, Placed>>()
  #size = 0

  /**
   * @param options `maxEntries`: number of lines that it holds; default 100 000, which is about 64 MB.
   * @throws `FST_SEALED_SESSION_OPTION_INVALID` if that is no whole number above 0.
   */
  constructor ({ maxEntries = DEFAULT_MAX_ENTRIES }: { maxEntries?: number | undefined } = {}) {
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw fail('OPTION_INVALID', ['maxEntries', 'a whole number above 0', String(maxEntries)])
    }
    this.#maxEntries = maxEntries
  }

  put (subject: string, line: RegistryLine, isLogin: boolean): void {
    const lines = this.#subjects.get(subject) ?? new Map<string, Placed>()
    this.#subjects.delete(subject) // so that it becomes the last one
    this.#subjects.set(subject, lines)
    const before = lines.get(line.id)
    if (before !== undefined) {
      before.line = { ...line, description: before.line.description }
      return
    }
    this.#forgetExpired(lines)
    lines.set(line.id, { line, place: isLogin ? placeBehind(lines, line) : line.createdAt })
    this.#size++
    while (this.#size > this.#maxEntries) this.#makeRoom()
  }

  remove (subject: string, id: string): void {
    const lines = this.#subjects.get(subject)
    if (lines?.delete(id) !== true) return
    this.#size--
    if (lines.size === 0) this.#subjects.delete(subject)
  }

  list (subject: string): RegistryLine[] {
    const placed = [...this.#subjects.get(subject)?.values() ?? []]
    return placed.sort((a, b) => a.place - b.place).map(({ line }) => line)
  }

  #forgetExpired (lines: Map<string, Placed>): void {
    const until = Date.now() - CLOCK_TOLERANCE * 1000
    for (const [id, { line }] of lines) {
      if (line.expiresAt < until && lines.delete(id)) this.#size--
    }
  }

  #makeRoom (): void {
    const [subject, lines] = this.#subjects.entries().next().value! // it is full, so it has one
    this.remove(subject, lines.keys().next().value!) // each subject has a line
  }
}

/** Place behind all lines, whatever the clocks say. */
function placeBehind (lines: Map<string, Placed>, { createdAt }: RegistryLine): number {
  let place = createdAt
  for (const placed of lines.values()) place = Math.max(place, placed.place + 1)
  return place
}
