import type { ExtensibleSession } from '../extension/extensible.ts'
import type { SessionIdentities } from '../extension/session-identities.ts'
import { environment } from '#runtime'
import type { Warn } from '../messages.ts'
import { refuseUnknown } from '../options/readers.ts'
import { checkedSubject } from '../revocation/subject.ts'
import { stateOf } from '../session/info.ts'
import { toDate } from '../token/lifetime.ts'
import { RegistryExtension } from './registry-extension.ts'
import { MemoryRegistry } from './memory-registry.ts'
import type { RegistryConfig } from './options.ts'
import { isBoundLine, Registry } from './registry.ts'
import type { ListedSession, RegistryLine, RegistryMethods } from './types.ts'

interface AppLog {
  error (details: object, message: string): void
  info (message: string): void
}

export { readRegistryOptions } from './options.ts'

const now = (): number => Date.now()

/**
 * Adds a registry to a session. @returns the method that lists.
 * @throws `FST_SEALED_SESSION_STORE_NONE` for a limit without a store of revocations
 */
export function addRegistry (session: ExtensibleSession, identities: SessionIdentities, config: RegistryConfig, log: AppLog, warn: Warn): RegistryMethods['listSessions'] {
  if (config.limit !== null) identities.assertRevocable()
  const registry = registryOf(config, identities, log, warn)
  session.extend(new RegistryExtension({ registry, identities, describe: config.describe }))
  return async (subject, given = {}) => {
    refuseUnknown(given, ['current'])
    const current = given.current === undefined ? undefined : stateOf(given.current).record().id?.toString('base64url')
    const lines = await registry.list(checkedSubject(subject))
    return lines.map(line => listed(line, current)).sort((a, b) => b.lastSeenAt.getTime() - a.lastSeenAt.getTime())
  }
}

function registryOf ({ store, storeTimeout, limit }: RegistryConfig, identities: SessionIdentities, log: AppLog, warn: Warn): Registry {
  if (store === null) warn('FST_SEALED_SESSION_WARN_MEMORY_REGISTRY', 'missing')
  else if (environment('NODE_ENV') === 'production' && store instanceof MemoryRegistry) warn('FST_SEALED_SESSION_WARN_MEMORY_REGISTRY', 'a MemoryRegistry')
  return new Registry({
    store: store ?? new MemoryRegistry(),
    timeout: storeTimeout,
    log: {
      failed: err => { log.error({ err }, err.message) },
      recovered: () => { log.info('the store of the session registry answers again') }
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
