// One side of the benchmark in a process of its own, which runs worker.js and does as it is told.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url))

export class SideProcess {
  #process

  /** @param node its `execPath` and `execArgv`, as fork has them; default this Node */
  constructor (side, { execPath = process.execPath, execArgv = [] } = {}) {
    this.side = side
    this.#process = fork(WORKER, [side], { execPath, execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.ready = this.#answer()
  }

  #answer () {
    return new Promise((resolve, reject) => {
      const failed = code => reject(new Error(`the process of ${this.side} ended with ${code}`))
      this.#process.once('exit', failed)
      this.#process.once('message', ({ result }) => { this.#process.off('exit', failed); resolve(result) })
    })
  }

  ask (command, parameters = {}) {
    const answer = this.#answer()
    this.#process.send({ command, ...parameters })
    return answer
  }

  kill () {
    this.#process.removeAllListeners('exit')
    this.#process.kill()
  }
}

/** Asks each side once, in a fresh process. */
export async function askAll (sides, command, { prepare = async () => ({}), node } = {}) {
  const answers = {}
  for (const side of sides) {
    const worker = new SideProcess(side, node)
    await worker.ready
    answers[side] = await worker.ask(command, await prepare(worker))
    worker.kill()
  }
  return answers
}
