import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SURROUNDINGS, formatOf, type Codec, type Opened, type Surroundings } from './codec.ts'
import { parsedCookies, type CookieCoding } from './app-cookies.ts'
import { cookieValues } from './cookies/find.ts'
import { dataFrom, getOwn } from './data.ts'
import { openChannel, publishOpen, publishSeal, sealChannel } from './diagnostics.ts'
import type { SealedSessionError } from './errors.ts'
import { MAX_SIGNED_LENGTH } from './limits.ts'
import type { SessionConfig } from './options.ts'
import { refusalMessage } from './refusals.ts'
import { SessionState, type SessionSettings } from './session.ts'
import type { DecodeLog, RefusalReason } from './types.ts'

/** How often decryption may be tried in a request, over all cookies and keys. */
const MAX_DECRYPTIONS = 64

type Found = Extract<Opened, { ok: true }>
type Refused = { ok: false, reason: RefusalReason }

/** One session of the app: makes its states out of cookies, tokens and data, and tokens out of states. */
export class SessionManager {
  readonly config: SessionConfig
  readonly #app: FastifyInstance
  readonly #codec: Codec
  readonly #settings: SessionSettings
  readonly #decode: CookieCoding['decode']

  constructor (app: FastifyInstance, config: SessionConfig, codec: Codec, { decode }: CookieCoding, surroundings: Surroundings = SURROUNDINGS) {
    this.config = config
    this.#app = app
    this.#codec = codec
    const { expiry, absoluteTimeout, serializer } = config
    this.#settings = { now: surroundings.now, expiry, absoluteTimeout, stringify: serializer.isJson ? undefined : serializer.stringify }
    this.#decode = decode
  }

  /** A new session that holds `data`. */
  create (data?: unknown): SessionState {
    return SessionState.begin(this.#settings, dataFrom(data))
  }

  seal (state: SessionState): string {
    return sealChannel.hasSubscribers ? this.#sealObserved(state) : this.#codec.seal(state.content())
  }

  /** Seals, and publishes what came of it. */
  #sealObserved (state: SessionState): string {
    const { sessionName, format } = this.config
    const key = this.#codec.sealingKey()
    const message = { sessionName, format, keyId: key.id }
    let token: string
    try {
      token = this.#codec.seal(state.content(), key)
    } catch (error) {
      publishSeal({ ...message, outcome: 'failed', reason: (error as SealedSessionError).code, bytes: null })
      throw error
    }
    publishSeal({ ...message, outcome: 'sealed', reason: null, bytes: token.length }) // it is ASCII
    return token
  }

  /** The session of a token from outside a request, signed or not; null where it is refused. */
  open (token: string, log: DecodeLog): SessionState | null {
    const opened = this.#open(this.#unsign(token) ?? token, log)
    return opened.ok ? this.#restore(opened) : null
  }

  /** The session that a request's cookie holds, or an empty one. */
  find (request: FastifyRequest): SessionState {
    const found = this.#find(request)
    return found?.ok === true ? this.#restore(found) : SessionState.begin(this.#settings, {}, found)
  }

  /** Milliseconds since 1970. */
  now (): number {
    return this.#settings.now()
  }

  /** Null where there is no cookie at all. */
  #find (request: FastifyRequest): Found | Refused | null {
    const { cookieName } = this.config
    const { log } = request
    const parsed = parsedCookies(request)
    const value = parsed === null ? null : getOwn(parsed, cookieName)
    // What a hook of the app has put into request.cookies counts before the header, and what it has
    // taken out is gone.
    const values = value === undefined ? [] : cookieValues(request.headers.cookie, cookieName, this.#decode)
    let refused: Refused | null = null
    if (typeof value === 'string' && !values.includes(value)) {
      const opened = this.#openCookie(value, log)
      if (opened.ok) return opened
      refused = opened
    }
    if (values.length === 0) log.trace('@fastify/secure-session: there is no cookie, creating an empty session')
    return this.#newest(values, log) ?? refused
  }

  /** Of several cookies that open, the one written last: the others are older, or planted. */
  #newest (values: readonly string[], log: DecodeLog): Found | Refused | null {
    let best: Found | Refused | null = null
    let decryptions = 0
    for (const value of values) {
      const attempts = this.#codec.attempts(value)
      if (decryptions > 0 && decryptions + attempts > MAX_DECRYPTIONS) continue // what costs less may follow
      const opened = this.#openCookie(value, log)
      // What is no token at all was refused before any key was tried.
      if (opened.ok || opened.reason === 'not-authentic') decryptions += attempts
      if (best === null || (opened.ok && (!best.ok || opened.content.lastWrite > best.content.lastWrite))) best = opened
    }
    return best
  }

  /** Unlike `open`, takes only a signed value where the session's cookie is signed. */
  #openCookie (value: string, log: DecodeLog): Found | Refused {
    if (this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH) return this.#open(value, log)
    const token = this.#unsign(value)
    if (token !== null) return this.#open(token, log)
    return this.#told(value, { ok: false, reason: 'signature-invalid' } as const, log)
  }

  #open (token: string, log: DecodeLog): Opened {
    return this.#told(token, this.#codec.open(token), log)
  }

  /** Logs and publishes what came of opening a token, and hands it on. */
  #told<Result extends Opened | Refused> (token: string, result: Result, log: DecodeLog): Result {
    if (!result.ok) log.debug?.(refusalMessage(result.reason))
    if (openChannel.hasSubscribers) {
      publishOpen({
        sessionName: this.config.sessionName,
        outcome: result.ok ? 'opened' : 'rejected',
        reason: result.ok ? null : result.reason,
        keyId: result.ok ? result.keyId : null,
        format: formatOf(token),
        bytes: Buffer.byteLength(token)
      })
    }
    return result
  }

  #restore (found: Found): SessionState {
    return new SessionState(this.#settings, found.content, found)
  }

  /** The value that was signed, or null where the session's cookie is not signed or the signature is wrong. */
  #unsign (value: string): string | null {
    if (this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH) return null
    const unsigned = this.#app.unsignCookie(value)
    // A signer of the app's own may give a value back even where it is not valid.
    return unsigned.valid === true ? unsigned.value : null
  }
}
