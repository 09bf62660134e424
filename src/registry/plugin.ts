import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { fail } from '../errors.ts'
import { toDate } from '../token/lifetime.ts'
import { refuseUnknown } from '../options/readers.ts'
import { kSessions, type RegisteredSession } from '../fastify/extension.ts'
import type { SessionIdentities } from '../http/extension.ts'
import { checkedSubject } from '../revocation/subject.ts'
import { stateOf } from '../session/info.ts'
import { warnerOf } from '../messages.ts'
import { REGISTRY, RegistryExtension } from './extension.ts'
import { MemoryRegistry } from './memory-registry.ts'
import { readRegistryOptions, type RegistryConfig } from './options.ts'
import { isBoundLine, Registry } from './registry.ts'
import type { ListedSession, RegistryLine, SessionRegistry, SessionRegistryOptions } from './types.ts'

const now = (): number => Date.now()

const plugin: FastifyPluginAsync<SessionRegistryOptions> = async (app, options) => {
  const config = readRegistryOptions(options)
  const { session, identities } = findSession(app, config.sessionName)
  if (config.limit !== null) identities.assertRevocable()
  const registry = registryOf(app, config, identities)
  session.extend(new RegistryExtension({ registry, identities, describe: config.describe }))

  app.decorate('listSessions', async (subject: string, given: { current?: object | undefined } = {}) => {
    refuseUnknown(given, ['current'])
    const current = given.current === undefined ? undefined : stateOf(given.current).record().id?.toString('base64url')
    const lines = await registry.list(checkedSubject(subject))
    return lines.map(line => listed(line, current)).sort((a, b) => b.lastSeenAt.getTime() - a.lastSeenAt.getTime())
  })
}

/** @throws `FST_SEALED_SESSION_REGISTRY_ALONE`, `FST_SEALED_SESSION_REGISTRY_TWICE` */
function findSession (app: FastifyInstance, name: string | null): { session: RegisteredSession, identities: SessionIdentities } {
  const { [kSessions]: sessions = [] } = app as { [kSessions]?: readonly RegisteredSession[] }
  const session = sessions.find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw fail('REGISTRY_ALONE', [`session "${name ?? 'session'}"`])
  const { identities } = session
  if (identities === null) throw fail('REGISTRY_ALONE', [`sessionRevocation of session "${session.sessionName}"`])
  if (!identities.tellsSubjects) throw fail('REGISTRY_ALONE', ['option "subject" of sessionRevocation'])
  if (session.hasExtension(REGISTRY) || Object.hasOwn(app, 'listSessions')) throw fail('REGISTRY_TWICE')
  return { session, identities }
}

function registryOf (app: FastifyInstance, { store, storeTimeout, limit }: RegistryConfig, identities: SessionIdentities): Registry {
  const warn = warnerOf(app.log)
  if (store === null) warn('FST_SEALED_SESSION_WARN_MEMORY_REGISTRY')
  return new Registry({
    store: store ?? new MemoryRegistry(),
    timeout: storeTimeout,
    log: {
      failed: err => { app.log.error({ err }, err.message) },
      recovered: () => { app.log.info('the store of the session registry answers again') }
    },
    limit,
    identities,
    now
  })
}

function listed (line: RegistryLine, current: string | undefined): ListedSession {
  const { id, createdAt, lastSeenAt, expiresAt, description } = line
  return {
    id,
    createdAt: toDate(createdAt),
    lastSeenAt: toDate(lastSeenAt),
    expiresAt: toDate(expiresAt),
    description: description === '' ? null : JSON.parse(description) as Record<string, unknown>,
    current: id === current,
    bound: isBoundLine(line)
  }
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
