import { kindOf, fail } from '../errors.ts'
import { readDuration, refuseUnknown } from '../options/readers.ts'
import type { SessionRequest } from '../http/exchange.ts'
import type { ExtensibleSession } from '../extension/extensible.ts'
import { idOfText } from '../session/id.ts'
import { stateOf } from '../session/info.ts'
import type { SessionState } from '../session/session.ts'
import type { KnownEpochs } from './epoch-writer.ts'
import type { RevocationExtension } from './revocation-extension.ts'
import type { Identities } from './identities.ts'
import type { RequestRecord } from './request-record.ts'
import type { RevocationSource } from './revocations.ts'
import { checkedSubject } from './subject.ts'
import { MAX_SECONDS } from '../token/lifetime.ts'
import type { RevocationMethods } from './types.ts'
import { hasEnded } from './verdicts.ts'

// Methods of the app by which it ends sessions, and that ask about ends. `delete()` and `regenerate()` of a session come by
// `ended` of revocation-extension.ts.

interface Parts {
  session: ExtensibleSession
  revocations: RevocationSource
  identities: Identities
  extension: RevocationExtension
  /** Has signals of open sessions look at once. */
  lookAgain: () => void
  hasSubjects: boolean
  /** Request whose handler calls; undefined if nobody knows. @param state session that the caller has named. */
  requestOf: (state: SessionState | null) => SessionRequest | undefined
}

export function methodsOf (parts: Parts): RevocationMethods {
  const { extension, revocations, requestOf } = parts
  return {
    ...endsOfOne(parts),
    ...endsOfMany(parts),
    restampSession: async given => {
      const state = stateOf(given)
      await extension.restamp(state, requestOf(state))
      state.touch()
    },
    useOnce: async (id, ttl) => await revocations.useOnce(checkedOnceId(id), lifeOf(ttl)),
    isSessionRevoked: async given => await extension.isRevoked(stateOf(given))
  }
}

function endsOfOne ({ session, revocations, identities }: Parts): Pick<RevocationMethods, 'revokeSession' | 'revokeSessionId'> {
  return {
    revokeSession: async given => {
      const state = stateOf(given)
      revocations.assertStored()
      const { id, lifetime } = state.record()
      if (id === null) throw fail('NO_ID')
      // The subjects cannot be read any more once it has ended.
      if (!hasEnded(state)) await identities.revokeId(id, { lifetime, subjects: session.lifecycle.isHeard ? session.lifecycle.subjectsOf(state) : [] })
    },

    revokeSessionId: async (text, sessionName = session.sessionName) => {
      if (sessionName !== session.sessionName) throw fail('UNKNOWN_SESSION')
      await identities.revokeId(idFrom(text))
    }
  }
}

function endsOfMany ({ session, revocations, extension, lookAgain, hasSubjects, requestOf }: Parts): Pick<RevocationMethods, 'revokeSubject' | 'revokeOtherSessions' | 'revokeAll'> {
  /** Revokes, and notes it as the own revocation of the request whose handler called. */
  const revoke = async (request: SessionRequest | undefined, subject?: string, isOthers = false): Promise<number> => {
    const record = extension.records.of(request)
    const known = subject !== undefined && isOthers ? await epochsBefore(revocations, subject, record) : undefined
    const revoked = await revocations.revokeUntilNow(subject, known)
    if (session.lifecycle.isHeard) session.lifecycle.tell('ended', { id: null, subjects: subject === undefined ? [] : [subject] }, { cause: 'revoked' }, request ?? null)
    if (request !== undefined && record !== null) extension.noteOwn(record, session.held(request), revoked)
    return revoked.epoch
  }

  /** Ends all sessions of a subject but one. @param subjects those of that one, which cannot be read any more once the others have ended. */
  const revokeExcept = async (subject: string, except: SessionState, subjects: readonly string[]): Promise<void> => {
    const isOwn = subjects.includes(subject)
    const epoch = await revoke(requestOf(except), subject, isOwn)
    if (isOwn) await extension.goOn(except, subjects, epoch)
  }

  const assertSubjects = (method: string): void => {
    revocations.assertStored()
    if (!hasSubjects) throw fail('SUBJECT_MISSING', [method])
  }

  return {
    revokeSubject: async (subject, options) => {
      assertSubjects('revokeSubject')
      const [checked, except] = [checkedSubject(subject), exceptOf(options)]
      if (except === null) await revoke(requestOf(null), checked)
      else await revokeExcept(checked, except, await extension.assertLive(except))
      lookAgain() // not before: the one that goes on would seem to have ended
    },

    revokeOtherSessions: async given => {
      assertSubjects('revokeOtherSessions')
      const state = stateOf(given)
      const subjects = await extension.assertLive(state)
      if (subjects[0] === undefined) throw fail('SUBJECT_NOBODY')
      await revokeExcept(subjects[0], state, subjects)
      lookAgain()
    },

    revokeAll: async () => {
      await revoke(requestOf(null))
      lookAgain()
    }
  }
}

/**
 * Times of a subject before a session ends all others of it. Throws if that has just been done by another request: of two
 * clicks on "log in, and everybody else out" the first one keeps its session.
 * @param record of the request; null without one.
 * @throws `FST_SEALED_SESSION_REVOKED_MEANWHILE`
 */
async function epochsBefore (revocations: RevocationSource, subject: string, record: RequestRecord | null): Promise<KnownEpochs> {
  const epochs = await revocations.epochsOf([subject])
  const isSecond = record !== null && epochs.some(([key, epoch]) => epoch > 0 && record.own?.get(key) !== epoch && revocations.cameDuring(key, epoch, record))
  if (isSecond) throw fail('REVOKED_MEANWHILE')
  return epochs
}

/** @throws `FST_SEALED_SESSION_ID_INVALID`: the text is most likely a browser's. */
function idFrom (text: unknown): Buffer {
  const id = typeof text === 'string' ? idOfText(text) : null
  if (id === null) throw fail('ID_INVALID', [typeof text === 'string' ? 'other text' : kindOf(text)])
  return id
}

const MAX_ONCE_ID = 1024

/** @throws `FST_SEALED_SESSION_ONCE_ID` */
function checkedOnceId (id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= MAX_ONCE_ID) return id
  throw fail('ONCE_ID', [typeof id === 'string' ? `${id.length} characters` : kindOf(id)])
}

/** Milliseconds of a time in seconds. @throws `FST_SEALED_SESSION_DURATION` */
function lifeOf (ttl: unknown): number {
  return Math.ceil(readDuration({ ttl }, 'ttl', NaN, { most: MAX_SECONDS }) * 1000)
}

/** @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTIONS_INVALID`, `FST_SEALED_SESSION_NOT_A_SESSION` */
function exceptOf (options: { except?: object | undefined } | undefined): SessionState | null {
  if (options === undefined) return null
  refuseUnknown(options, ['except'])
  return options.except === undefined ? null : stateOf(options.except)
}
