import { fail } from '../errors.ts'
import { unavailable } from '../store/calls.ts'
import type { StoreClient } from '../store/client.ts'
import { ALL, LATEST, epochKeysOf, subjectKey } from './store-keys.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'

/** Writes of a time, at most, if the store does not have it afterwards. */
const MAX_WRITES = 3

/**
 * Milliseconds after which a write was slow: a session may have begun, or another process may have revoked, before
 * the store had it.
 */
const SLOW_WRITE = 1

export interface EpochWriterOptions {
  client: StoreClient
  /** Milliseconds that an entry lives. */
  life: number
  now: () => number
  /** Hears of each time that the store has taken. */
  written: (key: string, epoch: number, now: number) => void
}

/** Times of a subject and of all, by key of the store, in the order of `epochKeysOf`. */
export type KnownEpochs = ReadonlyArray<readonly [key: string, epoch: number]>

/** Revocation of a subject, or of all. */
export interface Revoked {
  /** Key of the store. */
  key: string
  /** Milliseconds since 1970: sessions that began until then have ended. */
  epoch: number
  /** The revocation before, or 0. */
  previous: number
}

/**
 * Writes the times up to when sessions of a subject, or all, are revoked, so that they stay. Most
 * stores cannot keep the greater of two numbers, and another process may write an earlier time at
 * the same moment.
 * - If that is written last, it is read back here, and the later time is written again.
 * - If this one is written last, it may stand in place of a later one, which nobody has any more. That
 *   takes a write that was under way for long; afterwards the time is written at which it was answered.
 */
export class EpochWriter {
  readonly #options: EpochWriterOptions
  readonly #turns = new Turns()

  constructor (options: EpochWriterOptions) {
    this.#options = options
  }

  /**
   * Revokes the sessions of a subject; without one, all.
   * @param known times of the subject as they were when a session was checked that goes on; null if none does.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE`; `FST_SEALED_SESSION_REVOKED_MEANWHILE` if another revocation has come since,
   * which that session must not survive: a thief would only have to ask for this often enough.
   */
  async raise (subject: string | undefined, known: KnownEpochs | null = null): Promise<Revoked> {
    const key = subject === undefined ? ALL : subjectKey(subject)
    let previous = 0
    const epoch = await this.#turns.run(key, async () => await this.#raise(key, subject, known, before => { previous = before }))
    return { key, epoch, previous }
  }

  async #raise (key: string, subject: string | undefined, known: KnownEpochs | null, found: (previous: number) => void): Promise<number> {
    const { client, life, now, written } = this.#options
    // A login after an earlier revocation begins after that by one, whatever the clock says: another
    // process may have one that is ahead.
    const [latest = 0, ...earlier] = await Promise.all(client.getEach([LATEST, ...epochKeysOf(subject === undefined ? [] : [subject])]))
    found(earlier.at(-1) ?? 0) // the last one is of the same key
    let own = 0
    await this.#assertSame(known, own, earlier)
    if (subject === undefined) earlier.push(latest)
    let epoch = Math.max(now(), ...earlier.map(epoch => epoch + 1))
    for (let writes = 1; writes <= MAX_WRITES; writes++) {
      // Written first, so that revokeAll() knows of it before anybody logs in after it.
      if (subject !== undefined) await this.#raiseLatest(Math.max(latest, epoch))
      await this.#assertSame(known, own)
      await client.set(key, epoch, life)
      const answered = now()
      written(key, own = epoch, answered)
      const [stored, least] = await this.#readBack(key, subject)
      await this.#assertSame(known, own)
      const isSlow = writes === 1 && answered - epoch >= SLOW_WRITE
      // Another has written a later one, and a session may go on beyond that: it must not survive this one.
      const isPassed = stored > epoch && writes < MAX_WRITES
      if (!isSlow && !isPassed && least >= epoch) return epoch
      epoch = Math.max(answered, laterThan(stored, epoch))
    }
    throw unavailable('STORE_UNAVAILABLE', new Error('the store does not have what it was given'))
  }

  /** Time of a key as the store has it, and the least of the times that it was given. */
  async #readBack (key: string, subject: string | undefined): Promise<[stored: number, least: number]> {
    const times = await Promise.all(this.#options.client.getEach(subject === undefined ? [key] : [LATEST, key]))
    return [times.at(-1)!, Math.min(...times)] // the last one is of the key
  }

  /**
   * Throws if another revocation has come. Two at one time both write: the store has the later time only, so that it is asked
   * before and after.
   * @param own time that this one has written. @param found times that were just read.
   */
  async #assertSame (known: KnownEpochs | null, own: number, found?: readonly number[]): Promise<void> {
    if (known === null) return
    const epochs = found ?? await Promise.all(this.#options.client.getEach(known.map(([key]) => key)))
    const isSame = known.every(([key, epoch], index) => epochs[index]! <= (key === ALL ? epoch : Math.max(epoch, own))) // one for each
    if (!isSame) throw fail('REVOKED_MEANWHILE')
  }

  /**
   * Writes the latest time. Of many subjects that are revoked at once, the first one writes for those that
   * wait.
   */
  async #raiseLatest (epoch: number): Promise<void> {
    const { client, life, now } = this.#options
    await this.#turns.run(LATEST, async before => {
      if (before >= epoch) return before
      const latest = Math.max(epoch, now())
      await client.set(LATEST, latest, life)
      return latest
    })
  }
}

/** Time to write next: the same, unless the store has a later one by now. */
function laterThan (stored: number, epoch: number): number {
  return stored > epoch ? stored + 1 : epoch
}

/**
 * Throws if a session would begin so far ahead that its token would be refused as one from the future.
 * @param beginning milliseconds since 1970.
 * @throws `FST_SEALED_SESSION_REVOKED_AHEAD`
 */
export function assertNotAhead (beginning: number, now: number): void {
  const ahead = beginning - now
  if (ahead > CLOCK_TOLERANCE * 1000) throw fail('REVOKED_AHEAD', [Math.ceil(ahead / 1000)])
}

/**
 * Writes of one process, one after the other for each key: of two that are under way, the earlier one
 * may arrive last.
 */
export class Turns {
  /** The last write of each key that is under way or waits. */
  readonly #last = new Map<string, Promise<number>>()

  /**
   * Runs a write when those of the same key are done. If one fails, those that wait for it fail, too: if a
   * store hangs, they would otherwise wait for its time limit one after the other.
   * @param write gets the result of the write before it, or 0 if none was under way.
   */
  async run (key: string, write: (before: number) => Promise<number>): Promise<number> {
    const writing = (this.#last.get(key) ?? Promise.resolve(0)).then(write)
    this.#last.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#last.get(key) === writing) this.#last.delete(key)
    }
  }
}
