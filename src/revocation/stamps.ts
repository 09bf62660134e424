import { sodium } from '#sodium'
import { kindOf, fail } from '../errors.ts'
import { remember } from './answer-cache.ts'
import type { RequestRecord } from './request-record.ts'
import { type Identity, userOf } from './identity.ts'
import type { StoreCalls } from '../store/calls.ts'

/** Bytes of a stamp's hash that are sealed: who could choose stamps would have no use of two with one hash. */
const HASH_BYTES = 16

/** Other stamps of one user that are remembered as refused: as many old cookies as somebody may try. */
const MAX_REFUSED = 16

/** Stamp of a user, as the app has told it. */
interface Known {
  /** Null for a user who has none, such as one who was removed. */
  hash: Buffer | null
  /** Time at which the app was asked, in milliseconds since 1970. */
  began: number
  /** Number of the question: a later one knows more. */
  order: number
  /** Stamps of sessions that are not this one, and are older. */
  refused: Set<string>
}

export interface StampsOptions {
  stamp: (subject: string) => unknown
  calls: StoreCalls
  /** Milliseconds for which an answer is believed. */
  cacheTtl: number
  /** True if sessions are let in while the app cannot be asked. */
  acceptsErrors: boolean
  now: () => number
}

/** Stamps of users: asks the app, and remembers its answers. A session whose stamp is another one has ended. */
export class Stamps {
  readonly #options: StampsOptions
  readonly #known = new Map<string, Known>()
  /** Questions that are under way, so that many requests at once ask once. */
  readonly #asking = new Map<string, { began: number, answer: Promise<Known> }>()
  /** The same for stamps that look old, by user and stamp. */
  readonly #confirming = new Map<string, Promise<Known>>()
  /** Numbers of the questions that `restamp` asked last. */
  readonly #restamped = new Map<string, number>()
  #order = 0

  constructor (options: StampsOptions) {
    this.#options = options
  }

  /** Number of questions so far. */
  get order (): number { return this.#order }

  /** True if the stamp of a session is not its user's any more; null if the app has to be asked. */
  isChangedSync (subject: string, sealed: Buffer | null): boolean | null {
    if (sealed === null) return true // sealed before stamps were in use, or by an app that does not use them
    const known = this.#fresh(subject)
    if (known === undefined) return null
    if (isSame(known.hash, sealed)) return false
    return known.refused.has(textOf(sealed)) ? true : null
  }

  /**
   * The same, after the app was asked if need be. Another process may have sealed a newer stamp than is known here:
   * one that differs is asked for once more, and only then refused.
   * @throws `FST_SEALED_SESSION_STAMP_UNAVAILABLE`, unless errors are accepted; `FST_SEALED_SESSION_STAMP_TYPE`
   */
  async isChanged (subject: string, sealed: Buffer | null): Promise<boolean> {
    if (sealed === null) return true
    const order = this.#order // questions from here on know of this stamp
    try {
      const first = this.#fresh(subject) ?? await this.#join(subject)
      if (isSame(first.hash, sealed)) return false
      if (first.order > order || first.refused.has(textOf(sealed))) return refuse(first, sealed)
      const second = await this.#confirm(subject, sealed)
      return !isSame(second.hash, sealed) && refuse(second, sealed)
    } catch (error) {
      if (!this.#options.acceptsErrors || isMistake(error)) throw error
      return this.#known.get(subject)?.refused.has(textOf(sealed)) === true
    }
  }

  /**
   * Hash of the stamp of a user who logs in, as it is now.
   * @param opened the session that the request brought.
   * @throws `FST_SEALED_SESSION_REVOKED_MEANWHILE` if the user has none, or it has changed while the request was under
   * way: the login may have compared the password before. As `isChanged`, also if errors are accepted: a session with a
   * stamp that was guessed would end at the next request.
   */
  async ofLogin (user: string, opened: Identity | null, record: RequestRecord | null): Promise<Buffer> {
    const { hash } = await this.#ask(user)
    if (hash === null || this.#isRestampedDuring(user, record) || isOlder(opened, user, hash)) throw fail('REVOKED_MEANWHILE')
    return hash
  }

  #isRestampedDuring (user: string, record: RequestRecord | null): boolean {
    const order = this.#restamped.get(user) ?? 0
    return record !== null && order > record.order && record.own?.get(ownKey(user)) !== order
  }

  /**
   * Hash of the stamp that the app has just given to the user of a session.
   * @param record of the request that has done so, against which it does not count.
   * @throws `FST_SEALED_SESSION_SUBJECT_NOBODY`, `FST_SEALED_SESSION_REVOKED_MEANWHILE`, and as `isChanged`, also if
   * errors are accepted.
   */
  async renew (identity: Identity, record: RequestRecord | null): Promise<Buffer> {
    const user = userOf(identity)
    if (user === undefined) throw fail('SUBJECT_NOBODY')
    const { hash, order } = await this.#ask(user)
    if (hash === null) throw fail('REVOKED_MEANWHILE')
    remember(this.#restamped, user, order)
    if (record !== null) (record.own ??= new Map()).set(ownKey(user), order)
    return hash
  }

  #fresh (subject: string): Known | undefined {
    const known = this.#known.get(subject)
    const age = known === undefined ? NaN : this.#options.now() - known.began
    return age >= 0 && age < this.#options.cacheTtl ? known : undefined
  }

  /** A question that is under way, if one began within `cacheTtl`, or a new one. */
  async #join (subject: string): Promise<Known> {
    const { now, cacheTtl } = this.#options
    const earlier = this.#asking.get(subject)
    const age = earlier === undefined ? NaN : now() - earlier.began
    if (earlier !== undefined && age >= 0 && age < cacheTtl) return await earlier.answer
    const asking = { began: now(), answer: this.#ask(subject) }
    this.#asking.set(subject, asking)
    try {
      return await asking.answer
    } finally {
      if (this.#asking.get(subject) === asking) this.#asking.delete(subject)
    }
  }

  /** A question that began after a stamp was first seen. */
  async #confirm (subject: string, sealed: Buffer): Promise<Known> {
    const key = textOf(sealed) + subject // all stamps are of one length
    const earlier = this.#confirming.get(key)
    if (earlier !== undefined) return await earlier
    const answer = this.#ask(subject)
    this.#confirming.set(key, answer)
    try {
      return await answer
    } finally {
      this.#confirming.delete(key)
    }
  }

  /** Asks the app, whatever is known. */
  async #ask (subject: string): Promise<Known> {
    const { stamp, calls, now } = this.#options
    const [began, order] = [now(), ++this.#order]
    const value = await calls.run(() => stamp(subject), value => value)
    const hash = hashOf(subject, value)
    const before = this.#known.get(subject)
    // Stamps that were refused beside the same one need not be asked for again.
    const refused = before !== undefined && isSame(before.hash, hash) ? before.refused : new Set<string>()
    const known = { hash, began, order, refused }
    if (before === undefined || before.order < order) remember(this.#known, subject, known)
    return known
  }
}

/** True if the session that a request brought is the same user's, and has another stamp. */
function isOlder (opened: Identity | null, user: string, hash: Buffer): boolean {
  return opened !== null && userOf(opened) === user && opened.stamp?.equals(hash) !== true
}

/** Key under which a request notes that it has given a user a new stamp itself. */
function ownKey (user: string): string {
  return `stamp:${user}`
}

/** Hash of a user's stamp. The user is in it, so that version 7 of one is not that of another. */
function hashOf (subject: string, stamp: unknown): Buffer | null {
  if (stamp === undefined || stamp === null) return null
  if (typeof stamp !== 'string') throw fail('STAMP_TYPE', [kindOf(stamp)])
  return sodium().hash(Buffer.from(JSON.stringify([subject, stamp]))).subarray(0, HASH_BYTES)
}

function isSame (a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

function textOf (stamp: Buffer): string {
  return stamp.toString('latin1')
}

function refuse (known: Known, sealed: Buffer): true {
  const { refused } = known
  if (refused.size >= MAX_REFUSED) refused.delete(refused.values().next().value!) // it is not empty
  refused.add(textOf(sealed))
  return true
}

/** True for a mistake of the app's developer, which must not let anybody in. */
function isMistake (error: unknown): boolean {
  return (error as { code?: unknown }).code === 'FST_SEALED_SESSION_STAMP_TYPE'
}
