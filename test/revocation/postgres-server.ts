// A PostgreSQL of the test's own, on a free port, with its files in a temporary folder.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'

/** Where Debian puts the servers; they are not in the path there. */
const DEBIAN = '/usr/lib/postgresql'

/** Folder of `initdb` and `postgres`, the newest of those that are installed; null where there is none. */
const folder = [
  ...(existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)).map(version => join(DEBIAN, version, 'bin')) : []),
  ...(process.env.PATH ?? '').split(delimiter)
].find(path => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres'))) ?? null

/** It refuses to run as root. */
const isRoot = process.getuid?.() === 0
const NOBODY = 65_534
const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {}

/** Why there can be no PostgreSQL here, for `skip`; false where there is one. */
export const noPostgres: string | false = folder === null
  ? 'PostgreSQL is not installed: apt-get install postgresql'
  : spawnSync(join(folder, 'initdb'), ['--version'], { cwd: '/', ...owner }).status === 0 ? false : 'PostgreSQL cannot be run here as another user than root'

export class PostgresServer {
  readonly port: number
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor (port: number, folder: string) {
    this.port = port
    this.#folder = folder
  }

  get uri (): string { return `postgresql://postgres@127.0.0.1:${this.port}/postgres` }

  static async create (): Promise<PostgresServer> {
    const parent = await mkdtemp(join(tmpdir(), 'sealed-session-postgres-'))
    const data = join(parent, 'data')
    await mkdir(data, { mode: 0o700 })
    if (isRoot) await chmod(parent, 0o755)
    if (isRoot) await chown(data, NOBODY, NOBODY)
    const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    const { status, stderr } = spawnSync(join(folder!, 'initdb'), args, { cwd: data, encoding: 'utf8', ...owner }) // callers skip without one
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`)
    const server = new PostgresServer(await freePort(), parent)
    await server.start()
    return server
  }

  /** Resolves once it takes connections. */
  async start (): Promise<void> {
    const data = join(this.#folder, 'data')
    const settings = { port: this.port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 20, shared_buffers: '4MB' }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    this.#process = spawn(join(folder!, 'postgres'), ['-D', data, ...args], { cwd: data, stdio: 'ignore', ...owner })
    // It takes connections, and ends them at once, before it is ready; its file says when that is.
    while (!/\nready *\n/.test(await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''))) {
      if (this.#process.exitCode !== null) throw new Error(`postgres ended with ${this.#process.exitCode}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** Ends it and every connection at once; what was committed is kept. */
  async stop (): Promise<void> {
    const running = this.#process
    if (running === null) return
    this.#process = null
    const exited = once(running, 'exit')
    running.kill('SIGINT')
    await exited
  }

  async remove (): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
