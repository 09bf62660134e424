// An example as a process of its own, and a visitor's browser.
import assert from 'node:assert/strict'
import { fork, execFile, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setCookies } from '../support/helpers.ts'
import { newApp, post } from '../support/app.ts'

/** What is loaded into it first. */
const PRELOADED = ['clock.js', 'opens.js'].flatMap(file => ['--import', new URL(file, import.meta.url).href])

/** Loads a store into an example that `setStore` has fail. */
export const FAILING_STORE = { NODE_OPTIONS: `--import ${new URL('failing-store.js', import.meta.url).href}` }

export class Example {
  /** Where it listens; known once `started` has resolved. */
  url = ''
  /** All that it has printed. */
  output = ''
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>

  /** @param path of its program, below examples/. */
  private constructor (path: string, environment: NodeJS.ProcessEnv) {
    this.#process = fork(fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), {
      execArgv: PRELOADED, env: { ...process.env, PORT: '0', ...environment }, silent: true
    })
    this.#ended = once(this.#process, 'close')
  }

  /** Runs a program until it prints where it listens; fails after half a minute. */
  static async start (path: string, environment: NodeJS.ProcessEnv = {}): Promise<Example> {
    const example = new Example(path, environment)
    for (const stream of [example.#process.stdout, example.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => { example.output += text })
    }
    example.url = await example.printed(/http:\/\/[\d.]+:\d+/)
    return example
  }

  /** The first match in what it prints, as soon as that is there; fails after half a minute. */
  async printed (pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(30_000)
    for (;;) {
      const [match] = pattern.exec(this.output) ?? []
      if (match !== undefined) return match
      if (this.#process.exitCode !== null) throw new Error(`the example ended: ${this.output}`)
      await Promise.race([once(this.#process.stdout!, 'data', { signal }), this.#ended]) // piped, see above
    }
  }

  /** Moves its clock. */
  async wait (seconds: number): Promise<void> {
    await this.#tell(seconds)
  }

  /** Has all writes to its `MemoryStore` fail, or work again. It was started with `FAILING_STORE` in its environment. */
  async setStore (is: 'down' | 'up'): Promise<void> {
    await this.#tell(`store ${is}`)
  }

  /** Sends a message to what was loaded into it, and waits for the answer. */
  async #tell (message: string | number): Promise<unknown> {
    const answered = once(this.#process, 'message')
    this.#process.send(message)
    return (await answered)[0]
  }

  /** How many tokens it tries to open while something is done to it. */
  async opensDuring (act: () => Promise<unknown>): Promise<number> {
    await this.#tell('count')
    await act()
    return await this.#tell('counted') as number
  }

  /** Its exit code once it was told to end: null where a signal had to do it. */
  async stop (): Promise<number | null> {
    this.#process.kill('SIGTERM')
    await this.#ended
    return this.#process.exitCode
  }

  /** Logs in. @returns the line that sets the cookie */
  async logIn (name = 'Ada', password?: string): Promise<string> {
    const response = await this.post('/login', JSON.stringify({ name, password }))
    return response.headers.get('set-cookie') ?? ''
  }

  /** What a browser with this cookie gets. */
  async get (path: string, cookie?: string, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(this.url + path, { headers: cookie === undefined ? headers : { ...headers, cookie } })
  }

  async post (path: string, body: string, type = 'application/json'): Promise<Response> {
    return await fetch(this.url + path, { method: 'POST', headers: { 'content-type': type }, body })
  }
}

/** Runs a file of tests of an example with Node's test runner; fails with all that it has printed. */
export async function runTests (file: string): Promise<void> {
  await runRunner(['--test', file])
}

/** Runs a test runner, as the arguments of Node.js, in a folder. @returns all that it has printed; fails with that, if the runner fails */
export async function runRunner (args: string[], cwd?: string): Promise<string> {
  // Node refuses a child of its own test runner that is one, too, unless this variable is gone.
  const { NODE_TEST_CONTEXT, ...env } = process.env
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd, env: { ...env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      if (error === null) resolve(`${stdout}${stderr}`)
      else reject(new assert.AssertionError({ message: `${stdout}${stderr}` }))
    })
  })
}

/** The `Cookie` header of a browser that got this line. */
export function cookieOf (line: string): string {
  return line.split(';')[0]!
}

/** The `Cookie` header of a browser whose session an app has split, as it does with a large one. */
export async function splitCookie (options: { key: string, cookieName: string }, name: string): Promise<string> {
  const app = newApp({ session: { ...options, format: 'sealed' } })
  const lines = setCookies(await post(app, '/set', undefined, { name, text: 'x'.repeat(4500) }))
  await app.close()
  assert.equal(lines.length, 2)
  return lines.map(cookieOf).join('; ')
}

/** A cookie of which one character was changed for another of the same alphabet. */
export function tamperedWith (cookie: string): string {
  const at = Math.floor(cookie.length / 2)
  return cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1)
}
