// The demo's server as a process of its own, and a visitor's browser.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SessionInfo } from '../src/index.ts'

const SERVER = fileURLToPath(new URL('../examples/demo/server.js', import.meta.url))

/** What sessionInfo() says, its dates as text. */
export type Info = { [Field in keyof SessionInfo]: SessionInfo[Field] extends Date | null ? string | null : SessionInfo[Field] }

/** What `GET /state` answers with. */
export interface State {
  cookie: { name: string, value: string, bytes: number } | null
  info: Info
  data: Record<string, unknown> | null
  resealed: boolean
  /** Ids, the first key's first. */
  keys: string[]
  log: Array<{ level: string, text: string }>
}

/** A running demo. */
export class Demo {
  /** All that it has printed. */
  output = ''
  readonly #process: ChildProcessWithoutNullStreams
  readonly #closed: Promise<unknown>

  /** @param port what the environment variable PORT says; undefined leaves it out. */
  constructor (port: string | undefined) {
    const { PORT, ...env } = process.env
    this.#process = spawn(process.execPath, [SERVER], { env: port === undefined ? env : { ...env, PORT: port } })
    this.#closed = once(this.#process, 'close')
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => { this.output += text })
    }
  }

  /** The first match in what it prints, as soon as that is there; fails after half a minute. */
  async printed (pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(30_000)
    for (;;) {
      const [match] = pattern.exec(this.output) ?? []
      if (match !== undefined) return match
      if (this.#process.exitCode !== null) throw new Error(`the demo ended: ${this.output}`)
      await Promise.race([once(this.#process.stdout, 'data', { signal }), this.#closed])
    }
  }

  /** The URL that it prints once it listens. */
  async url (): Promise<string> {
    return await this.printed(/http:\/\/localhost:\d+/)
  }

  /** Its exit code, when it has ended by itself. */
  async exitCode (): Promise<number | null> {
    await this.#closed
    return this.#process.exitCode
  }

  async stop (): Promise<void> {
    this.#process.kill()
    await this.#closed
  }
}

/** A browser with a cookie jar of one cookie. */
export class Browser {
  /** `name=value`, or null. */
  cookie: string | null = null
  /** The last line that set or dropped the cookie. */
  setCookie: string | null = null
  readonly #url: string

  constructor (url: string) {
    this.#url = url
  }

  async fetch (path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.cookie !== null) headers.set('cookie', this.cookie)
    const response = await fetch(this.#url + path, { ...init, headers })
    this.setCookie = response.headers.get('set-cookie')
    if (this.setCookie !== null) this.cookie = /Max-Age=0/.test(this.setCookie) ? null : this.setCookie.split(';')[0]!
    return response
  }

  async post (path: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
    return await this.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body)
    })
  }

  async state (): Promise<State> {
    return await (await this.fetch('/state')).json() as State
  }
}
