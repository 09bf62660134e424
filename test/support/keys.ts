// What the tests of keyrings share: key files, apps that use them, and visitors that come all the while.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Keyring, createSessionCodec, sessionInfo, type Format, type SessionInfo } from '../../src/index.ts'
import { SET_AND_GET, get, logged, post, readyApp } from './app.ts'
import { cookieOf, setCookies, type LogLine } from './helpers.ts'

// Key files of these tests are for their owner alone: others are warned about.
process.umask(0o077)

/** Seconds between two looks at a file in these tests. */
export const INTERVAL = 0.02

/** Waits until a condition holds. */
export async function until (condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000
  while (!condition()) {
    assert.ok(performance.now() < end, `${what}: not within 20 seconds`)
    await wait(2)
  }
}

/** A folder that is there until the test ends. */
export function folderOf (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-session-'))
  // A program that was just told to end may still write into it.
  t.after(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 20 }) })
  return folder
}

/** The text of a key file. */
export function linesOfKeys (...keys: Buffer[]): string {
  return `# newest first\n${keys.map(key => `${key.toString('hex')}\n`).join('')}`
}

/** Replaces a file at once. */
export function replaceFile (path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

/** Ids of keys. */
export function keyIdsOf (...keys: Buffer[]): string[] {
  return new Keyring(keys).ids
}

/** A started app with `GET /info` and its log in memory; it is closed when the test ends. */
export async function startApp (t: TestContext, options: object): Promise<{ app: FastifyInstance, lines: LogLine[] }> {
  const { lines, server } = logged('info')
  const app = await readyApp({ t, server, session: options, routes: { ...SET_AND_GET, '/info': ({ session }) => sessionInfo(session) } })
  return { app, lines }
}

/** The `Cookie` header with a session that some other process sealed with a key. */
export async function cookieSealedWith (key: Buffer, data: object, format: Format = 'sealed'): Promise<string> {
  const codec = await createSessionCodec<object>({ key, format, context: 'session' })
  return `session=${encodeURIComponent(codec.seal(data))}`
}

/** What `sessionInfo` says of a cookie's session. */
export async function sessionInfoOf (app: FastifyInstance, cookie: string): Promise<SessionInfo> {
  return (await get(app, '/info', cookie)).json()
}

/** The id of the key that an app seals with now. */
export async function sealingId (app: FastifyInstance): Promise<string | null> {
  return (await sessionInfoOf(app, cookieOf(await post(app, '/set', undefined, { n: 0 })))).keyId
}

/** Messages of a log that are about the key file, those of a level at least. */
export function keyFileLines (lines: readonly LogLine[], level = 0): LogLine[] {
  return lines.filter(line => line.level >= level && line.msg.includes('key file'))
}

/** Visitors, each with a session of its own, some of whom take the new cookies that they get. */
export class Traffic {
  /** How many requests were answered. */
  count = 0
  /** What the responses said whose session was not the visitor's. */
  readonly lost: string[] = []
  #isOver = false
  #visitors: Array<Promise<void>> = []

  /** @param cookies of sessions that hold `{ n: index }`. */
  constructor (app: FastifyInstance, cookies: readonly string[]) {
    this.#visitors = cookies.map(async (cookie, n) => { await this.#visit(app, cookie, n) })
  }

  async #visit (app: FastifyInstance, cookie: string, n: number): Promise<void> {
    const takesCookies = n % 2 === 0
    while (!this.#isOver) {
      const response = await get(app, '/get', cookie)
      this.count++
      if (response.body !== JSON.stringify({ n })) this.lost.push(`visitor ${n}: ${response.statusCode} ${response.body}`)
      if (takesCookies && setCookies(response).length > 0) cookie = cookieOf(response)
      await wait(1)
    }
  }

  /** Waits for more requests to be answered. */
  async more (count = 200): Promise<void> {
    const before = this.count
    await until(() => this.count >= before + count, 'requests are answered')
  }

  /** Ends it, and fails where a session was lost. */
  async end (): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#visitors)
    assert.deepEqual(this.lost, [])
    assert.ok(this.count > 0)
  }
}
