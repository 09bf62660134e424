import { type Found, judged, type Refused } from './cookies/candidates.ts'
import { CookieReader } from './cookies/read.ts'
import { readValue } from './cookies/set-cookie.ts'
import { codecDevices } from '#device'
import { fallbackReason } from '#sodium'
import type { CodecDevices } from './device/codec-devices.ts'
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
import type { OpenedToken, SecureSessionPluginOptions, SessionCodec, SessionCodecOptions, TokenData } from './types.ts'

/**
 * Seals and opens tokens without Fastify: for WebSocket servers, workers, scripts and other
 * frameworks. With the options of a session of an app it opens that session's tokens, and the app
 * opens what it seals.
 * @param options of one session, the same as for `register`. Attributes of the cookie have no effect,
 * and a token is not signed. Warnings go to `process.emitWarning`. With `device`, sessions open that are bound to a
 * device, beside the proof of that device.
 * @throws the errors of registration, with the same codes.
 */
export async function createSessionCodec<T = TokenData> (options: SessionCodecOptions): Promise<SessionCodec<T>> {
  if (Array.isArray(options)) throw fail('OPTIONS_INVALID', ['', 'an array'])
  const { own, device } = withoutDevice(options)
  const config = await readOptions(own, warnProcess)
  const devices = isOn(device) ? codecDevices(config, device) : null
  const codec = new Codec(config)
  if (devices !== null) codec.openBound()
  // Only for sessions that the other one refuses: that one has others say no more than before.
  const ofAnyDevice = new Codec({ ...config, cache: null })
  ofAnyDevice.openBound()
  const reason = fallbackReason()
  if (reason !== null) warnProcess('FST_SEALED_SESSION_WARN_WASM', reason)

  return {
    seal (data) {
      // No user found must not become a session of nobody.
      if (data === undefined || data === null) throw fail('DATA_INVALID', [kindOf(data)])
      return codec.seal(newRecord(dataFrom(data), Date.now()))
    },

    open (token, { device } = {}) {
      if (typeof token !== 'string') return { ok: false, reason: 'malformed' }
      const opened = codec.open(token)
      if (device !== 'ignore') return describe(judged(opened, devices?.judgeOf(undefined, null)), config, devices)
      const isBound = !opened.ok && opened.reason === 'device-unproven'
      return describe(isBound ? ofAnyDevice.open(token) : opened, config, devices)
    },

    openCookies (header, unsign) {
      const { sessionName, cookieName, cookie } = config
      if (cookie.signed === true && unsign === undefined) throw fail('UNSIGN_MISSING', [sessionName])
      const signatures = unsign === undefined ? null : checkWith(unsign)
      const reader = new CookieReader({ codec, name: cookieName, decode: readValue, signatures, isOwnEncoding: true })
      const brought = { header, parsed: null }
      const judge = devices?.judgeOf(header, signatures)
      const found = reader.readSingle(brought, judge) ?? reader.read(brought, undefined, judge)
      return found === null ? null : describe(found, config, devices)
    }
  }
}

/** The options that registration has, and the one that it has not: there it would have no effect. */
function withoutDevice (options: SessionCodecOptions): { own: SecureSessionPluginOptions, device: unknown } {
  if (!Object.hasOwn(Object(options) as object, 'device')) return { own: options, device: undefined }
  const { device, ...own } = options
  return { own: own as SecureSessionPluginOptions, device }
}

/** True for an option that asks for a part of this package. */
function isOn (option: unknown): boolean {
  return option !== undefined && option !== false
}

/** Description of a token for the caller. */
function describe<T> (opened: Found | Refused, config: SessionConfig, devices: CodecDevices | null): OpenedToken<T> {
  if (!opened.ok) return { ok: false, reason: opened.reason }
  const { record, format, key, stale } = opened
  const { data, createdAt, writtenAt } = record
  return {
    ok: true,
    data: data as T,
    createdAt: createdAt === null ? null : toDate(createdAt),
    lastWriteAt: toDate(writtenAt),
    expiresAt: toDate(Math.min(endOf(record, config), devices?.unboundEnd(opened) ?? Infinity)),
    keyId: key.id,
    format,
    stale,
    authentications: datesOf(authenticationsOf(record.claims)),
    ...(devices !== null && { device: devices.infoOf(opened) })
  }
}
