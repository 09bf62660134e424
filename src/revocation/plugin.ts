import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { kindOf, sealedSessionError } from '../errors.ts'
import { hasEnded, RevocationExtension } from './extension.ts'
import { type ExtensibleSession, kSessions, REVOCATION } from '../fastify/extension.ts'
import { waitAsSent } from '../fastify/hooks.ts'
import { MemoryStore } from './memory-store.ts'
import { warnerOf } from '../messages.ts'
import { readRevocationOptions, type RevocationConfig } from './options.ts'
import { refuseUnknown } from '../options/readers.ts'
import { currentRequest } from './request-record.ts'
import { Revocations } from './revocations.ts'
import { idOfText } from '../session/id.ts'
import { stateOf } from '../session/proxy.ts'
import type { SessionState } from '../session/session.ts'
import { StoreClient } from './store-client.ts'
import { checkedSubject } from './subject.ts'
import type { SessionRevocation, SessionRevocationOptions } from './types.ts'

// The wiring into Fastify. Revocations are in revocations.ts, their effect on a request in extension.ts.

const now = (): number => Date.now()

const plugin: FastifyPluginAsync<SessionRevocationOptions> = async (app, options) => {
  const config = readRevocationOptions(options)
  const session = findSession(app, config.sessionName)
  const revocations = revocationsOf(app, config, session)
  const extension = new RevocationExtension({ revocations, subject: config.subject, cacheTtl: config.cacheTtl, now })
  session.extend(extension)
  session.identities = extension
  addDecorators(app, session, revocations, extension, config)
  addHooks(app, session, revocations, extension)
}

function addHooks (app: FastifyInstance, session: ExtensibleSession, revocations: Revocations, extension: RevocationExtension): void {
  app.addHook('onRequest', (request, _reply, done) => {
    extension.records.begin(request, now(), revocations.sequence)
    const state = session.find(request)
    goOn(state?.origin?.ok === true ? extension.check(state, request) : undefined, within(request, done))
  })

  /** Checks a request again: a body that does not end can hold it open for as long as its client likes. */
  const recheck = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const state = session.held(request)
    const waiting = state === null ? undefined : extension.recheck(state, request)
    const next = within(request, done)
    // An async handler that called reply.callNotFound() may be done before that.
    if (waiting !== undefined && request.is404) waitAsSent(reply, waiting, next)
    else goOn(waiting, next)
  }
  // Twice: the app's own preValidation hooks come between, and may wait as well.
  app.addHook('preValidation', (request, reply, done) => { recheck(request, reply, done) })
  app.addHook('preHandler', (request, reply, done) => { recheck(request, reply, done) })
}

/** Has all code that follows know its request. To read a body loses it, so each of the hooks does it anew. */
function within (request: FastifyRequest, done: HookHandlerDoneFunction): HookHandlerDoneFunction {
  return error => { currentRequest.run(request, done, error) }
}

/**
 * Goes on without a promise if nothing has to be awaited, and else in a tick of its own: in a reaction of a
 * promise, Fastify would take an async handler for done before the stream that it sent has begun.
 */
function goOn (waiting: Promise<void> | undefined, done: HookHandlerDoneFunction): void {
  if (waiting === undefined) done()
  else waiting.then(() => { process.nextTick(done) }, (error: Error) => { process.nextTick(done, error) })
}

/** @throws `FST_SEALED_SESSION_REVOCATION_ALONE`, `FST_SEALED_SESSION_REVOCATION_TWICE` */
function findSession (app: FastifyInstance, name: string | null): ExtensibleSession {
  const { [kSessions]: sessions = [] } = app as { [kSessions]?: readonly ExtensibleSession[] }
  const session = sessions.find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw sealedSessionError('FST_SEALED_SESSION_REVOCATION_ALONE', [name ?? 'session'])
  if (session.hasExtension(REVOCATION) || Object.hasOwn(app, 'revokeSession')) throw sealedSessionError('FST_SEALED_SESSION_REVOCATION_TWICE')
  return session
}

function revocationsOf (app: FastifyInstance, config: RevocationConfig, { expiry, maxExpiry, absoluteTimeout }: ExtensibleSession): Revocations {
  const warn = warnerOf(app.log)
  if (config.store === null) warn('FST_SEALED_SESSION_WARN_MEMORY_STORE')
  const { store, storeTimeout, cacheTtl, onStoreError } = config
  const client = new StoreClient(store ?? new MemoryStore(), storeTimeout, {
    failed: err => { app.log.error({ err }, err.message) },
    recovered: () => { app.log.info('the revocation store answers again') }
  })
  return new Revocations({ client, cacheTtl, acceptsErrors: onStoreError === 'accept', expiry, maxExpiry, absoluteTimeout, now })
}

function addDecorators (app: FastifyInstance, session: ExtensibleSession, revocations: Revocations, extension: RevocationExtension, config: RevocationConfig): void {
  /** Revokes, and notes it as the own revocation of the request whose handler called. */
  const revoke = async (subject?: string, kept?: string): Promise<number> => {
    const request = currentRequest.getStore()
    const record = extension.records.of(request)
    if (record !== null && kept !== undefined) await extension.assertFirst(kept, record)
    const revoked = await revocations.revokeUntilNow(subject)
    if (request !== undefined && record !== null) extension.noteOwn(record, session.held(request), revoked)
    return revoked.epoch
  }

  app.decorate('revokeSession', async (given: object) => {
    const state = stateOf(given)
    const { id, lifetime } = state.record()
    if (id === null) throw sealedSessionError('FST_SEALED_SESSION_NO_ID')
    if (!hasEnded(state)) await revocations.revokeId(id, lifetime, true)
  })

  app.decorate('revokeSessionId', async (text: string, sessionName = session.sessionName) => {
    if (sessionName !== session.sessionName) throw sealedSessionError('FST_SEALED_SESSION_UNKNOWN_SESSION')
    await extension.revokeId(idFrom(text))
  })

  /** Ends all sessions of a subject but one. @param kept the subject of that one. */
  const revokeExcept = async (subject: string, except: SessionState, kept: string | undefined): Promise<void> => {
    const epoch = await revoke(subject, kept === subject ? kept : undefined)
    if (kept === subject) extension.goOn(except, subject, epoch)
  }

  app.decorate('revokeSubject', async (subject: string, options?: { except?: object | undefined }) => {
    if (config.subject === null) throw sealedSessionError('FST_SEALED_SESSION_SUBJECT_MISSING', ['revokeSubject'])
    const [checked, except] = [checkedSubject(subject), exceptOf(options)]
    if (except === null) await revoke(checked)
    else await revokeExcept(checked, except, await extension.assertLive(except))
  })

  app.decorate('revokeOtherSessions', async (given: object) => {
    if (config.subject === null) throw sealedSessionError('FST_SEALED_SESSION_SUBJECT_MISSING', ['revokeOtherSessions'])
    const state = stateOf(given)
    const subject = await extension.assertLive(state)
    if (subject === undefined) throw sealedSessionError('FST_SEALED_SESSION_SUBJECT_NOBODY')
    await revokeExcept(subject, state, subject)
  })

  app.decorate('revokeAll', async () => { await revoke() })

  app.decorate('isSessionRevoked', async (given: object) => await extension.isRevoked(stateOf(given)))
}

/** @throws `FST_SEALED_SESSION_ID_INVALID`: the text is most likely a browser's. */
function idFrom (text: unknown): Buffer {
  const id = typeof text === 'string' ? idOfText(text) : null
  if (id === null) throw sealedSessionError('FST_SEALED_SESSION_ID_INVALID', [typeof text === 'string' ? 'other text' : kindOf(text)])
  return id
}

/** @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTIONS_INVALID`, `FST_SEALED_SESSION_NOT_A_SESSION` */
function exceptOf (options: { except?: object | undefined } | undefined): SessionState | null {
  if (options === undefined) return null
  refuseUnknown(options, ['except'])
  return options.except === undefined ? null : stateOf(options.except)
}

/**
 * The plugin that ends sessions on the server. Register it after `fastify-sealed-session`.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant, such as
 * `FST_SEALED_SESSION_STORE_SILENT`.
 */
export const sessionRevocation: SessionRevocation = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-revocation'
})
