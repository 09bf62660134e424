import { emitWarning } from '#runtime'
import { type Followed, watchKeys } from './key-file.ts'
import { DerivedKey, type KeyFileEvent } from './key-set.ts'
import type { Follower, KeyringState } from './keyring-state.ts'

/**
 * Looks at the file for which a key still opens that has left it, the look included at which that counts.
 * With the one before, these are ten looks that did not find the key.
 */
const LOOKS_TO_LEAVE = 9

/** Times by which keys are followed, in seconds. */
export interface Pace {
  activateAfter: number
  interval: number
}

/** The keys of a keyring that follow a file, or what a function of the app's loads. */
export class FollowedKeys implements Follower {
  readonly source: string
  readonly #state: KeyringState
  readonly #parse: Followed['parse']
  readonly #activateAfter: number
  readonly #stop: () => void
  /** Keys that have left the file, each with the looks for which it still opens. */
  #looksLeft: ReadonlyMap<DerivedKey, number> = new Map()
  /** True while the file is gone, unreadable or invalid. */
  #isInTrouble = false
  readonly #listeners = new Set<(event: KeyFileEvent) => void>()

  /** @param state has the keys of the source. */
  constructor (state: KeyringState, { source, content, writtenAt, read, parse }: Followed, { activateAfter, interval }: Pace) {
    this.source = source
    this.#state = state
    this.#parse = parse
    this.#activateAfter = activateAfter
    // Other processes may not have read yet the content that was written just before this one started. A
    // clock that is ahead where the file was written must not keep the key from sealing for longer.
    this.#activateFirst(Math.min(writtenAt, Date.now()) + activateAfter * 1000)
    this.#stop = watchKeys({
      read,
      interval,
      content,
      changed: content => { this.#take(content) },
      looked: () => { this.#countLook() },
      failed: error => { this.#fail(error) }
    })
  }

  subscribe (listener: (event: KeyFileEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** After this nothing would take a key away that has left the file: it goes at once. */
  close (): void {
    this.#stop()
    if (this.#looksLeft.size > 0) this.#drop(new Map())
  }

  #activateFirst (activeFrom: number): void {
    const [first, ...rest] = this.#state.current.keys
    this.#state.replace([new DerivedKey(first!.bytes, activeFrom), ...rest]) // a set has at least one key
  }

  /**
   * Takes the keys of the file. Those that were there before stay as they are; new ones seal later. A key
   * that is gone from the file still opens for ten looks, as the rest of the file may be on its way.
   */
  #take (content: Buffer): void {
    const known = this.#state.current.keys
    const activeFrom = Date.now() + this.#activateAfter * 1000
    let isReplaced: boolean
    try {
      const listed = this.#parse(content).map(bytes => {
        const key = new DerivedKey(bytes, activeFrom)
        return known.find(other => other.equals(key)) ?? key
      })
      isReplaced = this.#isReplacedBy(listed)
      const leaving = isReplaced ? [] : known.filter(key => !listed.includes(key))
      this.#have(listed, new Map(leaving.map(key => [key, this.#looksLeft.get(key) ?? LOOKS_TO_LEAVE])))
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    this.#isInTrouble = false
    this.#tell({ type: 'read', source: this.source, ids: this.#ids() })
    if (isReplaced) this.#tell({ type: 'dropped', source: this.source, ids: this.#ids() })
  }

  /**
   * True if the file has none of the keys that it had, as after "rotate --keep 0": then nothing is on
   * its way. After trouble, such as an empty file, it may be one that is still being written.
   */
  #isReplacedBy (listed: readonly DerivedKey[]): boolean {
    return !this.#isInTrouble && !listed.some(key => this.#state.current.isListed(key))
  }

  /** Counts a look, whatever it has found: a file in trouble must not keep a leaked key alive. */
  #countLook (): void {
    const before = this.#looksLeft
    if (before.size === 0) return
    const left = new Map([...before].map(([key, looks]) => [key, looks - 1] as const).filter(([, looks]) => looks > 0))
    if (left.size < before.size) this.#drop(left)
    else this.#looksLeft = left
  }

  /** Takes away the keys that have left the file, but for those that have looks left. */
  #drop (looksLeft: ReadonlyMap<DerivedKey, number>): void {
    this.#have(this.#state.current.listed, looksLeft)
    this.#tell({ type: 'dropped', source: this.source, ids: this.#ids() })
  }

  #have (listed: readonly DerivedKey[], looksLeft: ReadonlyMap<DerivedKey, number>): void {
    this.#state.replace(listed, [...looksLeft.keys()])
    this.#looksLeft = looksLeft
  }

  /** Keeps the listed keys until the file is good again. */
  #fail (error: Error): void {
    this.#isInTrouble = true
    this.#state.forget()
    this.#tell({ type: 'failed', source: this.source, error })
  }

  #ids (): string[] {
    return this.#state.current.keys.map(({ id }) => id)
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
