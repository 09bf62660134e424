import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SURROUNDINGS, type Codec, type Opened, type Surroundings } from './codec.ts'
import { parsedCookies, type DecodeCookie } from './app-cookies.ts'
import { candidateValues } from './cookies/find.ts'
import type { SessionConfig } from './options.ts'
import { refusalMessage } from './refusals.ts'
import { SessionState, dataFrom } from './session.ts'
import type { DecodeLog } from './types.ts'

/** How often decryption may be tried in a request, over all cookies and keys. */
const MAX_ATTEMPTS = 64

type Found = Extract<Opened, { ok: true }>

/** One session of the app: makes its states out of cookies, tokens and data, and tokens out of states. */
export class SessionManager {
  readonly config: SessionConfig
  readonly #app: FastifyInstance
  readonly #codec: Codec
  readonly #surroundings: Surroundings
  readonly #decode: DecodeCookie

  constructor (app: FastifyInstance, config: SessionConfig, codec: Codec, decode: DecodeCookie, surroundings: Surroundings = SURROUNDINGS) {
    this.config = config
    this.#app = app
    this.#codec = codec
    this.#surroundings = surroundings
    this.#decode = decode
  }

  /** A new session that holds `data`. */
  create (data?: unknown): SessionState {
    return new SessionState(this.#surroundings.now, dataFrom(data))
  }

  seal (state: SessionState): string {
    return this.#codec.seal(state.content)
  }

  /** The session of a token from outside a request, signed or not; null where it is refused. */
  open (token: string, log: DecodeLog): SessionState | null {
    const found = this.#open(this.#unsign(token) ?? token, log)
    return found === null ? null : this.#restore(found)
  }

  /** The session that a request's cookie holds, or an empty one. */
  find (request: FastifyRequest): SessionState {
    const values = candidateValues(this.config.cookieName, request.headers.cookie, parsedCookies(request), this.#decode)
    if (values.length === 0) request.log.trace('@fastify/secure-session: there is no cookie, creating an empty session')
    const found = this.#newest(values, request.log)
    return found === null ? this.create() : this.#restore(found)
  }

  /** Milliseconds since 1970. */
  now (): number {
    return this.#surroundings.now()
  }

  /** Of several cookies that open, the one written last: the others are older, or planted. */
  #newest (values: readonly string[], log: DecodeLog): Found | null {
    let newest: Found | null = null
    let attempts = 0
    for (const value of values) {
      if (attempts > 0 && attempts + this.#codec.attempts > MAX_ATTEMPTS) break
      attempts += this.#codec.attempts
      const found = this.#openCookie(value, log)
      if (found !== null && (newest === null || found.content.lastWrite > newest.content.lastWrite)) newest = found
    }
    return newest
  }

  /** Unlike `open`, takes only a signed value where the session's cookie is signed. */
  #openCookie (value: string, log: DecodeLog): Found | null {
    if (this.config.cookie.signed !== true) return this.#open(value, log)
    const token = this.#unsign(value)
    if (token !== null) return this.#open(token, log)
    log.debug?.(refusalMessage('signature-invalid'))
    return null
  }

  #open (token: string, log: DecodeLog): Found | null {
    const opened = this.#codec.open(token)
    if (opened.ok) return opened
    log.debug?.(refusalMessage(opened.reason))
    return null
  }

  #restore ({ content, stale }: Found): SessionState {
    return new SessionState(this.#surroundings.now, content.data, content.lastWrite, stale)
  }

  /** The value that was signed, or null where the session's cookie is not signed or the signature is wrong. */
  #unsign (value: string): string | null {
    return this.config.cookie.signed === true ? this.#app.unsignCookie(value).value : null
  }
}
