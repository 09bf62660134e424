// A Redis of the test's own: Debian's redis-server on a free port.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isListening } from './ports.ts'
import { ServerProcess } from './server-process.ts'

/** Why there can be no Redis here, for `skip`; false where there is one. */
export const noRedis: string | false = spawnSync('redis-server', ['--version']).error === undefined
  ? false
  : 'redis-server is not installed: apt-get install redis-server'

export class RedisServer extends ServerProcess {
  static async create (): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'sealed-session-redis-')))
    await server.start()
    return server
  }

  /** Writes every change to its file, so that it comes back with what it knew. */
  protected spawn (): ChildProcess {
    const options = { port: this.port, bind: '127.0.0.1', dir: this.folder, save: '', appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
    return spawn('redis-server', Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: 'ignore' })
  }

  /** Loses all that it has stored. It must not be running. */
  async forget (): Promise<void> {
    await rm(join(this.folder, 'appendonlydir'), { recursive: true })
  }

  protected async isReady (): Promise<boolean> {
    return await isListening(this.port)
  }
}
