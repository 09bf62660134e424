// How many cores were busy with this run and with anything else: what its figures of latency are worth.
import os from 'node:os'

export class Cores {
  #own
  #idle = idleTime()
  #at = performance.now()

  /** @param figures of the servers, each with its `cpu` time */
  constructor (figures) {
    this.#own = ownTime(figures)
  }

  /** How many cores the run and all else kept busy since the last time, on average. */
  busy (figures) {
    const [ownTotal, idle, at] = [ownTime(figures), idleTime(), performance.now()]
    const microseconds = (at - this.#at) * 1000
    const own = (ownTotal - this.#own) / microseconds
    const others = Math.max(0, os.cpus().length - (idle - this.#idle) / microseconds - own)
    this.#own = ownTotal
    this.#idle = idle
    this.#at = at
    return { own, others }
  }
}

/** Microseconds of CPU time that the servers and the client have used. */
function ownTime ({ A, B }) {
  const { user, system } = process.cpuUsage()
  return A.cpu + B.cpu + user + system
}

/** Microseconds for which the cores of the machine have been idle, of all of them together. */
function idleTime () {
  return os.cpus().reduce((sum, { times }) => sum + times.idle * 1000, 0)
}
