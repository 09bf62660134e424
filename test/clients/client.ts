// HTTP clients of other languages: programs that take orders, a line each, and answer with a line.
//
//   new NAME=VALUE…        begins with an empty jar; with cookies only where the program can
//   put URL NAME=VALUE…    puts cookies into the jar by hand
//   get URL NAME=VALUE…    answers "200 body"; with cookies of one request only where the program can
//
// The words of an order are separated by tabs.
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A client: its program, and its ways with cookies. */
export interface Program {
  name: string
  /** Null if it is not installed. */
  command: readonly string[] | null
  /** Debian's package. */
  install: string
  /** Orders that take cookies beside `put`. */
  takesCookies: ReadonlyArray<'new' | 'get'>
  /** True if a value that was put in by hand is sent in double quotes. */
  quotes: (value: string) => boolean
  /** True if what came in a `Set-Cookie` with Max-Age and without Expires is sent in double quotes. */
  quotesMaxAge: boolean
}

function path (file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

function runs (command: string, ...words: string[]): boolean {
  return spawnSync(command, words).status === 0
}

// Debian installs aiohttp for its own Python, which need not be the first on the path.
const python = ['python3', '/usr/bin/python3'].find(command => runs(command, '-c', 'import aiohttp'))

export const programs: readonly Program[] = [
  {
    name: 'aiohttp of Python',
    command: python === undefined ? null : [python, path('aiohttp_client.py')],
    install: 'python3-aiohttp',
    takesCookies: ['new', 'get'],
    quotes: value => /[/=]/.test(value),
    quotesMaxAge: false
  },
  {
    name: 'net/http/cookiejar of Go',
    command: runs('go', 'version') ? ['go', 'run', path('cookiejar.go')] : null,
    install: 'golang-go',
    takesCookies: ['get'],
    quotes: () => false,
    quotesMaxAge: false
  },
  {
    name: 'java.net.CookieManager of Java',
    // A runtime without a compiler cannot start a source file.
    command: runs('javac', '-version') ? ['java', path('CookieManagerClient.java')] : null,
    install: 'default-jdk-headless',
    takesCookies: [],
    // Java sends cookies of version 1 as RFC 2965 has them: $Version="1"; session="…";$Path="/"
    quotes: () => true,
    quotesMaxAge: true
  }
]

/** Why a client cannot be run here, for `skip`; false if it can. */
export function missing ({ name, command, install }: Program): string | false {
  return command === null && `${name} is not installed: apt-get install ${install}`
}

/** A client's program, running. */
export class Client {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  #errors = ''

  constructor ({ command }: Program) {
    const [file = '', ...words] = command ?? assert.fail('callers skip what is not installed')
    this.#child = spawn(file, words)
    this.#child.stderr.on('data', text => { this.#errors += String(text) })
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  /** The answer to an order. */
  async order (...words: string[]): Promise<string> {
    this.#child.stdin.write(`${words.join('\t')}\n`)
    const { value, done } = await this.#answers.next()
    assert.ok(done !== true, `the program ended: ${this.#errors}`)
    return value
  }

  async end (): Promise<void> {
    this.#child.stdin.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}
