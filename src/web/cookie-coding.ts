import { loadSerializer } from '#cookie-serializer'
import { type Signer, signerFactory } from '#hmac'
import { assertWritable, encodeValue, readValue } from '../cookies/set-cookie.ts'
import { checkWith, type SignatureCheck } from '../cookies/signature.ts'
import { liveSigner } from '../cookies/signer.ts'
import { fail, kindOf } from '../errors.ts'
import type { CookieCoding } from '../http/exchange.ts'
import type { SessionConfig } from '../options/options.ts'

/** Attributes that `@fastify/cookie` gives all cookies. */
const DEFAULTS = { sameSite: 'lax' } as const

/**
 * Coding of cookies where there is no app: as the plugin has it for an app that does not register `@fastify/cookie`.
 * @throws `FST_SEALED_SESSION_COOKIE_INVALID`, `FST_SEALED_SESSION_OPTION_INVALID`
 */
export async function webCoding (config: SessionConfig, secret: unknown): Promise<CookieCoding> {
  const serialize = await loadSerializer()
  assertWritable(serialize, config.cookieName, config.cookie)
  const { signer, check } = signerOf(config, secret)
  return {
    isApps: false,
    encode: encodeValue,
    decode: readValue,
    serialize,
    sign: value => signer.sign(value),
    signatures: check,
    defaultsOf: () => DEFAULTS,
    maxHeaderBytes: null
  }
}

function signerOf (config: SessionConfig, secret: unknown): { signer: Pick<Signer, 'sign'>, check: SignatureCheck } {
  if (secret === undefined || secret === null) {
    const signer = liveSigner([config])
    return { signer, check: signer.check }
  }
  const signer = isSigner(secret) ? secret : signerFrom(secret)
  return { signer, check: checkWith(value => signer.unsign(value)) }
}

function isSigner (secret: unknown): secret is Pick<Signer, 'sign' | 'unsign'> {
  const { sign, unsign } = Object(secret) as Partial<Signer>
  return typeof sign === 'function' && typeof unsign === 'function'
}

/** True for a secret that everybody knows: text or bytes of no length. */
function isEmpty (secret: unknown): boolean {
  return (secret as { length?: unknown } | null)?.length === 0
}

function signerFrom (secret: unknown): Signer {
  const invalid = (cause?: unknown): Error =>
    fail('OPTION_INVALID', ['cookieSecret', 'the secret that the app gives @fastify/cookie: text, a Buffer, an array of them, or a signer', secret === '' ? 'empty text' : kindOf(secret)], { cause })
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || secrets.some(isEmpty)) throw invalid()
  try {
    return signerFactory(secret as string)
  } catch (cause) {
    throw invalid(cause)
  }
}
