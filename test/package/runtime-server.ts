// fixtures/server.mjs as a process of its own, on a runtime.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { OpenedToken } from '../../src/index.ts'
import { Browser } from '../support/demo-process.ts'

/** What the server says of itself. */
export interface About {
  runtime: string
  version: string
  /** Of the warnings in its log. */
  codes: string[]
  keyIds: string[]
}

export type CodecName = 'secretbox' | 'sealed' | 'passphrase'

export class RuntimeServer {
  readonly url: string
  readonly #process: ChildProcess

  private constructor (url: string, child: ChildProcess) {
    this.url = url
    this.#process = child
  }

  /** Resolves once it listens. */
  static async start (folder: string, program: string, args: string[], env: NodeJS.ProcessEnv): Promise<RuntimeServer> {
    const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once('line', resolve)
      child.once('error', reject)
      child.once('close', (code, signal) => { reject(new Error(`the server ended with ${code ?? signal}: ${stderr}`)) })
    })
    return new RuntimeServer(url, child)
  }

  async about (): Promise<About> {
    return await this.browser().json('/about')
  }

  browser (): Visitor {
    return new Visitor(this.url)
  }

  async seal (codec: CodecName, data: object): Promise<string> {
    const response = await this.browser().post(`/seal/${codec}`, data)
    return (await response.json() as { token: string }).token
  }

  async open (codec: CodecName, token: string): Promise<OpenedToken> {
    const response = await this.browser().post(`/open/${codec}`, { token })
    return await response.json() as OpenedToken
  }

  async stop (): Promise<void> {
    const closed = once(this.#process, 'close')
    if (this.#process.kill()) await closed
  }
}

/** A browser that asks for JSON. */
class Visitor extends Browser {
  async json<Result> (path: string): Promise<Result> {
    const response = await this.fetch(path)
    return await response.json() as Result
  }
}
