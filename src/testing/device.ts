import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'

// A browser with Device Bound Session Credentials, as far as an app can tell: the requests are those of Chromium 156,
// header by header. Its key is in this process, which protects nothing.

/** Options of `createTestDevice`. */
export interface TestDeviceOptions {
  /** Algorithm of its key. Default `'ES256'`. */
  algorithm?: 'ES256' | 'RS256' | undefined
  /** True to send header values in quotes, as the standard has it; Chromium sends them bare. Default false. */
  isQuoting?: boolean | undefined
  /** Origin of the pages. Default `https://localhost`. */
  origin?: string | undefined
}

/** Session as the browser has it. */
interface Bound {
  id: string
  privateKey: KeyObject
  path: string
  cookie: string
  /** Challenge for the next refresh; null if it has to be asked for. */
  challenge: string | null
}

/** Stand-in for a browser that binds sessions, over `app.inject()`. */
export interface TestDevice {
  /** Cookies that it has, as the value of the header `Cookie`. */
  readonly cookies: string
  /** True after a registration that the app took, until the app ends it. */
  readonly isBound: boolean
  /** Gives it cookies: those of `sessionCookies`, for a user who has logged in. */
  addCookies (cookies: Readonly<Record<string, string>>): void
  /** Drops the cookie of the proof, as when it expires. */
  expire (): void
  /** Takes the cookies and the next challenge of a response. */
  take (response: LightMyRequestResponse): void
  /**
   * Takes the cookies of a response, and the binding that it offers.
   * @param options `withCookies: false` for a registration after a redirect from another site.
   * @returns the app's answer; null if nothing was offered.
   */
  register (app: FastifyInstance, response: LightMyRequestResponse, options?: { withCookies?: boolean }): Promise<LightMyRequestResponse | null>
  /**
   * Proves the key again: in one request, or in two if it has no challenge.
   * @returns the last answer of the app. @throws Error if it is not bound.
   */
  refresh (app: FastifyInstance, options?: { withCookies?: boolean }): Promise<LightMyRequestResponse>
  /** Sends a request as the browser does: with its cookies, and a refresh before it if the proof is missing. */
  inject (app: FastifyInstance, request: InjectOptions): Promise<LightMyRequestResponse>
}

/** Makes a stand-in for a browser with a device of its own. */
export function createTestDevice (options: TestDeviceOptions = {}): TestDevice {
  return new Device(options)
}

class Device implements TestDevice {
  readonly #algorithm: 'ES256' | 'RS256'
  readonly #isQuoting: boolean
  readonly #origin: string
  readonly #jar = new Jar()
  #bound: Bound | null = null

  constructor ({ algorithm = 'ES256', isQuoting = false, origin = 'https://localhost' }: TestDeviceOptions) {
    this.#algorithm = algorithm
    this.#isQuoting = isQuoting
    this.#origin = origin
  }

  get cookies (): string { return this.#jar.header }

  get isBound (): boolean { return this.#bound !== null }

  addCookies (cookies: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(cookies)) this.#jar.add(name, encodeURIComponent(value))
  }

  expire (): void {
    if (this.#bound !== null) this.#jar.remove(this.#bound.cookie)
  }

  take (response: LightMyRequestResponse): void {
    this.#jar.take(response)
    const [, challenge, id] = /^"([^"]*)";id="([^"]*)"$/.exec(headerOf(response, 'secure-session-challenge')) ?? []
    if (this.#bound !== null && challenge !== undefined && id === this.#bound.id) this.#bound.challenge = challenge
  }

  async register (app: FastifyInstance, response: LightMyRequestResponse, { withCookies = true } = {}): Promise<LightMyRequestResponse | null> {
    this.take(response)
    const [, algorithms = '', path = '', challenge = ''] = /\(([\w ]+)\);path="([^"]*)";challenge="([^"]*)"/.exec(headerOf(response, 'secure-session-registration')) ?? []
    if (!algorithms.split(' ').includes(this.#algorithm)) return null
    // A key for each session, as browsers have it.
    const { privateKey, jwk } = newPair(this.#algorithm)
    const jwt = this.#sign({ alg: this.#algorithm, jwk, typ: 'dbsc+jwt' }, challenge, privateKey)
    const answer = await this.#post(app, path, { 'secure-session-response': this.#quoted(jwt) }, withCookies)
    if (answer.statusCode === 200) this.#adopt(answer, path, privateKey)
    return answer
  }

  #adopt (answer: LightMyRequestResponse, path: string, privateKey: KeyObject): void {
    const { session_identifier: id, credentials: [{ name }], refresh_url: url } = answer.json<{ session_identifier: string, credentials: [{ name: string }], refresh_url?: string }>()
    this.#bound = { id, privateKey, path: url ?? path, cookie: name, challenge: null }
    this.take(answer)
  }

  async refresh (app: FastifyInstance, { withCookies = true } = {}): Promise<LightMyRequestResponse> {
    const bound = this.#bound
    if (bound === null) throw new Error('the device has no bound session')
    let answer = await this.#askAgain(app, bound, withCookies)
    // Chromium gives up after four proofs.
    for (let tries = 0; answer.statusCode === 403 && tries < 4; tries++) answer = await this.#askAgain(app, bound, withCookies)
    const isKept = answer.statusCode >= 500 || (answer.statusCode === 200 && (answer.body === '' || answer.json<{ continue?: boolean }>().continue !== false))
    if (!isKept) this.#bound = null
    if (headerOf(answer, 'secure-session-registration') !== '') await this.register(app, answer)
    return answer
  }

  async #askAgain (app: FastifyInstance, bound: Bound, withCookies: boolean): Promise<LightMyRequestResponse> {
    const { id, privateKey, path, challenge } = bound
    const proof = challenge === null ? {} : { 'secure-session-response': this.#quoted(this.#sign({ alg: this.#algorithm, typ: 'dbsc+jwt' }, challenge, privateKey)) }
    const answer = await this.#post(app, path, { 'sec-secure-session-id': this.#quoted(id), ...proof }, withCookies)
    this.take(answer)
    return answer
  }

  async inject (app: FastifyInstance, request: InjectOptions): Promise<LightMyRequestResponse> {
    if (this.#bound !== null && !this.#jar.has(this.#bound.cookie)) await this.refresh(app)
    const { cookies } = this
    const response = await app.inject({ ...request, headers: { host: new URL(this.#origin).host, ...request.headers, ...(cookies !== '' && { cookie: cookies }) } })
    this.take(response)
    return response
  }

  async #post (app: FastifyInstance, url: string, headers: Record<string, string>, withCookies: boolean): Promise<LightMyRequestResponse> {
    const cookie = withCookies ? this.cookies : ''
    return await app.inject({
      method: 'POST',
      url,
      headers: {
        host: new URL(this.#origin).host,
        'content-length': '0',
        ...headers,
        'sec-fetch-mode': 'no-cors',
        'sec-fetch-dest': 'empty',
        'sec-fetch-site': 'same-origin',
        origin: this.#origin,
        ...(cookie !== '' && { cookie })
      }
    })
  }

  #sign (header: object, challenge: string, key: KeyObject): string {
    const text = [header, { jti: challenge }].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign('sha256', Buffer.from(text), this.#algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key)
    return `${text}.${signature.toString('base64url')}`
  }

  #quoted (value: string): string {
    return this.#isQuoting ? `"${value}"` : value
  }
}

function newPair (algorithm: 'ES256' | 'RS256'): { privateKey: KeyObject, jwk: object } {
  const { privateKey, publicKey } = algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) }
}

function headerOf ({ headers }: LightMyRequestResponse, name: string): string {
  return String(headers[name] ?? '')
}

/** Cookies of a stand-in for a browser, by name: an app under test has one host. */
class Jar {
  readonly #values = new Map<string, { value: string, expires: number }>()

  /** Value of the header `Cookie`; '' for none. */
  get header (): string {
    return [...this.#values].filter(([name]) => this.has(name)).map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  has (name: string): boolean {
    return (this.#values.get(name)?.expires ?? -Infinity) > Date.now()
  }

  remove (name: string): void {
    this.#values.delete(name)
  }

  add (name: string, value: string): void {
    this.#values.set(name, { value, expires: Infinity })
  }

  take ({ headers }: LightMyRequestResponse): void {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=;]*)=([^;]*)/.exec(line) ?? []
      const [, maxAge] = /; Max-Age=(-?\d+)/i.exec(line) ?? []
      const [, expires] = /; Expires=([^;]*)/i.exec(line) ?? []
      const end = maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires === undefined ? Infinity : Date.parse(expires)
      this.#values.set(name, { value, expires: end })
    }
  }
}
