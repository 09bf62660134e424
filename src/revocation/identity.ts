import { fail } from '../errors.ts'
import type { KnownSession } from '../extension/session-identities.ts'
import { idAfter, idsBefore } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import { ALL, epochKeysOf, idKey, keyOfHash } from './store-keys.ts'
import { STAMP } from '../token/claims.ts'
import { revocableSince } from '../token/survived.ts'

/** Identity of a session, by which it is revoked. */
export interface Identity {
  /** Null if only the times count. */
  id: Buffer | null
  /** Time that revocations compare, as `revocableSince` gives it. */
  created: number
  /** None if it is nobody's; the first one is its user. */
  subjects: readonly string[]
  /** Hash of its user's stamp, as it was sealed; null without one. */
  stamp: Buffer | null
  /** Its ids of before, if its token has the first of them: it was bound meanwhile. Absent for nearly all. */
  before?: readonly Buffer[] | undefined
  /** Cache of the store's keys for it: to hash a subject takes longer than all else. */
  keys?: Keys | undefined
}

/** The keys that decide over a session. */
export interface Keys {
  readonly own: readonly string[]
  /** Those of its ids of before. */
  readonly before: readonly string[]
  readonly epochs: readonly string[]
  /** Value of `sequence` at which none of them ended the session; none does as long as it stays. */
  goodAt: number
}

/** @param subjects those of the session. @throws `FST_SEALED_SESSION_NO_ID` */
export function identityOf (state: SessionState, subjects: readonly string[]): Identity {
  const record = state.record()
  const { id } = record
  if (id === null) throw fail('NO_ID')
  const sealed = state.origin?.device?.idBefore
  const before = sealed === undefined ? undefined : idsBefore(sealed, id)
  return { id, created: revocableSince(record), subjects, stamp: record.claims?.get(STAMP) ?? null, before }
}

/** Identity of a session as that which it goes on as, bound to a device. */
export function successorOf (identity: Identity): Identity {
  return { ...identity, id: identity.id && idAfter(identity.id), before: undefined, keys: undefined }
}

/** User of a session; undefined if it is nobody's. */
export function userOf (identity: Identity | null): string | undefined {
  return identity?.subjects[0]
}

/** Identity of a session of which only the hashes of its subjects are known. */
export function knownIdentity ({ id, created, subjectHashes, stamp }: KnownSession): Identity {
  return { id, created, subjects: [], stamp, keys: { own: [idKey(id)], before: NO_KEYS, epochs: [ALL, ...subjectHashes.map(keyOfHash)], goodAt: -1 } }
}

const NO_KEYS: readonly string[] = []

/** Keys that decide over a session, made once. */
export function keysOf (identity: Identity): Keys {
  const { id, before, subjects } = identity
  identity.keys ??= { own: id === null ? [] : [idKey(id)], before: before?.map(idKey) ?? NO_KEYS, epochs: epochKeysOf(subjects), goodAt: -1 }
  return identity.keys
}

/** All of them, to ask the store about. */
export function allKeysOf (identity: Identity): string[] {
  const { own, before, epochs } = keysOf(identity)
  return [...own, ...before, ...epochs]
}
