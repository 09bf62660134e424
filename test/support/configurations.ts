// What the tests of the edges share: tokens from outside, sessions in a request, refused configurations.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import sodium from 'sodium-native'
import type secureSession from '../../src/index.ts'
import { logged, newApp, type Bag } from './app.ts'
import { newKey, tokenOf, warnings, type LogLine } from './helpers.ts'

/** What `ready()` rejects with. */
export interface ConfigurationError extends Error {
  code: string
  hint: string
}

/** Options of the wrong type too. */
export function asOptions (options: unknown): Parameters<typeof secureSession>[1] {
  return options as Parameters<typeof secureSession>[1]
}

/** Seals any plaintext with libsodium itself, as a program with the key could. */
export function sealRaw (key: Uint8Array, plaintext: string | Buffer, nonce: Buffer = randomBytes(24)): string {
  const message = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext
  const ciphertext = Buffer.alloc(message.length + 16)
  sodium.crypto_secretbox_easy(ciphertext, message, nonce, key)
  return `${ciphertext.toString('base64')};${nonce.toString('base64')}`
}

/** The plaintext of a token; fails where it was not sealed with the key. */
export function openRaw (key: Uint8Array, token: string): Record<string, unknown> {
  const [ciphertext = '', nonce = ''] = token.split(';').map(part => Buffer.from(part, 'base64'))
  const message = Buffer.alloc(ciphertext.length - 16)
  assert.ok(sodium.crypto_secretbox_open_easy(message, Buffer.from(ciphertext), Buffer.from(nonce), key), 'sealed with another key')
  return JSON.parse(message.toString()) as Record<string, unknown>
}

/** The time in seconds. */
export function seconds (): number {
  return Math.round(Date.now() / 1000)
}

/** Stops the time at a whole second until the test ends. */
export function stopClock (t: TestContext): Clock {
  const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date'] })
  t.after(() => clock.uninstall())
  return clock
}

/** A `Cookie` header. */
export function cookieHeader (token: string, name = 'session'): string {
  return `${name}=${encodeURIComponent(token)}`
}

/** Why tokens were refused: the lines of a log at level debug. */
export function refusals (lines: readonly LogLine[]): string[] {
  return lines.filter(({ level, msg }) => level === 20 && msg.startsWith('@fastify/secure-session')).map(({ msg }) => msg)
}

export interface Visit<T> {
  app: FastifyInstance
  key: Buffer
  /** What `act` returned. */
  result: T
  response: LightMyRequestResponse
  lines: LogLine[]
  /** What the response's cookie holds, with internal properties. */
  plaintext: () => Record<string, unknown>
}

/** Runs `act` in a handler, with a session that came in a cookie and holds `data`. */
export async function visit<T> (act: (session: Bag, app: FastifyInstance) => T, data: object | null = null): Promise<Visit<T>> {
  const { lines, server } = logged()
  const key = newKey()
  let result: { value: T } | null = null
  const app = newApp({ server, session: { key }, routes: { '/': ({ session }) => { result = { value: act(session as Bag, app) } } } })
  await app.ready()
  const cookie = cookieHeader(sealRaw(key, JSON.stringify({ ...data, __ts: seconds() })))
  const response = await app.inject({ url: '/', headers: data === null ? {} : { cookie } })
  assert.equal(response.statusCode, 200, response.body)
  const { value } = result! as { value: T } // the handler has run, or the status would be 500
  return { app, key, result: value, response, lines, plaintext: () => openRaw(key, tokenOf(response)) }
}

/** An app that has not started yet, and its log. `before` runs before the plugin is registered. */
export function prepare (options: unknown, before?: (app: FastifyInstance) => void): { app: FastifyInstance, lines: LogLine[] } {
  const { lines, server } = logged()
  return { app: newApp({ server, before, session: options }), lines }
}

/** The error that `ready()` rejects with; fails where it does not. */
export async function rejection (options: unknown, before?: (app: FastifyInstance) => void): Promise<ConfigurationError> {
  const { app } = prepare(options, before)
  const error = await app.ready().then(() => assert.fail('ready() did not reject'), (error: unknown) => error)
  await app.close().catch(() => null) // an app that failed to start may refuse to close with the same error
  return error as ConfigurationError
}

/** The warnings of this package that starting an app with these options logs. */
export async function warningsOf (options: unknown, before?: (app: FastifyInstance) => void): Promise<LogLine[]> {
  const { app, lines } = prepare(options, before)
  await app.ready()
  return warnings(lines)
}
