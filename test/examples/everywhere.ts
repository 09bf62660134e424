// The servers of examples/everywhere, each as a process of its own, beside one Redis and one key file.
import { build, type Plugin } from 'esbuild'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Miniflare } from 'miniflare'
import { createClient } from 'redis'
import { RedisServer } from '../revocation/redis-server.ts'
import { freePort } from '../revocation/ports.ts'

interface Runtimes { runtime: (kind: 'bun' | 'deno', major: number) => Promise<string | null> }
const { runtime } = await import(new URL('../../scripts/matrix/runtimes.js', import.meta.url).href) as Runtimes

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const EXAMPLE = join(ROOT, 'examples/everywhere')

/** Program of a runtime that npm has; the reason if there is none. */
async function programOf (kind: 'bun' | 'deno', major: number): Promise<{ program: string | null, reason: string | false }> {
  try {
    const program = await runtime(kind, major)
    return { program, reason: program === null ? `npm has no ${kind} for this platform` : false }
  } catch (error) {
    return { program: null, reason: `npm did not bring ${kind}: ${(error as Error).message}` }
  }
}

const bun = await programOf('bun', 1)
const deno = await programOf('deno', 2)

/** Servers, and the reason why one cannot be started here; false if it can. */
export const SERVERS: Record<string, string | false> = {
  fastify: false, 'node-http': false, 'hono-node': false, 'hono-workerd': false, nextjs: false, bun: bun.reason, deno: deno.reason
}

export class Everywhere {
  /** URL of each server. */
  readonly urls: Record<string, string> = {}
  readonly redis: RedisServer
  readonly #folder = mkdtempSync(join(tmpdir(), 'sealed-session-everywhere-'))
  readonly #processes: ChildProcess[] = []
  #bridge: RedisOverHttp | null = null
  #worker: Miniflare | null = null
  #keys: string[]
  #output = ''

  private constructor (redis: RedisServer, key: string) {
    this.redis = redis
    this.#keys = [key]
    this.#writeKeys()
  }

  /** Starts all servers, at the same time. */
  static async start (key: string): Promise<Everywhere> {
    const everywhere = new Everywhere(await RedisServer.create(), key)
    try {
      everywhere.#bridge = await RedisOverHttp.start(everywhere.redis.port)
      await Promise.all(Object.keys(SERVERS).filter(name => SERVERS[name] === false).map(async name => { await everywhere.#start(name) }))
    } catch (error) {
      await everywhere.stop()
      throw error
    }
    return everywhere
  }

  get keyFile (): string { return join(this.#folder, 'session-keys') }

  /** Puts a key first: into the file that is watched, and into the worker's variables, which start it anew. */
  async rotate (key: string): Promise<void> {
    this.#keys = [key, ...this.#keys]
    this.#writeKeys()
    await this.#worker?.setOptions(this.#workerOptions())
  }

  async stop (): Promise<void> {
    await Promise.all(this.#processes.map(async child => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    }))
    await this.#worker?.dispose()
    await this.#bridge?.stop()
    await this.redis.remove()
    rmSync(this.#folder, { recursive: true, maxRetries: 20 })
  }

  /** Replaces the file in one step, as the command `rotate` does. */
  #writeKeys (): void {
    writeFileSync(`${this.keyFile}.new`, this.#keys.join('\n'), { mode: 0o600 })
    renameSync(`${this.keyFile}.new`, this.keyFile)
  }

  async #start (name: string): Promise<void> {
    const port = await freePort()
    this.urls[name] = `http://localhost:${port}`
    if (name === 'hono-workerd') return await this.#startWorker(port)
    const [program, args] = await this.#command(name, port)
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, PORT: String(port), SESSION_KEY_FILE: this.keyFile, REDIS_URL: `redis://127.0.0.1:${this.redis.port}`, NEXT_TELEMETRY_DISABLED: '1' },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#processes.push(child)
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { this.#output += `${name}: ${text}` })
    await this.#answers(name, child)
  }

  async #command (name: string, port: number): Promise<[program: string, args: string[]]> {
    const file = join(EXAMPLE, `${name}.js`)
    if (name === 'bun') return [bun.program!, [file]] // it is skipped if there is none
    if (name === 'deno') return [deno.program!, ['run', '--allow-all', file]] // as above
    if (name === 'nextjs') return [process.execPath, [NEXT, 'start', await buildNext(this.#folder), '--hostname', 'localhost', '--port', String(port)]]
    return [process.execPath, [file]]
  }

  /** Resolves once it answers requests. */
  async #answers (name: string, child: ChildProcess): Promise<void> {
    for (;;) {
      try {
        await fetch(`${this.urls[name]}/profile`)
        return
      } catch {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended: ${this.#output}`)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
  }

  #workerScript = ''
  #workerPort = 0

  async #startWorker (port: number): Promise<void> {
    this.#workerScript = await bundleWorker()
    this.#workerPort = port
    this.#worker = new Miniflare(this.#workerOptions())
    await this.#worker.ready
  }

  #workerOptions (): ConstructorParameters<typeof Miniflare>[0] {
    return {
      modules: true,
      script: this.#workerScript,
      compatibilityDate: '2026-07-01',
      compatibilityFlags: ['nodejs_compat'],
      host: 'localhost',
      port: this.#workerPort,
      bindings: { SESSION_KEYS: this.#keys.join(','), REDIS_HTTP_URL: this.#bridge!.url, REDIS_HTTP_TOKEN: RedisOverHttp.TOKEN } // made before the servers
    }
  }
}

/** Modules of Node.js as the tools of Cloudflare bundle them: a call of `require` becomes an import. */
const nodeModules: Plugin = {
  name: 'node-modules',
  setup (build) {
    const names = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`)
    build.onResolve({ filter: names }, ({ path, kind }) => kind === 'require-call' ? { path, namespace: 'required' } : { path, external: true })
    build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({ contents: `import all from '${path}'; module.exports = all` }))
  }
}

async function bundleWorker (): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(EXAMPLE, 'hono-workerd.js')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    plugins: [nodeModules]
  })
  return outputFiles[0]!.text // one entry point
}

/** Redis over HTTP, in the form that Upstash gives it. */
class RedisOverHttp {
  static readonly TOKEN = 'a secret of the worker'
  readonly url: string
  readonly #server: Server
  readonly #client: { destroy: () => void }

  private constructor (port: number, server: Server, client: { destroy: () => void }) {
    this.url = `http://127.0.0.1:${port}`
    this.#server = server
    this.#client = client
  }

  static async start (redisPort: number): Promise<RedisOverHttp> {
    const client = createClient({ url: `redis://127.0.0.1:${redisPort}` })
    client.on('error', () => {}) // the test ends Redis first
    await client.connect()
    const server = createServer((request, response) => {
      json(request).then(async command => {
        if (request.headers.authorization !== `Bearer ${RedisOverHttp.TOKEN}`) return { error: 'unauthorized' }
        return { result: await client.sendCommand((command as unknown[]).map(String)) }
      }).catch((error: Error) => ({ error: error.message })).then(answer => response.setHeader('content-type', 'application/json').end(JSON.stringify(answer)))
    })
    const port = await freePort()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new RedisOverHttp(port, server, client)
  }

  async stop (): Promise<void> {
    this.#client.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const MODULES = realpathSync(join(ROOT, 'node_modules'))
const NEXT = join(MODULES, 'next/dist/bin/next')

/**
 * Builds the app of Next.js in a folder where this package is installed, as in an app: within the repository, Next.js takes
 * it for a part of the app. @returns the app's folder
 */
async function buildNext (folder: string): Promise<string> {
  const app = join(folder, 'nextjs')
  const modules = join(folder, 'node_modules')
  cpSync(EXAMPLE, folder, { recursive: true, filter: path => !path.includes('.next') })
  mkdirSync(join(modules, 'fastify-sealed-session'), { recursive: true })
  for (const name of ['dist', 'package.json']) cpSync(join(ROOT, name), join(modules, 'fastify-sealed-session', name), { recursive: true })
  for (const name of readdirSync(MODULES)) if (!name.startsWith('.') && name !== 'fastify-sealed-session') symlinkSync(join(MODULES, name), join(modules, name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  // Next.js reads nothing outside of its root, and the packages are links that lead out of this folder.
  renameSync(join(app, 'next.config.mjs'), join(app, 'example.config.mjs'))
  writeFileSync(join(app, 'next.config.mjs'), "import config from './example.config.mjs'\nexport default { ...config, turbopack: { root: '/' } }\n")
  await promisify(execFile)(process.execPath, [NEXT, 'build', app], { env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } })
  return app
}
