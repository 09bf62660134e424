// A PostgreSQL of the test's own, on a free port.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'
import { ServerProcess } from './server-process.ts'

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

export class PostgresServer extends ServerProcess {
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

  protected spawn (): ChildProcess {
    const data = join(this.folder, 'data')
    const settings = { port: this.port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 20, shared_buffers: '4MB' }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return spawn(join(folder!, 'postgres'), ['-D', data, ...args], { cwd: data, stdio: 'ignore', ...owner }) // as above
  }

  /** It takes connections, and ends them at once, before it is ready; its file says when that is. */
  protected async isReady (): Promise<boolean> {
    return /\nready *\n/.test(await readFile(join(this.folder, 'data', 'postmaster.pid'), 'utf8').catch(() => ''))
  }
}
