// A Redis of the run's own, on a free port, that can be killed and started again.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export class Redis {
  #folder
  #process = null
  #isForgetful = false

  constructor (port, folder) {
    this.port = port
    this.#folder = folder
  }

  static async create (folder) {
    const redis = new Redis(await freePort(), folder)
    await redis.start()
    return redis
  }

  /** Resolves once it answers. */
  async start () {
    const file = this.#isForgetful ? { appendonly: 'no' } : { appendonly: 'yes', appendfsync: 'always' }
    const options = { port: this.port, bind: '127.0.0.1', dir: this.#folder, save: '', 'maxmemory-policy': 'noeviction', ...file }
    const started = spawn('redis-server', Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: 'ignore' })
    started.once('error', () => {
      console.error('install redis-server (apt-get install redis-server)')
      process.exit(1)
    })
    this.#process = started
    while (!await answers(this.port)) {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`)
      await sleep(20)
    }
  }

  /** Ends it as a crash would. */
  async kill () {
    const running = this.#process
    this.#process = null
    if (running === null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }

  /** Has it hang: connections stay, and nothing is answered until `resume`. */
  pause () {
    this.#process?.kill('SIGSTOP')
  }

  resume () {
    this.#process?.kill('SIGCONT')
  }

  /** Loses all that it has stored. It must not be running. */
  forget () {
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true })
  }

  async restart () {
    await this.kill()
    await this.start()
  }

  /** Starts it again without what it had stored. */
  async restartEmpty () {
    this.#isForgetful = true
    await this.restart()
  }

  /** For the end of this process, which waits for nothing. */
  killNow () {
    this.#process?.kill('SIGKILL')
  }
}

export async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Whether it is there and has read its file. */
function answers (port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', data => { socket.destroy(); resolve(data.toString().startsWith('+PONG')) })
    socket.once('error', () => resolve(false))
  })
}
