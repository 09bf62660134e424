// A server that a test starts for itself, with its files in a temporary folder.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'

export abstract class ServerProcess {
  readonly port: number
  protected readonly folder: string
  #process: ChildProcess | null = null

  /** @param folder is removed with all that is in it. */
  protected constructor (port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  protected abstract spawn (): ChildProcess

  /** Whether it takes connections. */
  protected abstract isReady (): Promise<boolean>

  /** Resolves once it takes connections. */
  async start (): Promise<void> {
    const started = this.spawn()
    this.#process = started
    while (!await this.isReady()) {
      if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** Ends it and every connection; what was stored is kept. */
  async stop (): Promise<void> {
    await this.#end('SIGINT') // which ends a PostgreSQL at once, where SIGTERM waits for its clients
  }

  /** Ends it as a crash does. */
  async kill (): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Has it hang: connections stay, and nothing is answered until `resume`. */
  pause (): void {
    this.#process?.kill('SIGSTOP')
  }

  resume (): void {
    this.#process?.kill('SIGCONT')
  }

  async #end (signal: NodeJS.Signals): Promise<void> {
    const running = this.#process
    if (running === null) return
    this.#process = null
    const exited = once(running, 'exit')
    running.kill(signal)
    running.kill('SIGCONT') // one that hangs would hear no other signal
    await exited
  }

  async remove (): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20 })
  }
}
