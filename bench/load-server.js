// A server of the load run as the load run sees it: in processes of its own, with a cookie for it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { wrk } from './wrk.js'

const SERVER = fileURLToPath(new URL('server.js', import.meta.url))

export class LoadServer {
  #process
  #base

  /** @param node program in place of the Node.js that runs */
  static async start (side, processes = 1, node = process.execPath) {
    const server = new LoadServer()
    server.#process = fork(SERVER, [side, String(processes)], { execPath: node })
    const { port } = await server.#answer('port')
    server.#base = `http://127.0.0.1:${port}`
    return server
  }

  /** The next answer with a property. */
  #answer (name) {
    return new Promise(resolve => {
      const look = message => {
        if (!(name in message)) return
        this.#process.off('message', look)
        resolve(message)
      }
      this.#process.on('message', look)
    })
  }

  /** Microseconds of CPU time that all processes of the server have used, in their own code and in the system's. */
  async cpu () {
    const answer = this.#answer('user')
    this.#process.send('cpu')
    return await answer
  }

  /** Microseconds by place in the code, of some milliseconds. */
  async profile (ms) {
    const answer = this.#answer('places')
    this.#process.send({ profile: ms })
    return (await answer).places
  }

  /** The cookie of a session that holds the data; the floor, which has none, gets one to parse. */
  async login (data) {
    const response = await fetch(`${this.#base}/login?data=${encodeURIComponent(JSON.stringify(data))}`)
    return response.headers.getSetCookie().map(line => line.split(';')[0]).join('; ') || `session=${'Ab1%2F'.repeat(56)}`
  }

  /**
   * Load on a route: what wrk says, the CPU microseconds a request of the server, those of them outside system calls, and how
   * many cores were busy with anything else.
   */
  async load (route, options) {
    const [cpu, idle, start] = [await this.cpu(), idleTime(), performance.now()]
    const counts = await wrk(`${this.#base}${route}`, options)
    const now = await this.cpu()
    const user = now.user - cpu.user
    const own = user + now.system - cpu.system
    const microseconds = (performance.now() - start) * 1000
    const others = os.cpus().length - (idleTime() - idle + own + counts.client * counts.requests) / microseconds
    return { ...counts, cpu: own / counts.requests, user: user / counts.requests, others }
  }

  /** What a new connection answers to requests for the routes, one after the other. */
  async over (routes, cookie) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const answers = []
    for (const route of routes) answers.push(await get(`${this.#base}${route}`, { agent, headers: { cookie } }))
    agent.destroy()
    return answers
  }

  async stop () {
    const exited = once(this.#process, 'exit')
    this.#process.kill()
    await exited
  }
}

function get (url, options) {
  return new Promise((resolve, reject) => {
    http.get(url, options, response => {
      let body = ''
      response.setEncoding('utf8').on('data', chunk => { body += chunk }).on('end', () => resolve({ status: response.statusCode, body }))
    }).on('error', reject)
  })
}

/** Microseconds for which the cores of the machine have been idle, of all of them together. */
function idleTime () {
  return os.cpus().reduce((sum, { times }) => sum + times.idle * 1000, 0)
}
