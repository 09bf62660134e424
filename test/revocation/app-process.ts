// A process of its own that runs an app with revocation over Redis.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildOptions } from './process-child.ts'

const CHILD = fileURLToPath(new URL('process-child.ts', import.meta.url))

export class AppProcess {
  readonly #process: ChildProcess
  readonly #base: string

  private constructor (process: ChildProcess, port: number) {
    this.#process = process
    this.#base = `http://127.0.0.1:${port}`
  }

  /** Resolves once it listens. */
  static async start (options: ChildOptions): Promise<AppProcess> {
    const started = fork(CHILD, [JSON.stringify(options)], { execArgv: ['--import', 'tsx'] })
    const exited = once(started, 'exit').then(() => { throw new Error('the process of the app has ended') })
    exited.catch(() => {}) // by `stop`, after that
    const [port] = await Promise.race([once(started, 'message'), exited]) as [number]
    return new AppProcess(started, port)
  }

  async get (path: string, cookie = ''): Promise<Response> {
    return await fetch(this.#base + path, { headers: { cookie } })
  }

  async post (path: string, cookie = ''): Promise<Response> {
    return await fetch(this.#base + path, { method: 'POST', headers: { cookie } })
  }

  /** Cookie of a new login. */
  async login (user = 'ann'): Promise<string> {
    return cookieFrom(await this.post(`/login?user=${user}`))
  }

  /** User that the app takes the bearer of a cookie for. */
  async who (cookie: string): Promise<string> {
    return await (await this.get('/me', cookie)).text()
  }

  async idOf (cookie: string): Promise<string> {
    return await (await this.get('/id', cookie)).text()
  }

  async stop (): Promise<void> {
    if (this.#process.kill('SIGKILL')) await once(this.#process, 'exit')
  }
}

/** Cookie that a response sets. */
export function cookieFrom (response: Response): string {
  const [line] = response.headers.getSetCookie()
  if (line === undefined) throw new Error(`no cookie, but status ${response.status}`)
  return line.split(';')[0]! // split gives one part at least
}
