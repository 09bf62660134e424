// Keys, logs and cookies for tests. Apps are made in app.ts.
import type { FastifyServerOptions, LightMyRequestResponse } from 'fastify'
import crypto, { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { sodium } from '../../src/crypto/sodium.ts'

/** A fresh random key. */
export function newKey (): Buffer {
  return randomBytes(32)
}

/** True if sessions have the option `cache` unless a test says otherwise: see cache-everywhere.ts. */
export const isCachedEverywhere = process.env.FASTIFY_SEALED_SESSION_CACHE === 'everywhere'

/** One line of an app's log. */
export interface LogLine {
  level: number
  msg: string
  code?: string
  [property: string]: unknown
}

const isWasmForced = process.env.FASTIFY_SEALED_SESSION_SODIUM === 'wasm'

/**
 * Whether a line of a log is the one that every app writes where the tests run on WebAssembly
 * (`npm run test:wasm`). Tests that count lines leave it out; test/crypto/fallback.test.ts is about it.
 */
export function isWasmNotice ({ code }: { code?: string }): boolean {
  return isWasmForced && code === 'FST_SEALED_SESSION_WARN_WASM'
}

/** An app's log, kept in memory: `lines` grows as the app writes. */
export function captureLog (level = 'debug'): { lines: LogLine[], logger: NonNullable<FastifyServerOptions['logger']> } {
  const lines: LogLine[] = []
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine
    if (!isWasmNotice(line)) lines.push(line)
  }
  return { lines, logger: { level, stream: { write } } }
}

/** Warnings of this package among the lines of a log. */
export function warnings (lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ code }) => code?.startsWith('FST_SEALED_SESSION_WARN_'))
}

/** All `Set-Cookie` lines of a response. */
export function setCookies (response: LightMyRequestResponse): string[] {
  const header = response.headers['set-cookie']
  return header === undefined ? [] : Array.isArray(header) ? header : [header]
}

/** The `name=value` part of a response's cookie, as a browser sends it back; fails if there is none, or if it is dropped. */
export function cookieOf (response: LightMyRequestResponse, name = 'session'): string {
  const line = setCookies(response).find(line => line.startsWith(`${name}=`))
  if (line === undefined || /Max-Age=0(;|$)/.test(line)) throw new Error(`no cookie "${name}" in ${JSON.stringify(setCookies(response))}`)
  return line.split(';')[0]!
}

/** The `Cookie` header of a browser that got this response, and had no cookies before. */
export function cookiesOf (response: LightMyRequestResponse): string {
  return setCookies(response).map(line => line.split(';')[0]).join('; ')
}

/** The decoded value of a response's cookie: the token. */
export function tokenOf (response: LightMyRequestResponse, name = 'session'): string {
  return decodeURIComponent(cookieOf(response, name).slice(name.length + 1))
}

/** Something to wait for. */
export function gate (): { opened: Promise<void>, open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => { open = resolve })
  return { opened, open }
}

/** How often keys were tried, and on how many bytes. */
export interface Tries {
  decryptions: number
  signatures: number
  /** Of ciphertexts and of signed values. */
  bytes: number
}

/** Counts the calls of libsodium and of Node's HMAC until the test ends. */
export function countTries (t: TestContext): Tries {
  const tries: Tries = { decryptions: 0, signatures: 0, bytes: 0 }
  const library = sodium()
  for (const [name, index] of [['secretboxOpen', 0], ['aeadOpen', 1]] as const) {
    const open = library[name].bind(library) as (...given: Uint8Array[]) => boolean
    t.mock.method(library, name, (...given: Uint8Array[]) => {
      tries.decryptions++
      tries.bytes += given[index]!.length // the ciphertext
      return open(...given)
    })
  }
  const { createHmac } = crypto
  t.mock.method(crypto, 'createHmac', (...given: Parameters<typeof createHmac>) => {
    const hmac = createHmac(...given)
    const update = hmac.update.bind(hmac)
    tries.signatures++
    hmac.update = ((text: string) => {
      tries.bytes += text.length
      return update(text)
    }) as typeof hmac.update
    return hmac
  })
  return tries
}

/** Runs a function with the path of a file that is there as long as it runs. */
export async function withKeyFile<Result> (content: string | Uint8Array, use: (path: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'sealed-session-'))
  try {
    const path = join(folder, 'keys')
    await writeFile(path, content, { mode: 0o600 })
    return await use(path)
  } finally {
    await rm(folder, { recursive: true, maxRetries: 20 })
  }
}
