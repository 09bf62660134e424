import { LogController } from 'fastify'

const LEVELS = new Map([[20, 'debug'], [30, 'info'], [40, 'warn'], [50, 'error'], [60, 'fatal']])

/** Lines that are kept for the page. */
const KEPT = 60

/**
 * A line of the log, for people.
 * @typedef {{ time: number, level: string, text: string }} Line
 */

/** Where the log goes: takes the JSON that Fastify's logger writes, prints and keeps readable lines. */
export class Journal {
  /** @type {Line[]} oldest first */
  recent = []
  #print

  /** @param {(line: string) => void} print */
  constructor (print) {
    this.#print = print
  }

  /** @param {string} json one line */
  write (json) {
    const { time, level, msg, err } = JSON.parse(json)
    const line = { time, level: LEVELS.get(level) ?? 'trace', text: msg }
    this.recent = [...this.recent, line].slice(-KEPT)
    this.#print(`${new Date(time).toLocaleTimeString('en-GB')}  ${line.level.padEnd(5)}  ${msg}\n`)
    if (level >= 50 && err !== undefined) this.#print(`${err.stack}\n`)
  }
}

/** Leaves out Fastify's two lines a request, so that what happens to the session stands out. */
export class WithoutRequests extends LogController {
  /** @override */
  incomingRequest () {}
  /** @override */
  requestCompleted () {}
}
