import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SURROUNDINGS, type Codec, type Opened, type Surroundings } from './codec.ts'
import { parsedCookies, type CookieCoding } from './app-cookies.ts'
import { cookieValues } from './cookies/find.ts'
import { dataFrom, getOwn } from './data.ts'
import { MAX_SIGNED_LENGTH } from './limits.ts'
import type { SessionConfig } from './options.ts'
import { refusalMessage } from './refusals.ts'
import { SessionState } from './session.ts'
import type { DecodeLog } from './types.ts'

/** How often decryption may be tried in a request, over all cookies and keys. */
const MAX_DECRYPTIONS = 64

type Found = Extract<Opened, { ok: true }>
type Unsigned = { ok: false, reason: 'signature-invalid' }

/** One session of the app: makes its states out of cookies, tokens and data, and tokens out of states. */
export class SessionManager {
  readonly config: SessionConfig
  readonly #app: FastifyInstance
  readonly #codec: Codec
  readonly #surroundings: Surroundings
  readonly #decode: CookieCoding['decode']

  constructor (app: FastifyInstance, config: SessionConfig, codec: Codec, { decode }: CookieCoding, surroundings: Surroundings = SURROUNDINGS) {
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
    return this.#codec.seal(state.content())
  }

  /** The session of a token from outside a request, signed or not; null where it is refused. */
  open (token: string, log: DecodeLog): SessionState | null {
    const opened = this.#open(this.#unsign(token) ?? token, log)
    return opened.ok ? this.#restore(opened) : null
  }

  /** The session that a request's cookie holds, or an empty one. */
  find (request: FastifyRequest): SessionState {
    const found = this.#find(request)
    return found === null ? this.create() : this.#restore(found)
  }

  /** Milliseconds since 1970. */
  now (): number {
    return this.#surroundings.now()
  }

  #find (request: FastifyRequest): Found | null {
    const { cookieName } = this.config
    const { log } = request
    const parsed = parsedCookies(request)
    const value = parsed === null ? null : getOwn(parsed, cookieName)
    // What a hook of the app has put into request.cookies counts before the header, and what it has
    // taken out is gone.
    const values = value === undefined ? [] : cookieValues(request.headers.cookie, cookieName, this.#decode)
    if (typeof value === 'string' && !values.includes(value)) {
      const opened = this.#openCookie(value, log)
      if (opened.ok) return opened
    }
    if (values.length === 0) log.trace('@fastify/secure-session: there is no cookie, creating an empty session')
    return this.#newest(values, log)
  }

  /** Of several cookies that open, the one written last: the others are older, or planted. */
  #newest (values: readonly string[], log: DecodeLog): Found | null {
    let newest: Found | null = null
    let decryptions = 0
    for (const value of values) {
      if (decryptions > 0 && decryptions + this.#codec.keyCount > MAX_DECRYPTIONS) break
      const opened = this.#openCookie(value, log)
      // What is no token at all was refused before any key was tried.
      if (opened.ok || opened.reason === 'not-authentic') decryptions += this.#codec.keyCount
      if (opened.ok && (newest === null || opened.content.lastWrite > newest.content.lastWrite)) newest = opened
    }
    return newest
  }

  /** Unlike `open`, takes only a signed value where the session's cookie is signed. */
  #openCookie (value: string, log: DecodeLog): Opened | Unsigned {
    if (this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH) return this.#open(value, log)
    const token = this.#unsign(value)
    if (token !== null) return this.#open(token, log)
    log.debug?.(refusalMessage('signature-invalid'))
    return { ok: false, reason: 'signature-invalid' }
  }

  #open (token: string, log: DecodeLog): Opened {
    const opened = this.#codec.open(token)
    if (!opened.ok) log.debug?.(refusalMessage(opened.reason))
    return opened
  }

  #restore ({ content, stale }: Found): SessionState {
    return new SessionState(this.#surroundings.now, content.data, content.lastWrite, stale)
  }

  /** The value that was signed, or null where the session's cookie is not signed or the signature is wrong. */
  #unsign (value: string): string | null {
    if (this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH) return null
    const unsigned = this.#app.unsignCookie(value)
    // A signer of the app's own may give a value back even where it is not valid.
    return unsigned.valid === true ? unsigned.value : null
  }
}
