// A Redis of the test's own: Debian's redis-server on a free port, with its files in a temporary folder.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isListening } from './ports.ts'

/** Why there can be no Redis here, for `skip`; false where there is one. */
export const noRedis: string | false = spawnSync('redis-server', ['--version']).error === undefined
  ? false
  : 'redis-server is not installed: apt-get install redis-server'

export class RedisServer {
  readonly port: number
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor (port: number, folder: string) {
    this.port = port
    this.#folder = folder
  }

  static async create (): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'sealed-session-redis-')))
    await server.start()
    return server
  }

  /** Resolves once it takes connections. Writes every change to its file, so that it comes back with what it knew. */
  async start (): Promise<void> {
    const options = { port: this.port, bind: '127.0.0.1', dir: this.#folder, save: '', appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    this.#process = spawn('redis-server', args, { stdio: 'ignore' })
    while (!await isListening(this.port)) await new Promise(resolve => setTimeout(resolve, 10))
  }

  async stop (): Promise<void> {
    const running = this.#process
    if (running === null) return
    this.#process = null
    const exited = once(running, 'exit')
    running.kill('SIGTERM')
    await exited
  }

  async remove (): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
