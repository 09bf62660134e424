import { RevocationExtension } from './revocation-extension.ts'
import { environment } from '#runtime'
import type { SessionRequest } from '../http/exchange.ts'
import type { ExtensibleSession } from '../extension/extensible.ts'
import { Identities } from './identities.ts'
import { methodsOf } from './end-sessions.ts'
import type { Warn } from '../messages.ts'
import { OpenSessions } from './open-sessions.ts'
import type { RevocationConfig } from './options.ts'
import { NO_REVOCATIONS, Revocations, type RevocationSource } from './revocations.ts'
import type { SessionState } from '../session/session.ts'
import { Stamps } from './stamps.ts'
import { StoreCalls } from '../store/calls.ts'
import { StoreClient } from '../store/client.ts'
import { memoryNameOf, MemoryStore } from '../store/memory.ts'
import type { RevocationMethods, RevocationStore } from './types.ts'

/** Surroundings of a revocation: log and requests of the app. */
interface Surroundings {
  log: { error (details: object, message: string): void, info (message: string): void }
  warn: Warn
  /** Request whose code runs; undefined if nobody knows. */
  requestNow: () => SessionRequest | undefined
  /** Request whose handler calls a method. @param state session that the caller has named. */
  requestOf: (state: SessionState | null) => SessionRequest | undefined
}

export { readRevocationOptions } from './options.ts'

const now = (): number => Date.now()

/** Adds revocation to a session. @returns its say in requests, and the methods for the app. */
export function addRevocation (session: ExtensibleSession, config: RevocationConfig, surroundings: Surroundings): { extension: RevocationExtension, methods: RevocationMethods } {
  let lookAgain = (): void => {}
  const revocations = revocationsOf(config, session, surroundings, () => { lookAgain() })
  const stamps = stampsOf(surroundings, config)
  const extension = new RevocationExtension({ revocations, stamps, subjects: config.subjects, cacheTtl: config.cacheTtl, now })
  session.extend(extension)
  const hasSubjects = config.subjects !== null
  const { requestNow, requestOf } = surroundings
  const identities = session.identities = new Identities({ extension, revocations, stamps, lifecycle: session.lifecycle, hasSubjects, requestNow })
  lookAgain = session.judge(new OpenSessions({ revocations, stamps, extension, cacheTtl: config.cacheTtl }))
  return { extension, methods: methodsOf({ session, revocations, identities, extension, lookAgain, hasSubjects, requestOf }) }
}

function revocationsOf (config: RevocationConfig, { expiry, maxExpiry, absoluteTimeout }: ExtensibleSession, { log, warn }: Surroundings, revoked: () => void): RevocationSource {
  if (config.store === false) return NO_REVOCATIONS
  warnOfMemory(config.store, warn)
  const { store, storeTimeout, cacheTtl, onStoreError } = config
  const client = new StoreClient(store ?? new MemoryStore(), storeTimeout, {
    failed: err => { log.error({ err }, err.message) },
    recovered: () => { log.info('the revocation store answers again') }
  })
  return new Revocations({ client, cacheTtl, acceptsErrors: onStoreError === 'accept', expiry, maxExpiry, absoluteTimeout, now, revoked })
}

/** Warns of a store that forgets at a restart: one that nobody chose, and in production one that came there from an example. */
function warnOfMemory (store: RevocationStore | null, warn: Warn): void {
  const isProduction = environment('NODE_ENV') === 'production'
  const name = store === null ? 'missing' : isProduction ? memoryNameOf(store) : null
  if (name !== null) warn('FST_SEALED_SESSION_WARN_MEMORY_STORE', name)
}

/** Null without the option `stamp`. */
function stampsOf ({ log }: Surroundings, { stamp, storeTimeout, cacheTtl, onStoreError }: RevocationConfig): Stamps | null {
  if (!stamp) return null
  const calls = new StoreCalls({
    timeout: storeTimeout,
    error: 'STAMP_UNAVAILABLE',
    log: {
      failed: err => { log.error({ err }, err.message) },
      recovered: () => { log.info('the option "stamp" answers again') }
    }
  })
  return new Stamps({ stamp, calls, cacheTtl, acceptsErrors: onStoreError === 'accept', now })
}
