import { fail } from '../errors.ts'
import { ALL, isLogoutKey, isOnceKey, isSubjectKey, LATEST } from '../revocation/store-keys.ts'
import type { RevocationStore } from '../revocation/types.ts'

interface Entry {
  key: string
  value: string
  /** Milliseconds since 1970. */
  end: number
  due: number
}

/** Entries of one kind that a `MemoryStore` holds unless told otherwise: about 25 MB. */
const DEFAULT_MAX_ENTRIES = 100_000

/** Ended entries that make room for a new one: more than one, so that the store shrinks. */
const ROOM = 2

/**
 * Entries up to a number, of which none is dropped that is in force. One that has ended makes room for a new one,
 * found without a look at the others.
 */
class Entries {
  readonly #max: number
  readonly #entries = new Map<string, Entry>()
  readonly #ends = new Ends<Entry>()

  constructor (max: number) {
    this.#max = max
  }

  get (key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** @throws `FST_SEALED_SESSION_STORE_FULL` */
  add (entry: Entry): void {
    if (this.#entries.size >= this.#max) this.#makeRoom()
    this.#entries.set(entry.key, entry)
    this.#ends.add(entry)
  }

  /** Drops entries that have ended, but few at a time: a scan of all would hold up every request. */
  #makeRoom (): void {
    const now = Date.now()
    for (let room = 0; room < ROOM;) {
      const { first } = this.#ends
      if (first === undefined || first.due > now) break
      this.#ends.removeFirst()
      if (first.end > now) {
        this.#ends.add(Object.assign(first, { due: first.end })) // it was set again since
      } else {
        this.#entries.delete(first.key)
        room++
      }
    }
    if (this.#entries.size >= this.#max) throw fail('STORE_FULL', [this.#max])
  }
}

/**
 * Keeps revocations in the memory of this process, for development, tests and an app that is one
 * process and never restarts. It forgets nothing that is still in force.
 *
 * When it is full of sessions that were ended one by one, `set` throws `FST_SEALED_SESSION_STORE_FULL` for
 * another one. An entry that ends many sessions has room of its own, and is never refused: when there are
 * more subjects than fit, the oldest entries become one that counts for every subject without an entry. So
 * some sessions end that began before those revocations, rather than one go on that was revoked.
 */
export class MemoryStore implements RevocationStore {
  readonly #maxEntries: number
  /** One for each session that was ended by itself. Anybody who has a session can add to them. */
  readonly #sessions: Entries
  /** Ids that were used once. They have room of their own: whoever asks for challenges must not keep users from logging out. */
  readonly #used: Entries
  /** `all`, `latest`, and one for each subject: only the app adds to them. */
  readonly #epochs = new Map<string, Entry>()
  /** Logouts of the last hour. They count beside an entry of `#sessions`, so the oldest make room. */
  readonly #logouts = new Map<string, Entry>()
  /** Entry that counts for subjects that have none. */
  #folded: Entry | undefined

  /**
   * @param options `maxEntries`: number of sessions that were ended one by one that it holds, and of subjects
   * besides; default 100 000, which is about 25 MB for each of both.
   * @throws `FST_SEALED_SESSION_OPTION_INVALID` if that is no whole number above 0.
   */
  constructor ({ maxEntries = DEFAULT_MAX_ENTRIES }: { maxEntries?: number | undefined } = {}) {
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw fail('OPTION_INVALID', ['maxEntries', 'a whole number above 0', String(maxEntries)])
    }
    this.#maxEntries = maxEntries
    this.#sessions = new Entries(maxEntries)
    this.#used = new Entries(maxEntries)
  }

  get (key: string): string | undefined {
    const entry = this.#entriesOf(key).get(key) ?? (isSubjectKey(key) ? this.#folded : undefined)
    return entry !== undefined && entry.end > Date.now() ? entry.value : undefined
  }

  getMany (keys: readonly string[]): Array<string | undefined> {
    return keys.map(key => this.get(key))
  }

  /**
   * Stores a number, unless there is a greater one, for at least `ttl` milliseconds.
   * @throws `FST_SEALED_SESSION_STORE_FULL`
   */
  set (key: string, value: string, ttl: number): void {
    const end = Date.now() + ttl
    const earlier = this.#entriesOf(key).get(key)
    const entry = earlier === undefined ? { key, value, end, due: end } : extend(earlier, value, end)
    if (isEpochKey(key)) this.#putEpoch(entry)
    else if (isLogoutKey(key)) this.#putLogout(entry)
    else if (earlier === undefined) (isOnceKey(key) ? this.#used : this.#sessions).add(entry)
  }

  /**
   * Stores a value for at least `ttl` milliseconds, unless there is one.
   * @returns true if there was none.
   * @throws `FST_SEALED_SESSION_STORE_FULL`
   */
  add (key: string, value: string, ttl: number): boolean {
    if (this.get(key) !== undefined) return false
    this.set(key, value, ttl)
    return true
  }

  #entriesOf (key: string): { get: (key: string) => Entry | undefined } {
    if (isLogoutKey(key)) return this.#logouts
    if (isOnceKey(key)) return this.#used
    return isEpochKey(key) ? this.#epochs : this.#sessions
  }

  #putLogout (entry: Entry): void {
    this.#logouts.delete(entry.key) // so that it becomes the newest
    this.#logouts.set(entry.key, entry)
    if (this.#logouts.size > this.#maxEntries) this.#logouts.delete(this.#logouts.keys().next().value!) // it is not empty
  }

  #putEpoch (entry: Entry): void {
    this.#epochs.delete(entry.key) // so that it becomes the newest
    this.#epochs.set(entry.key, entry)
    const others = [ALL, LATEST].filter(key => this.#epochs.has(key)).length
    if (this.#epochs.size - others > this.#maxEntries) this.#fold()
  }

  /** Takes out the oldest entry of a subject. If it is in force, it counts for every subject without one. */
  #fold (): void {
    for (const entry of this.#epochs.values()) {
      if (!isSubjectKey(entry.key)) continue
      this.#epochs.delete(entry.key)
      if (entry.end > Date.now()) this.#folded = this.#folded === undefined ? entry : extend(this.#folded, entry.value, entry.end)
      return
    }
  }
}

/** Words for a store that forgets when its process ends; null for any other, as far as that can be told. */
export function memoryNameOf (store: object): string | null {
  if (store instanceof MemoryStore) return 'a MemoryStore'
  if (isMap(store)) return 'a Map'
  return isMap((store as { store?: unknown }).store) ? 'a Keyv over a Map' : null
}

/** True for a Map of any realm. */
function isMap (value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Map]'
}

function isEpochKey (key: string): boolean {
  return key === ALL || key === LATEST || isSubjectKey(key)
}

/**
 * Extends an entry. Numbers only grow: of two revocations at once, the one that is written last may be the
 * earlier one.
 */
function extend (entry: Entry, value: string, end: number): Entry {
  if (Number(value) > Number(entry.value)) entry.value = value
  entry.end = Math.max(entry.end, end)
  return entry
}

/** An entry that ends. */
interface Ending {
  /** Time at which it is looked at; not later than its end. Milliseconds since 1970. */
  due: number
}

/**
 * Entries in the order in which they are due: a binary heap. The next one is found without a look at
 * the others, and to add or remove one takes as many steps as the logarithm of their number.
 */
class Ends<Entry extends Ending> {
  /** Each entry is due no earlier than its parent, which stands at half of its index. */
  readonly #heap: Entry[] = []

  /** The entry that is due first. */
  get first (): Entry | undefined { return this.#heap[0] }

  add (entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#due(parent) <= entry.due) break
      this.#swap(at, parent)
      at = parent
    }
  }

  removeFirst (): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#due(left + 1) < this.#due(left) ? left + 1 : left
      if (this.#due(child) >= last.due) return
      this.#swap(at, child)
      at = child
    }
  }

  /** Time at which the entry at an index is due; never, if there is none. */
  #due (index: number): number {
    return this.#heap[index]?.due ?? Infinity
  }

  #swap (a: number, b: number): void {
    const heap = this.#heap
    const entry = heap[a]! // both are indexes of entries
    heap[a] = heap[b]!
    heap[b] = entry
  }
}
