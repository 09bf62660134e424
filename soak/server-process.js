// A server process as the run sees it.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import http from 'node:http'

const SERVER = fileURLToPath(new URL('server.js', import.meta.url))
const LIMIT_MS = 30_000

export class ServerProcess {
  #process
  #agent = new http.Agent({ keepAlive: true, maxSockets: 200 })
  #port

  /**
   * @param options of the program; `onStoreError` is one of them
   * @param program path of its file
   */
  static async start (name, options, program = SERVER) {
    const server = new ServerProcess()
    server.name = name
    server.acceptsErrors = options.onStoreError === 'accept'
    server.#process = fork(program, [JSON.stringify(options)], { execArgv: ['--expose-gc'] })
    server.#port = (await server.#answer()).port
    return server
  }

  #answer () {
    return new Promise((resolve, reject) => {
      const failed = code => reject(new Error(`the process ${this.name} ended with ${code}`))
      this.#process.once('exit', failed)
      this.#process.once('message', answer => { this.#process.off('exit', failed); resolve(answer) })
    })
  }

  /** @param question `sample`, `collect` or `seen`; one at a time */
  ask (question) {
    const answer = this.#answer()
    this.#process.send(question)
    return answer
  }

  /** @returns status, text and cookies of the response, or the code of the error in `failed` */
  request ({ method, path, cookie, body }) {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = { ...(cookie !== '' && { cookie }), ...(text !== '' && { 'content-type': 'application/json', 'content-length': text.length }) }
    return new Promise(resolve => {
      const failed = error => resolve({ failed: error.code ?? error.message })
      const request = http.request({ port: this.#port, host: '127.0.0.1', agent: this.#agent, method, path, headers, timeout: LIMIT_MS }, response => {
        let answer = ''
        response.setEncoding('utf8').on('data', chunk => { answer += chunk }).on('error', failed)
          .on('end', () => resolve({ status: response.statusCode, text: answer, cookies: response.headers['set-cookie'] ?? [] }))
      })
      request.on('error', failed).on('timeout', () => request.destroy(new Error('no answer in time'))).end(text)
    })
  }

  stop () {
    this.#agent.destroy()
    this.#process.removeAllListeners('exit')
    this.#process.kill()
  }
}
