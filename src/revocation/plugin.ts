import { format } from 'node:util'
import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { sealedSessionError } from '../errors.ts'
import { kSessions, type GuardedSession } from '../request/guard.ts'
import { stateOf } from '../session/proxy.ts'
import { WARNINGS, type Warn } from '../warnings.ts'
import { RevocationGuard } from './guard.ts'
import { MemoryStore } from './memory-store.ts'
import { readRevocationOptions, type RevocationConfig } from './options.ts'
import { Revocations } from './revocations.ts'
import { StoreClient } from './store-client.ts'
import { checkedSubject } from './subject.ts'
import type { SessionRevocation, SessionRevocationOptions } from './types.ts'

// The wiring into Fastify. What is revoked: revocations.ts. What that means for a request: guard.ts.

const now = (): number => Date.now()

const plugin: FastifyPluginAsync<SessionRevocationOptions> = async (app, options) => {
  const config = readRevocationOptions(options)
  const session = findSession(app, config.sessionName)
  const revocations = revocationsOf(app, config, session)
  const guard = new RevocationGuard({ revocations, subject: config.subject, now })
  session.setGuard(guard)
  addDecorators(app, revocations, guard, config)

  app.addHook('onRequest', (request, _reply, done) => {
    const state = session.find(request)
    if (state?.origin?.ok === true) guard.check(state, request.log).then(() => done(), done)
    else done()
  })
}

/** @throws `FST_SEALED_SESSION_REVOCATION_ALONE`, `FST_SEALED_SESSION_REVOCATION_TWICE` */
function findSession (app: FastifyInstance, name: string | null): GuardedSession {
  const { [kSessions]: sessions = [] } = app as { [kSessions]?: readonly GuardedSession[] }
  const session = sessions.find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw sealedSessionError('FST_SEALED_SESSION_REVOCATION_ALONE', [name ?? 'session'])
  if (session.isGuarded || Object.hasOwn(app, 'revokeSession')) throw sealedSessionError('FST_SEALED_SESSION_REVOCATION_TWICE')
  return session
}

function revocationsOf (app: FastifyInstance, config: RevocationConfig, { expiry, maxExpiry, absoluteTimeout }: GuardedSession): Revocations {
  const warn: Warn = (code, ...values) => { app.log.warn({ code }, format(WARNINGS[code], ...values)) }
  if (config.store === null) warn('FST_SEALED_SESSION_WARN_MEMORY_STORE')
  const { store, storeTimeout, cacheTtl, onStoreError } = config
  const client = new StoreClient(store ?? new MemoryStore(), storeTimeout, {
    failed: err => { app.log.error({ err }, err.message) },
    recovered: () => { app.log.info('the revocation store answers again') }
  })
  return new Revocations({ client, cacheTtl, acceptsErrors: onStoreError === 'accept', expiry, maxExpiry, absoluteTimeout, now })
}

function addDecorators (app: FastifyInstance, revocations: Revocations, guard: RevocationGuard, config: RevocationConfig): void {
  app.decorate('revokeSession', async (session: object) => {
    const { id, lifetime } = stateOf(session).content()
    if (id === null) throw sealedSessionError('FST_SEALED_SESSION_NO_ID')
    await revocations.revokeId(id, lifetime)
  })

  app.decorate('revokeSubject', async (subject: string) => {
    if (config.subject === null) throw sealedSessionError('FST_SEALED_SESSION_SUBJECT_MISSING')
    await revocations.revokeUntilNow(checkedSubject(subject))
  })

  app.decorate('revokeAll', async () => { await revocations.revokeUntilNow() })

  app.decorate('isSessionRevoked', async (session: object) =>
    await revocations.isRevoked(guard.identityOf(stateOf(session))))
}

/**
 * The plugin that ends sessions on the server. Register it after `fastify-sealed-session`.
 * @throws (`app.ready()` rejects) a coded error for what cannot be meant, such as
 * `FST_SEALED_SESSION_STORE_SILENT`.
 */
export const sessionRevocation: SessionRevocation = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-revocation'
})
