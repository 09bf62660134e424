import type { FastifyInstance } from 'fastify'
import { areAlike, type SessionConfig } from '../options/options.ts'
import { REVOCATION } from './extension.ts'
import type { Registered } from './registered.ts'
import type { Warn } from '../warnings.ts'

/** Session of some context of the app, as others see it; it may be of the other copy of this package. */
interface Seen {
  readonly config: SessionConfig
  readonly isGuarded: () => boolean
}

/** The sessions of all contexts, on their server. Registered, since ESM and CommonJS each have a copy of this file. */
const kAll: unique symbol = Symbol.for('fastify-sealed-session.all')

/**
 * Warns when the app is ready of a session without revocation that opens the tokens of one with it: a
 * cookie that was revoked for the API would still open the pages.
 */
export function warnOfUnguarded (app: FastifyInstance, sessions: readonly Registered[], warn: Warn): void {
  const server = app.server as { [kAll]?: Seen[] }
  if (!Object.hasOwn(server, kAll)) Object.defineProperty(server, kAll, { value: [] })
  const own = sessions.map((session): Seen => ({ config: session.manager.config, isGuarded: () => session.extensions?.has(REVOCATION) === true }))
  const all = server[kAll]! // defined above
  all.push(...own)

  app.addHook('onReady', async () => {
    for (const { config, isGuarded } of own) {
      if (isGuarded()) continue
      const guarded = all.find(other => other.isGuarded() && areAlike(config, other.config))
      if (guarded !== undefined) warn('FST_SEALED_SESSION_WARN_UNGUARDED', config.sessionName, guarded.config.sessionName)
    }
  })
}
