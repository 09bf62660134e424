import { isSodiumReady } from '../crypto/sodium.ts'
import { DerivedKey } from './derived-key.ts'
import { parseKeyFile, type KeyFile } from './key-file.ts'
import { watchKeyFile } from './key-file-watch.ts'
import { KeySet } from './key-set.ts'
import type { KeyFileEvent, KeyringInternals } from './key-source.ts'

/** How a file is followed, in seconds. */
export interface Following {
  activateAfter: number
  interval: number
}

/** The keys of a keyring, and how they change with a file. */
export class KeyringState implements KeyringInternals {
  current: KeySet
  /** The file that is followed, or null where the app changes the keys. */
  path: string | null = null
  /** Keys that open although they are not in the file any more, until it is sure that it is complete. */
  #missing: readonly DerivedKey[] = []
  #stop: (() => void) | null = null
  readonly #listeners = new Set<(event: KeyFileEvent) => void>()

  constructor (keys: readonly DerivedKey[]) {
    this.current = checked(keys)
  }

  /** Has other keys from now on; `leaving` ones open only. @throws `FST_SEALED_SESSION_KEY_ID_TAKEN`, and then keeps those it has. */
  replace (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): void {
    this.current = checked(keys, leaving)
  }

  subscribe (listener: (event: KeyFileEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Keeps to a file, whose keys are those that the state has. */
  follow ({ path, content, writtenAt }: KeyFile, { activateAfter, interval }: Following): void {
    this.path = path
    // Other processes may not have read yet what was written just before this one started. A clock
    // that is ahead where the file was written must not keep the key from sealing for longer.
    this.#activateFirst(Math.min(writtenAt, Date.now()) + activateAfter * 1000)
    this.#stop = watchKeyFile({
      path,
      interval,
      content,
      changed: content => { this.#take(path, content, activateAfter) },
      lasted: () => { this.#dropMissing(path) },
      failed: error => { this.#fail(path, error) }
    })
  }

  /** From now on nothing would take a key away that has left the file: it goes at once. */
  close (): void {
    this.#stop?.()
    this.#stop = null
    if (this.path !== null) this.#dropMissing(this.path)
    this.path = null
  }

  #activateFirst (activeFrom: number): void {
    const [first, ...rest] = this.current.keys
    this.replace([new DerivedKey(first!.bytes, activeFrom), ...rest]) // a set has at least one key
  }

  /**
   * Takes the keys of the file. Those that were there before stay as they are; new ones seal later.
   * What is gone from the file stays for a while, after all others: the rest may be on its way.
   */
  #take (path: string, content: Buffer, activateAfter: number): void {
    const known = this.current.keys
    const activeFrom = Date.now() + activateAfter * 1000
    try {
      const listed = parseKeyFile(content, path).map(bytes => {
        const key = new DerivedKey(bytes, activeFrom)
        return known.find(other => other.equals(key)) ?? key
      })
      const missing = known.filter(key => !listed.includes(key))
      this.replace(listed, missing)
      this.#missing = missing
    } catch (error) {
      this.#fail(path, error as Error)
      return
    }
    this.#tell({ type: 'read', path, ids: this.#ids() })
  }

  #dropMissing (path: string): void {
    if (this.#missing.length === 0) return
    this.#missing = []
    this.replace(this.current.listed)
    this.#tell({ type: 'dropped', path, ids: this.#ids() })
  }

  /** Keeps all keys there are until the file is good again. */
  #fail (path: string, error: Error): void {
    this.#missing = []
    this.#tell({ type: 'failed', path, error })
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

/** The line of a log for what happened to the file. */
export function keyFileMessage (event: KeyFileEvent): string {
  const { path } = event
  if (event.type === 'failed') return `the key file ${path} cannot be used, the keys stay as they are: ${event.error.message}`
  if (event.type === 'read') return `the key file ${path} has changed and was read`
  return `the keys that are gone from the key file ${path} open nothing any more`
}

function warnProcess (event: KeyFileEvent): void {
  process.emitWarning(keyFileMessage(event), { code: 'FST_SEALED_SESSION_KEY_FILE' })
}

/** While libsodium is being loaded, ids are not derived yet; they are when they are first needed. */
function checked (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): KeySet {
  const set = new KeySet(keys, leaving)
  return isSodiumReady() ? set.check() : set
}
