// The demo's server as a process of its own, and a visitor's browser.
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SessionInfo } from '../../src/index.ts'

const SERVER = fileURLToPath(new URL('../../examples/demo/server.js', import.meta.url))
const CLOCK = new URL('../examples/clock.js', import.meta.url).href

/** What sessionInfo() says, its dates as text. */
export type Info = { [Field in keyof SessionInfo]: SessionInfo[Field] extends Date | null ? string | null : SessionInfo[Field] }

/** One of the two limits: `endsAt` in milliseconds since 1970. */
interface Limit { seconds: number, endsAt: number }

/** What `GET /state` answers with, and why it sent the session again, if it did. */
export interface State {
  cookies: Array<{ name: string, value: string, bytes: number }>
  info: Info
  limits: { idle: Limit, absolute: Limit, first: 'idle' | 'absolute' } | null
  data: { [name: string]: unknown, cart?: unknown[] } | null
  /** Ids, the first key's first. */
  keys: string[]
  log: Array<{ level: string, text: string }>
  sealedAgain: string | null
}

/** A running demo. */
export class Demo {
  /** All that it has printed. */
  output = ''
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>

  /** @param port what the environment variable PORT says; undefined leaves it out. @param args behind `npm run demo --` */
  constructor (port: string | undefined, args: readonly string[] = []) {
    const { PORT, ...env } = process.env
    this.#process = fork(SERVER, args, {
      execArgv: ['--import', CLOCK], env: port === undefined ? env : { ...env, PORT: port }, silent: true
    })
    this.#closed = once(this.#process, 'close')
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => { this.output += text })
    }
  }

  /** The first match in what it prints, as soon as that is there; fails after half a minute. */
  async printed (pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(30_000)
    for (;;) {
      const [match] = pattern.exec(this.output) ?? []
      if (match !== undefined) return match
      if (this.#process.exitCode !== null) throw new Error(`the demo ended: ${this.output}`)
      await Promise.race([once(this.#process.stdout!, 'data', { signal }), this.#closed]) // piped, see above
    }
  }

  /** The URL that it prints once it listens. */
  async url (): Promise<string> {
    return await this.printed(/https?:\/\/localhost:\d+/)
  }

  /** Moves its clock, which stands still otherwise. */
  async wait (seconds: number): Promise<void> {
    const moved = once(this.#process, 'message')
    this.#process.send(seconds)
    await moved
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

/** A browser with a cookie jar. */
export class Browser {
  /** The last lines that set or dropped cookies. */
  setCookies: string[] = []
  readonly #url: string
  #jar = new Map<string, string>()

  constructor (url: string) {
    this.#url = url
  }

  /** The `Cookie` header, or null. Setting it puts a copy into the jar, in the place of all that is in it. */
  get cookie (): string | null {
    return this.#jar.size === 0 ? null : [...this.#jar].map(pair => pair.join('=')).join('; ')
  }

  set cookie (header: string | null) {
    this.#jar = new Map(header?.split('; ').map(pair => splitPair(pair)))
  }

  async fetch (path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.cookie !== null) headers.set('cookie', this.cookie)
    const response = await fetch(this.#url + path, { ...init, headers })
    this.setCookies = response.headers.getSetCookie()
    for (const line of this.setCookies) {
      const [name, value] = splitPair(line.split(';')[0]!)
      if (/; Max-Age=0(;|$)/.test(line)) this.#jar.delete(name)
      else this.#jar.set(name, value)
    }
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
    const response = await this.fetch('/state')
    return { ...await response.json() as Omit<State, 'sealedAgain'>, sealedAgain: response.headers.get('x-sealed-again') }
  }
}

function splitPair (pair: string): [name: string, value: string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** Times are sealed in whole seconds. */
export function assertAbout (actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1000, `${actual} instead of ${expected}`)
}
