import { CookieReader, type Found, type Refused } from './cookies/read.ts'
import { readValue } from './cookies/set-cookie.ts'
import { fallbackReason } from './crypto/sodium.ts'
import { dataFrom } from './data/data.ts'
import { kindOf, fail } from './errors.ts'
import { checkWith } from './cookies/signature.ts'
import { warnProcess } from './messages.ts'
import { readOptions, type SessionConfig } from './options/options.ts'
import { datesOf } from './session/info.ts'
import { authenticationsOf } from './token/authentications.ts'
import { Codec } from './token/codec.ts'
import { endOf, toDate } from './token/lifetime.ts'
import { newRecord } from './token/record.ts'
import type { OpenedToken, SecureSessionPluginOptions, SessionCodec, TokenData } from './types.ts'

/**
 * Seals and opens tokens without Fastify: for WebSocket servers, workers, scripts and other
 * frameworks. With the options of a session of an app it opens that session's tokens, and the app
 * opens what it seals.
 * @param options of one session, the same as for `register`. Attributes of the cookie have no effect,
 * and a token is not signed. Warnings go to `process.emitWarning`.
 * @throws the errors of registration, with the same codes.
 */
export async function createSessionCodec<T = TokenData> (options: SecureSessionPluginOptions): Promise<SessionCodec<T>> {
  if (Array.isArray(options)) throw fail('OPTIONS_INVALID', ['', 'an array'])
  const [read] = await readOptions(options, warnProcess)
  const config = read! // readOptions returns at least one
  const codec = new Codec(config)
  const reason = fallbackReason()
  if (reason !== null) warnProcess('FST_SEALED_SESSION_WARN_WASM', reason)

  return {
    seal (data) {
      // No user found must not become a session of nobody.
      if (data === undefined || data === null) throw fail('DATA_INVALID', [kindOf(data)])
      return codec.seal(newRecord(dataFrom(data), Date.now()))
    },

    open (token) {
      return describe(typeof token === 'string' ? codec.open(token) : { ok: false, reason: 'malformed' }, config)
    },

    openCookies (header, unsign) {
      const { sessionName, cookieName, cookie } = config
      if (cookie.signed === true && unsign === undefined) throw fail('UNSIGN_MISSING', [sessionName])
      const signatures = unsign === undefined ? null : checkWith(unsign)
      const reader = new CookieReader({ codec, name: cookieName, decode: readValue, signatures, isOwnEncoding: true })
      const brought = { header, parsed: null }
      const found = reader.readSingle(brought) ?? reader.read(brought)
      return found === null ? null : describe(found, config)
    }
  }
}

/** Description of a token for the caller. */
function describe<T> (opened: Found | Refused, config: SessionConfig): OpenedToken<T> {
  if (!opened.ok) return opened
  const { record, format, key, stale } = opened
  const { data, createdAt, writtenAt } = record
  return {
    ok: true,
    data: data as T,
    createdAt: createdAt === null ? null : toDate(createdAt),
    lastWriteAt: toDate(writtenAt),
    expiresAt: toDate(endOf(record, config)),
    keyId: key.id,
    format,
    stale,
    authentications: datesOf(authenticationsOf(record.claims))
  }
}
