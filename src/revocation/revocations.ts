import { fail } from '../errors.ts'
import { remember, RevocationCache } from './answer-cache.ts'
import { EpochWriter, type KnownEpochs, type Revoked, Turns } from './epoch-writer.ts'
import { allKeysOf, type Identity, type Keys, keysOf, successorOf } from './identity.ts'
import type { RequestRecord } from './request-record.ts'
import { idAfter } from '../session/id.ts'
import type { StoreClient } from '../store/client.ts'
import { epochKeysOf, idKey, isShort, lifeOfEntries, logoutKey, onceKey } from './store-keys.ts'
import type { Limits } from '../token/lifetime.ts'

// Entries of the store by which sessions are ended, and what is known of them. The methods by which an app ends sessions are
// in end-sessions.ts. `delete()` and `regenerate()` come by `ended` of revocation-extension.ts.

/**
 * Milliseconds for which a logout is told from a session that another has replaced. Only requests that
 * were under way need to know; the session stays revoked for longer.
 */
export const LOGOUT_LIFE = 3_600_000

/** Keys that the store is asked for in one call, at most. */
const KEYS_AT_ONCE = 1000

/** Milliseconds for which a session that goes on under another id is still opened under the old one. */
const SUPERSEDED_AFTER = 10_000

/** Milliseconds after which requests with the id of before are no more expected, if a session goes on with another. */
const REPLACED_FOR = 60_000

/**
 * Offset of times that a revocation waits for. Other times count at once, whatever they are: clocks differ. Versions
 * that do not know it take such a session for revoked.
 */
const DELAYED = 1e15

/** Offset of times at which such a session was revoked as well: stores keep the greater number. */
const ENDED = 2e15

/** Lifetime of a session of which nothing but the id is known. */
export const UNKNOWN_LIFETIME = Infinity

/** A session of which the store has said that it is not revoked. */
interface Good {
  readonly created: number
  readonly subjects: readonly string[]
  readonly keys: Keys
  /** Times between which the answers about all of its keys are believed, in milliseconds since 1970. */
  readonly since: number
  readonly until: number
}

/** Sessions that are known to be good, at most: a few MB. For more, the answers are put together of those about their keys. */
const MAX_GOOD = 10_000

export interface RevocationsOptions extends Limits {
  client: StoreClient
  /** Milliseconds for which 'not revoked' is believed. */
  cacheTtl: number
  /** True if known answers count while the store fails. */
  acceptsErrors: boolean
  now: () => number
  /** Hears that one session was revoked in this process. */
  revoked?: () => void
}

/** A read of the store that is under way. */
interface Reading {
  /** Time at which it began, in milliseconds since 1970. Its answer may be as old. */
  began: number
  answer: Promise<number>
}

/** Revocations of sessions: asks the store, remembers the answers, and tells it of new ones. */
export class Revocations {
  readonly #options: RevocationsOptions
  readonly #cache: RevocationCache
  /** Cache of answers about sessions, by id: to put one together of those about its keys takes longer than to open a cookie. */
  readonly #good = new Map<string, Good>()
  /** Revocations of subjects that this process has made, by key: the latest ones. */
  readonly #made = new Map<string, number>()
  /** The latest read of each key that is under way, so that many requests at once ask once. */
  readonly #reading = new Map<string, Reading>()
  readonly #turns = new Turns()
  readonly #epochs: EpochWriter
  /** Milliseconds for which a revocation of many sessions is remembered: any may live as long as a session can. */
  readonly #lifeOfEpochs: number

  constructor (options: RevocationsOptions) {
    this.#options = options
    this.#cache = new RevocationCache(options.cacheTtl)
    const { client, now, maxExpiry = Infinity, absoluteTimeout } = options
    this.#lifeOfEpochs = lifeOfEntries(maxExpiry, absoluteTimeout)
    this.#epochs = new EpochWriter({
      client,
      now,
      life: this.#lifeOfEpochs,
      written: (key, epoch, now) => {
        this.#cache.put(key, epoch, now)
        remember(this.#made, key, epoch)
      }
    })
  }

  /**
   * @param fresh asks the store even if the answer is known to have been 'no' a moment ago.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE`, unless errors are accepted.
   */
  async isRevoked (identity: Identity, fresh = false): Promise<boolean> {
    const keys = keysOf(identity)
    if (this.#isKnown(keys, identity)) return true
    await this.#readAll(allKeysOf(identity), fresh)
    if (this.#isKnown(keys, identity)) return true
    return this.#goesOn(keys) && await this.isRevoked(successorOf(identity), fresh)
  }

  /** The same of many sessions, in one round trip if the store can. It is always asked. */
  async areRevoked (identities: readonly Identity[]): Promise<boolean[]> {
    const keys = new Set(identities.flatMap(allKeysOf))
    await this.#readAll([...keys], true)
    return identities.map(identity => this.isKnownRevoked(identity))
  }

  /** True if a session is revoked; null if the store has to be asked. */
  isRevokedSync (identity: Identity): boolean | null {
    const { id, before, subjects } = identity
    const now = this.#options.now()
    const name = id === null || before !== undefined ? null : id.toString('latin1')
    if (name !== null && this.#isGood(name, identity, now)) return false
    const keys = keysOf(identity)
    if (this.#isKnown(keys, identity)) return true
    if (this.#goesOn(keys)) return null
    const { since, until } = this.#cache.believed(keys)
    if (!(now >= since && now < until)) return null
    if (name !== null && subjects.every(isShort)) remember(this.#good, name, { created: identity.created, subjects, keys, since, until }, MAX_GOOD)
    return false
  }

  /** True for a session that was good a moment ago, if nothing became known since. */
  #isGood (name: string, identity: Identity, now: number): boolean {
    const good = this.#good.get(name)
    if (good === undefined || good.keys.goodAt !== this.#cache.sequence || now < good.since || now >= good.until) return false
    if (good.created !== identity.created || !isSameList(good.subjects, identity.subjects)) return false
    identity.keys = good.keys
    return true
  }

  /** Asks the store for many sessions at once, so that `isKnownRevoked` knows. @throws as `isRevoked` does. */
  async askAll (identities: readonly Identity[]): Promise<void> {
    const keys = [...new Set(identities.flatMap(allKeysOf))]
    for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) await this.#readAll(keys.slice(from, from + KEYS_AT_ONCE), true)
  }

  /** True if a session is revoked as far as this process knows. */
  isKnownRevoked (identity: Identity): boolean {
    return identity.keys?.goodAt !== this.#cache.sequence && this.#isKnown(keysOf(identity), identity)
  }

  /**
   * Uses an id that counts once.
   * @param life milliseconds.
   * @returns true for the first use.
   * @throws `FST_SEALED_SESSION_STORE_ADD`, `FST_SEALED_SESSION_STORE_UNAVAILABLE`, also if errors are accepted.
   */
  async useOnce (id: string, life: number): Promise<boolean> {
    const { client } = this.#options
    if (!client.canAdd) throw fail('STORE_ADD')
    return await client.add(onceKey(id), life)
  }

  /** False if nothing can be revoked. */
  readonly isStored: boolean = true

  /** @throws `FST_SEALED_SESSION_STORE_NONE` if nothing can be revoked. */
  assertStored (): void {}

  /** Number of revocations that became known to this process so far. */
  get sequence (): number { return this.#cache.sequence }

  /** True if a session was revoked by its own id, as far as this process knows. */
  isKnownEnded (identity: Identity): boolean {
    return this.#hasEnded(keysOf(identity))
  }

  /** True if the user of a session has logged out, in any process. @throws as `isRevoked` does. */
  async isLoggedOut (id: Buffer): Promise<boolean> {
    const [loggedOut = 0] = await this.#readAll([logoutKey(id)], true)
    return loggedOut > 0
  }

  /**
   * True if a revocation came while a request was under way. In the process that revoked, the order of events
   * tells; of other processes, their clocks.
   * @param epoch the time that `epochsOf` gave for the key.
   */
  cameDuring (key: string, epoch: number, { beganAt, sequence }: RequestRecord): boolean {
    const learned = this.#cache.learned(key)
    if (this.#cache.get(key) === epoch && learned <= sequence) return false // known before the request
    if (this.#made.get(key) === epoch) return true
    // One that lies ahead of this clock was made by another that is ahead: it says nothing.
    return epoch > beganAt && epoch <= this.#options.now()
  }

  #isKnown (keys: Keys, identity: Identity): boolean {
    if (this.#hasEnded(keys) || keys.epochs.some(key => identity.created <= this.#cache.get(key))) return true
    // One that goes on under another id has ended as soon as that has, and ends without anything that becomes known.
    if (this.#goesOn(keys)) return this.isKnownRevoked(successorOf(identity))
    keys.goodAt = this.#cache.sequence
    return false
  }

  #goesOn ({ own }: Keys): boolean {
    return own.some(key => isDelayed(this.#cache.get(key)))
  }

  /**
   * True if a session was revoked by its own id, or by one of before that it did not go on from as it is. Beside the newest
   * proof, a thief's copy of a session that had gone on otherwise gets an id that nobody ever had, and nobody has revoked.
   */
  #hasEnded ({ own, before }: Keys): boolean {
    return own.some(key => this.#hasCome(key)) || before.some(key => this.#cache.get(key) > 0 && !isDelayed(this.#cache.get(key)))
  }

  /** True if a session was revoked by its own key: at once, or after a moment that is over. */
  #hasCome (key: string): boolean {
    const value = this.#cache.get(key)
    return isDelayed(value) ? value - DELAYED <= this.#options.now() : value > 0
  }

  /** True if a session goes on under another id, `idAfter` of its own, as far as this process knows. */
  isSuperseded (id: Buffer): boolean {
    return isDelayed(this.#cache.get(idKey(id)))
  }

  /** True if another session has taken the place of this one within the last minute, and nobody has logged out. @throws as `isRevoked` does. */
  async isReplaced (id: Buffer): Promise<boolean> {
    const [at = 0, loggedOut = 0] = await this.#readAll([idKey(id), logoutKey(id)], true)
    return at > 0 && loggedOut === 0 && Math.abs(this.#options.now() - at) < REPLACED_FOR
  }

  /** The times after which a session has to begin in order to be valid, by key; in milliseconds since 1970, 0 for any time. */
  async epochsOf (subjects: readonly string[]): Promise<Array<[key: string, epoch: number]>> {
    const keys = epochKeysOf(subjects)
    const epochs = await this.#readAll(keys, true)
    return keys.map((key, index) => [key, epochs[index]!]) // one for each
  }

  /** True if a time counts for a session: it is one of its subjects', or for all. */
  concerns (key: string, identity: Identity): boolean {
    return keysOf(identity).epochs.includes(key)
  }

  /**
   * Revokes one session: in this process at once, and in the store. If it goes on under another id, that one as well: a
   * logout by a request that was under way at the moment of the binding must not be lost.
   * @param lifetime the session's own, in seconds; null if it has none, and `UNKNOWN_LIFETIME` if nobody knows.
   * @param isLogout false if another session takes its place.
   * @param goesOn true to end nothing if it goes on under another id: who takes over what it was then may not.
   * @returns the id that has ended: its own, or that under which it went on; null if it was revoked before; `'superseded'`
   * if it goes on under another id.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE`; it is then not revoked here either, so that it
   * can be tried again.
   */
  async revokeId (id: Buffer, lifetime: number | null, isLogout: boolean, goesOn = false): Promise<Buffer | 'superseded' | null> {
    const life = this.#lifeOfEntry(lifetime)
    const [was] = await Promise.all([
      this.#revokeKey(idKey(id), life, goesOn),
      isLogout ? this.#revokeKey(logoutKey(id), LOGOUT_LIFE) : 0
    ])
    if (was >= DELAYED && !goesOn) return await this.revokeId(idAfter(id), lifetime, isLogout)
    if (isDelayed(was)) return 'superseded'
    return was > 0 ? null : id
  }

  /**
   * Revokes a session that goes on under `idAfter` of its id, after a moment: requests under way bring the old one.
   * @returns true for one of several that do it at once, in any process, if the store has `add`; false if it was revoked
   * before.
   * @throws as `revokeId` does.
   */
  async supersede (id: Buffer, lifetime: number | null): Promise<boolean> {
    const { client, now } = this.#options
    const key = idKey(id)
    const was = await this.#turns.run(key, async () => {
      const [known, value, life] = [this.#cache.get(key), DELAYED + now() + SUPERSEDED_AFTER, this.#lifeOfEntry(lifetime) + SUPERSEDED_AFTER]
      if (known > 0) return known
      const was = await this.#addOrGet(key, value, life)
      if (was === 0 && !client.canAdd) await client.set(key, value, life)
      this.#cache.put(key, was === 0 ? value : was, now())
      return was
    })
    return was === 0
  }

  /** @returns the number that it had before, or 0. */
  async #revokeKey (key: string, life: number, goesOn = false): Promise<number> {
    const { client, now } = this.#options
    const [time, known] = [now(), this.#cache.get(key)]
    this.#cache.put(key, endedAt(time, known, goesOn), time)
    this.#options.revoked?.()
    try {
      return Math.max(known, await this.#turns.run(key, async () => {
        const was = await this.#addOrGet(key, time, life)
        if (was === 0 && client.canAdd) return was
        const value = endedAt(time, was, goesOn)
        await client.set(key, value, life)
        this.#cache.put(key, value, now())
        return was
      }))
    } catch (error) {
      if (known === 0 || isDelayed(known)) this.#cache.forget(key)
      if (isDelayed(known)) this.#cache.put(key, known, time)
      throw error
    }
  }

  /**
   * Adds a number in one step, if the store can: of a logout and a binding at the same moment, one comes first.
   * @returns the number that the key had before. 0 for none: it has the new one now if the store can add.
   */
  async #addOrGet (key: string, value: number, life: number): Promise<number> {
    const { client } = this.#options
    if (!client.canAdd) return await client.get(key)
    // One that is there but ends before it is read was there.
    return await client.add(key, life, value) ? 0 : Math.max(await client.get(key), 1)
  }

  /**
   * Revokes the sessions of a subject; without one, all.
   * @param known times of the subject when a session was checked that goes on; without it none does.
   * @throws as `EpochWriter.raise` does
   */
  async revokeUntilNow (subject?: string, known?: KnownEpochs): Promise<Revoked> {
    return await this.#epochs.raise(subject, known)
  }

  /**
   * Life of the entry of one revoked session, in milliseconds. A session that has a lifetime of its own may
   * have had a longer one before: after its entry, an older copy of its cookie would be valid again. One
   * without never had one, as only another life takes it away.
   * @param lifetime the session's own; null if it has none.
   */
  #lifeOfEntry (lifetime: number | null): number {
    const { expiry, absoluteTimeout } = this.#options
    return lifetime === null ? lifeOfEntries(expiry, absoluteTimeout) : this.#lifeOfEpochs
  }

  /** The numbers of these keys. Those that have to be asked for are asked for at once. */
  async #readAll (keys: string[], fresh: boolean): Promise<number[]> {
    const { now, acceptsErrors } = this.#options
    const time = now()
    const asked = fresh ? keys : keys.filter(key => !this.#cache.isFresh(key, time))
    for (const [key, { began, answer }] of fresh ? this.#begin(asked) : this.#join(asked)) {
      try {
        // As old as the question: a number that another process writes meanwhile is not in the answer.
        this.#cache.put(key, await answer, began)
      } catch (error) {
        if (!acceptsErrors) throw error
      }
    }
    return keys.map(key => this.#cache.get(key))
  }

  /** Reads of these keys that begin now. */
  #begin (keys: string[]): Map<string, Reading> {
    const began = this.#options.now()
    const answers = this.#options.client.getEach(keys)
    for (const answer of answers) answer.catch(() => {}) // the first failure is thrown
    return new Map(keys.map((key, index) => [key, { began, answer: answers[index]! }])) // there is one for each
  }

  /**
   * Reads of these keys. One that is under way, and began within `cacheTtl`, is joined: its answer is as good as one
   * from the cache. With `cacheTtl: 0` each request has reads of its own, since one that began before the
   * request may not know of a revocation before it.
   */
  #join (keys: string[]): Map<string, Reading> {
    const { now, cacheTtl } = this.#options
    const time = now()
    const isJoined = (reading: Reading | undefined): reading is Reading => reading !== undefined && time >= reading.began && time - reading.began < cacheTtl
    const joined = new Map<string, Reading>()
    for (const key of keys) {
      const reading = this.#reading.get(key)
      if (isJoined(reading)) joined.set(key, reading)
    }
    const rest = keys.filter(key => !joined.has(key))
    if (rest.length === 0) return joined
    for (const [key, reading] of this.#begin(rest)) {
      joined.set(key, reading)
      this.#reading.set(key, reading)
      const forget = (): void => { if (this.#reading.get(key) === reading) this.#reading.delete(key) }
      reading.answer.then(forget, forget)
    }
    return joined
  }
}

/** Revocations, or none. */
export type RevocationSource = Pick<Revocations, keyof Revocations>

/** Revocations of an app that has no store: nothing is ever revoked. */
export const NO_REVOCATIONS: RevocationSource = {
  isStored: false,
  sequence: 0,
  isRevoked: async () => false,
  areRevoked: async identities => identities.map(() => false),
  isRevokedSync: () => false,
  askAll: async () => {},
  isKnownRevoked: () => false,
  isKnownEnded: () => false,
  isLoggedOut: async () => false,
  isSuperseded: () => false,
  isReplaced: async () => true, // one that has ended by its stamp may go on with another
  cameDuring: () => false,
  concerns: () => false,
  epochsOf: async () => [],
  revokeId: async id => id,
  supersede: async () => true,
  async useOnce () { throw fail('STORE_NONE') },
  assertStored () { throw fail('STORE_NONE') },
  async revokeUntilNow () { throw fail('STORE_NONE') }
}

/** True for the number of a session that goes on under another id. */
function isDelayed (value: number): boolean {
  return value >= DELAYED && value < ENDED
}

/** Number of a session that is revoked. One that goes on under another id keeps its time if that is to stay. */
function endedAt (time: number, before: number, goesOn: boolean): number {
  return Math.max(before, before >= DELAYED && !goesOn ? ENDED + time : time)
}

function isSameList (a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
