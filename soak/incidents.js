// What goes wrong in the run, or is done to it: rotations of the key, key files that arrive late or
// half written, and outages of Redis.
import { execFile } from 'node:child_process'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { RECOVERY, SESSION } from './plan.js'

const CLI = fileURLToPath(new URL('../genkey.js', import.meta.url))
const HALF_WRITTEN = 0.2

/** The command line, as an operator or cron runs it. */
export async function cli (...args) {
  await promisify(execFile)(process.execPath, [CLI, ...args])
}

export class Incidents {
  /** Milliseconds since 1970. */
  rotations = []
  halfWritten = []
  outages = []
  #options
  #stopping = new AbortController()
  #running = []

  /** @param options `plan`, `random`, `redis`, and `keyFiles`: the one that is rotated and the one it is copied to */
  constructor (options) {
    this.#options = options
  }

  /** Whether Redis was away in a span of time, or was just coming back. */
  isAway = ({ from, to }) => this.outages.some(outage => to >= outage.from && from <= outage.to + RECOVERY * 1000)

  start () {
    const { plan, random } = this.#options
    const rotateEvery = () => plan.rotateEvery
    const outageEvery = () => random.between(plan.outageEvery)
    this.#running = [this.#repeat(rotateEvery, () => this.#rotate()), this.#repeat(outageEvery, () => this.#outage())]
  }

  /** Resolves when what was under way is over. */
  async stop () {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #repeat (seconds, act) {
    const { signal } = this.#stopping
    let next = Date.now()
    while (!signal.aborted) {
      next += seconds() * 1000
      await sleep(Math.max(0, next - Date.now()), undefined, { signal }).catch(() => {})
      if (!signal.aborted) await act()
    }
  }

  /** As on two hosts: the second one gets the file later, and sometimes half of it first. */
  async #rotate () {
    const { keyFiles: [first, second], plan, random } = this.#options
    await cli('rotate', first, '--keep', String(SESSION.keep))
    this.rotations.push(Date.now())
    await sleep(plan.copyAfter * 1000)
    const content = await readFile(first)
    if (random.chance(HALF_WRITTEN)) {
      this.halfWritten.push(Date.now())
      await writeFile(second, content.subarray(0, 40))
      await sleep(plan.copyAfter * 1000)
    }
    await writeFile(`${second}.new`, content)
    await rename(`${second}.new`, second)
  }

  async #outage () {
    const { redis, plan, random } = this.#options
    const outage = { from: Date.now(), to: Infinity }
    this.outages.push(outage)
    await redis.kill()
    await sleep(random.between(plan.outageFor) * 1000)
    await redis.start()
    outage.to = Date.now()
  }
}
