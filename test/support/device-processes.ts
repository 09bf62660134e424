// Processes that share nothing but the keys, behind one server with TLS, as behind a load balancer.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tls } from './browser.ts'
import { PATH } from './device.ts'
import { Calls } from './device-browser.ts'
import type { ChildOptions } from './device-process-child.ts'

const CHILD = fileURLToPath(new URL('device-process-child.ts', import.meta.url))

/** Options of both processes, but for what a test changes. */
type Given = Omit<ChildOptions, 'keys' | 'ahead'>

interface Running { process: ChildProcess, port: number }

/** Two processes of an app that binds sessions. They stop when the test ends. */
export class DeviceProcesses {
  readonly origin: string
  readonly calls: Calls
  /** Number of the process that answers the endpoint, and of that which answers all else. */
  turn = { endpoint: 1, others: 0 }
  readonly #options: Given
  readonly #running: Running[]
  #ahead = 0

  private constructor (server: Server, running: Running[], options: Given) {
    server.on('request', (request, response) => { this.#forward(request, response) })
    this.calls = new Calls(server)
    this.#running = running
    this.#options = options
    this.origin = `https://app.test:${(server.address() as AddressInfo).port}`
  }

  static async start (t: Pick<TestContext, 'after'>, keys: readonly Buffer[], options: Given = {}): Promise<DeviceProcesses> {
    const running = await Promise.all([start(keys, 0, options), start(keys, 0, options)])
    const server = createServer((tls() as { https: object }).https).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(async () => {
      server.close().closeAllConnections()
      await Promise.all(running.map(stop))
    })
    return new DeviceProcesses(server, running, options)
  }

  /** Lets the other process have each of the two. */
  swap (): void {
    this.turn = { endpoint: 1 - this.turn.endpoint, others: 1 - this.turn.others }
  }

  /** Starts both anew, one after the other, with other keys. */
  async rotate (...keys: readonly Buffer[]): Promise<void> {
    for (let index = 0; index < this.#running.length; index++) {
      const before = this.#running[index]!
      this.#running[index] = await start(keys, this.#ahead, this.#options)
      await stop(before)
    }
  }

  /** Moves the clocks of both. */
  async advance (milliseconds: number): Promise<void> {
    this.#ahead += milliseconds
    await Promise.all(this.#running.map(async ({ process }) => {
      const moved = once(process, 'message')
      process.send(milliseconds)
      await moved
    }))
  }

  #forward (request: IncomingMessage, response: ServerResponse): void {
    const { url = '/', method, headers } = request
    const { port } = this.#running[url === PATH ? this.turn.endpoint : this.turn.others]!
    const forwarded = send({ host: '127.0.0.1', port, path: url, method, headers: { ...headers, connection: 'close' }, agent: false }, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => { response.destroy() })
    request.pipe(forwarded)
  }
}

async function start (keys: readonly Buffer[], ahead: number, options: Given): Promise<Running> {
  const given: ChildOptions = { ...options, ahead, keys: keys.map(key => key.toString('base64')) }
  const process = fork(CHILD, [JSON.stringify(given)], { execArgv: ['--import', 'tsx'] })
  const exited = once(process, 'exit').then(() => { throw new Error('the process of the app has ended') })
  exited.catch(() => {}) // by `stop`, after that
  const [port] = await Promise.race([once(process, 'message'), exited]) as [number]
  return { process, port }
}

async function stop ({ process }: Running): Promise<void> {
  if (process.kill('SIGKILL')) await once(process, 'exit')
}
