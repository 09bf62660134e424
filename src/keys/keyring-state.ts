import { exposureOf, watchKeys } from '#key-file'
import { emitWarning } from '#runtime'
import { isSodiumReady } from '#sodium'
import type { Followed, KeyFile } from './key-file.ts'
import { DerivedKey, type KeyFileEvent, type KeyringInternals, KeySet } from './key-set.ts'

/**
 * Looks at the file for which a key still opens that has left it, the look included at which that counts.
 * With the one before, these are ten looks that did not find the key.
 */
const LOOKS_TO_LEAVE = 9

/** Times by which keys are followed, in seconds. */
interface Following {
  activateAfter: number
  interval: number
}

/** Keys of a keyring, and their changes with what it follows. */
export class KeyringState implements KeyringInternals {
  current: KeySet
  exposed: KeyringInternals['exposed'] = null
  /** Source that is followed; null if the app changes the keys. */
  source: string | null = null
  /** Keys that have left the file, each with the looks for which it still opens. */
  #looksLeft: ReadonlyMap<DerivedKey, number> = new Map()
  /** True while the file is gone, unreadable or invalid. */
  #isInTrouble = false
  #stop: (() => void) | null = null
  readonly #listeners = new Set<(event: KeyFileEvent) => void>()
  readonly #followers = new Set<() => void>()
  readonly #caches = new Set<() => void>()

  constructor (keys: readonly DerivedKey[]) {
    this.current = checked(keys)
  }

  /**
   * Puts other keys in place of these; `leaving` ones open only. @throws `FST_SEALED_SESSION_KEY_ID_TAKEN`,
   * and then keeps those it has.
   */
  replace (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): void {
    this.current = checked(keys, leaving)
    for (const listener of this.#followers) listener()
    this.#forget()
  }

  #forget (): void {
    for (const forget of this.#caches) forget()
  }

  changed (listener: () => void): () => void {
    this.#followers.add(listener)
    return () => { this.#followers.delete(listener) }
  }

  forgetting (listener: () => void): () => void {
    this.#caches.add(listener)
    return () => { this.#caches.delete(listener) }
  }

  subscribe (listener: (event: KeyFileEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Remembers the permissions of the file that the keys were read from, for a warning. */
  readFrom (file: KeyFile): void {
    const { path, mode } = file
    const exposure = exposureOf(file)
    if (exposure !== null) this.exposed = { path, mode, exposure }
  }

  /** Follows a source, whose keys are those that the state has. */
  follow ({ source, content, writtenAt, read, parse }: Followed, { activateAfter, interval }: Following): void {
    this.source = source
    // Other processes may not have read yet the content that was written just before this one started. A
    // clock that is ahead where the file was written must not keep the key from sealing for longer.
    this.#activateFirst(Math.min(writtenAt, Date.now()) + activateAfter * 1000)
    this.#stop = watchKeys({
      read,
      interval,
      content,
      changed: content => { this.#take(source, parse, content, activateAfter) },
      looked: () => { this.#countLook(source) },
      failed: error => { this.#fail(source, error) }
    })
  }

  /** After this nothing would take a key away that has left the file: it goes at once. */
  close (): void {
    this.#stop?.()
    this.#stop = null
    if (this.source !== null && this.#looksLeft.size > 0) this.#drop(this.source, new Map())
    this.source = null
    this.#forget()
  }

  #activateFirst (activeFrom: number): void {
    const [first, ...rest] = this.current.keys
    this.replace([new DerivedKey(first!.bytes, activeFrom), ...rest]) // a set has at least one key
  }

  /**
   * Takes the keys of the file. Those that were there before stay as they are; new ones seal later. A key
   * that is gone from the file still opens for ten looks, as the rest of the file may be on its way.
   */
  #take (source: string, parse: Followed['parse'], content: Buffer, activateAfter: number): void {
    const known = this.current.keys
    const activeFrom = Date.now() + activateAfter * 1000
    let isReplaced: boolean
    try {
      const listed = parse(content).map(bytes => {
        const key = new DerivedKey(bytes, activeFrom)
        return known.find(other => other.equals(key)) ?? key
      })
      isReplaced = this.#isReplacedBy(listed)
      const leaving = isReplaced ? [] : known.filter(key => !listed.includes(key))
      this.#have(listed, new Map(leaving.map(key => [key, this.#looksLeft.get(key) ?? LOOKS_TO_LEAVE])))
    } catch (error) {
      this.#fail(source, error as Error)
      return
    }
    this.#isInTrouble = false
    this.#tell({ type: 'read', source, ids: this.#ids() })
    if (isReplaced) this.#tell({ type: 'dropped', source, ids: this.#ids() })
  }

  /**
   * True if the file has none of the keys that it had, as after "rotate --keep 0": then nothing is on
   * its way. After trouble, such as an empty file, it may be one that is still being written.
   */
  #isReplacedBy (listed: readonly DerivedKey[]): boolean {
    return !this.#isInTrouble && !listed.some(key => this.current.isListed(key))
  }

  /** Counts a look, whatever it has found: a file in trouble must not keep a leaked key alive. */
  #countLook (source: string): void {
    const before = this.#looksLeft
    if (before.size === 0) return
    const left = new Map([...before].map(([key, looks]) => [key, looks - 1] as const).filter(([, looks]) => looks > 0))
    if (left.size < before.size) this.#drop(source, left)
    else this.#looksLeft = left
  }

  /** Takes away the keys that have left the file, but for those that have looks left. */
  #drop (source: string, looksLeft: ReadonlyMap<DerivedKey, number>): void {
    this.#have(this.current.listed, looksLeft)
    this.#tell({ type: 'dropped', source, ids: this.#ids() })
  }

  #have (listed: readonly DerivedKey[], looksLeft: ReadonlyMap<DerivedKey, number>): void {
    this.replace(listed, [...looksLeft.keys()])
    this.#looksLeft = looksLeft
  }

  /** Keeps the listed keys until the file is good again. */
  #fail (source: string, error: Error): void {
    this.#isInTrouble = true
    this.#forget()
    this.#tell({ type: 'failed', source, error })
  }

  #ids (): string[] {
    return this.current.keys.map(({ id }) => id)
  }

  /** A listener that throws keeps neither the others nor the watch from going on. */
  #tell (event: KeyFileEvent): void {
    if (this.#listeners.size === 0 && event.type === 'failed') warnProcess(event)
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch {
        warnProcess(event)
      }
    }
  }
}

/** Line of a log for an event of what is followed. */
export function keyFileMessage (event: KeyFileEvent): string {
  const { source } = event
  if (event.type === 'failed') return `${source} cannot be used, the keys stay as they are: ${event.error.message}`
  if (event.type === 'read') return `${source} has changed and was read`
  return `the keys that are gone from ${source} open nothing any more`
}

function warnProcess (event: KeyFileEvent): void {
  emitWarning(keyFileMessage(event), 'FST_SEALED_SESSION_KEY_FILE')
}

/**
 * Set of keys with checked ids. While libsodium is being loaded, ids are not derived yet; they are when they
 * are first needed.
 */
function checked (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): KeySet {
  const set = new KeySet(keys, leaving)
  return isSodiumReady() ? set.check() : set
}
