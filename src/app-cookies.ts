import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { hash } from './crypto/sodium.ts'
import { sealedSessionError } from './errors.ts'
import type { SessionConfig } from './options.ts'

/**
 * Uses the `@fastify/cookie` that the app registered, or registers it for the app.
 * @throws `FST_SEALED_SESSION_SIGNING_SECRET_MISSING`, `FST_SEALED_SESSION_COOKIE_INVALID`
 */
export async function registerCookies (app: FastifyInstance, configs: readonly SessionConfig[]): Promise<void> {
  if (app.hasPlugin('@fastify/cookie')) assertSigning(app, configs)
  else await app.register(cookiePlugin, { secret: signingSecrets(configs) as string[] })
  for (const config of configs) assertWritable(app, config)
}

/**
 * What cookies are signed with where the app has no say: the passphrase or a hash of the key, of
 * the last session first, as the peer has it. The others follow, those of older keys too, so that
 * a rotation of keys does not end signed sessions.
 */
function signingSecrets (configs: readonly SessionConfig[]): Array<string | Buffer> {
  return configs.toReversed().flatMap(({ secret, keyring }) =>
    secret === undefined ? keyring.all.map(key => hash(key).toString('hex')) : [secret])
}

function assertSigning (app: FastifyInstance, configs: readonly SessionConfig[]): void {
  if (app.hasDecorator('signCookie')) return
  const signed = configs.find(({ cookie }) => cookie.signed === true)
  if (signed !== undefined) throw sealedSessionError('FST_SEALED_SESSION_SIGNING_SECRET_MISSING', [signed.sessionName])
}

/** Writes the cookie once, so that what cannot be written is found at registration. */
function assertWritable (app: FastifyInstance, { cookieName, cookie }: SessionConfig): void {
  try {
    const { signed, ...attributes } = cookie
    app.serializeCookie(cookieName, '', { ...attributes, secure: attributes.secure === true })
  } catch (error) {
    throw sealedSessionError('FST_SEALED_SESSION_COOKIE_INVALID', [cookieName, (error as Error).message])
  }
}
