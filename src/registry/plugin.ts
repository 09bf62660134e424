import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { fail } from '../errors.ts'
import { type RegisteredSession, sessionsOf } from '../fastify/registered-session.ts'
import { assertRegistered } from '../fastify/mistakes.ts'
import type { SessionIdentities } from '../extension/session-identities.ts'
import { warnerOf } from '../messages.ts'
import { REGISTRY } from './registry-extension.ts'
import { readRegistryOptions } from './options.ts'
import { addRegistry } from './registration.ts'
import type { SessionRegistry, SessionRegistryOptions } from './types.ts'

const plugin: FastifyPluginAsync<SessionRegistryOptions> = async (app, options) => {
  assertRegistered(app, 'sessionRegistry')
  const config = readRegistryOptions(options)
  const { session, identities } = findSession(app, config.sessionName)
  app.decorate('listSessions', addRegistry(session, identities, config, app.log, warnerOf(app.log)))
}

/** @throws `FST_SEALED_SESSION_REGISTRY_ALONE`, `FST_SEALED_SESSION_REGISTRY_TWICE` */
function findSession (app: FastifyInstance, name: string | null): { session: RegisteredSession, identities: SessionIdentities } {
  const session = sessionsOf(app).find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw fail('REGISTRY_ALONE', [`session "${name ?? 'session'}"`])
  const { identities } = session
  if (identities === null) throw fail('REGISTRY_ALONE', [`sessionRevocation of session "${session.sessionName}"`])
  if (!identities.tellsSubjects) throw fail('REGISTRY_ALONE', ['option "subject" of sessionRevocation'])
  if (session.hasExtension(REGISTRY) || Object.hasOwn(app, 'listSessions')) throw fail('REGISTRY_TWICE')
  return { session, identities }
}

/**
 * The plugin that lists the sessions of a user, and limits them. Register it after `fastify-sealed-session` and
 * `sessionRevocation`, which has to have the option `subject`.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant; `FST_SEALED_SESSION_REGISTRY_ALONE`
 * without one of those two; `FST_SEALED_SESSION_STORE_NONE` for a limit with `store: false`.
 */
export const sessionRegistry: SessionRegistry = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-registry'
})
