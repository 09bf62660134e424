import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { assertRegistered } from './mistakes.ts'
import { fastifySecureSession } from './plugin.ts'
import { type Warn, warnerOf } from '../messages.ts'
import { type Development, developmentOf } from '../options/development.ts'
import { withSafeDefaults } from '../options/safe-defaults.ts'
import type { SealedSessionPlugin } from '../types.ts'

function developmentAt (app: FastifyInstance): Development | undefined {
  const warn = warnerOf(app.log)
  let isWatched = false
  return developmentOf({
    isTls: 'setSecureContext' in app.server,
    fellAway: (sessionName, cookieName) => {
      app.log.info(`session "${sessionName}": NODE_ENV is not production and this server speaks no TLS, so the cookie is named "${cookieName}" and is "Secure" over TLS only`)
      if (!isWatched) lookForTls(app, sessionName, warn)
      isWatched = true
    },
    madeKey: sessionName => { warn('FST_SEALED_SESSION_WARN_KEY_EPHEMERAL', sessionName) }
  })
}

/** Warns once of a server that was deployed without NODE_ENV. Only outside of production: the hook costs nobody who counts. */
function lookForTls (app: FastifyInstance, sessionName: string, warn: Warn): void {
  let isTold = false
  app.addHook('onRequest', ({ protocol, headers }, _reply, done) => {
    if (!isTold && protocol !== 'https' && String(headers['x-forwarded-proto']).includes('https')) {
      isTold = true
      warn('FST_SEALED_SESSION_WARN_ENVIRONMENT', sessionName)
    }
    done()
  })
}

const callable: SealedSessionPlugin = async (app, options, ...[done]) => {
  assertRegistered(app, 'sealedSession')
  const development = developmentAt(app)
  const given = Array.isArray(options) ? await Promise.all(options.map(async (entry: unknown) => await withSafeDefaults(entry, development))) : await withSafeDefaults(options, development)
  await fastifySecureSession(app, given as never, ...done === undefined ? [] : [done])
}

/**
 * The plugin with the defaults of today: `app.register(sealedSession, { key })` is all that an app needs. All else is as
 * with `fastifySecureSession`, whose options it takes.
 *
 * Its defaults: format `'sealed'`; `expiry` 8 hours, `rolling`, `absoluteTimeout` 7 days, or `expiry` if that is longer;
 * a cookie `__Host-session` with `path: '/'`, `httpOnly`, `sameSite: 'lax'` and `secure`. The name has `__Secure-` if the
 * cookie has another path or a `domain`, and no prefix if it is not `secure: true`.
 *
 * If NODE_ENV is not `production`: without a key it makes one that ends with the process, and warns; and if the server
 * speaks no TLS, the cookie has no prefix, and `secure: 'auto'`, which the log says. In production neither happens.
 * @throws (`app.ready()` rejects) as `fastifySecureSession` does.
 */
export const sealedSession: SealedSessionPlugin = fp(callable, { fastify: '5.x', name: '@fastify/secure-session' })
