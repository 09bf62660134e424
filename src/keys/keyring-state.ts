import { isSodiumReady } from '../crypto/sodium.ts'
import { DerivedKey } from './derived-key.ts'
import { parseKeyFile } from './key-file.ts'
import { watchKeyFile } from './key-file-watch.ts'
import { KeySet } from './key-set.ts'
import type { KeyFileEvent, KeyringInternals } from './key-source.ts'

/** A file of keys as it was first read. */
export interface KeyFile {
  path: string
  content: Buffer
  /** Milliseconds since 1970 at which it was last written. */
  writtenAt: number
}

/** How a file is followed, in seconds. */
export interface Following {
  activateAfter: number
  interval: number
}

/** The keys of a keyring, and how they change with a file. */
export class KeyringState implements KeyringInternals {
  current: KeySet
  /** The file that the keys come from, or null where the app changes them. */
  path: string | null = null
  #stop: (() => void) | null = null
  readonly #listeners = new Set<(event: KeyFileEvent) => void>()

  constructor (keys: readonly DerivedKey[]) {
    this.current = checked(keys)
  }

  /** Has other keys from now on. @throws `FST_SEALED_SESSION_KEY_ID_TAKEN`, and then keeps those it has. */
  replace (keys: readonly DerivedKey[]): void {
    this.current = checked(keys)
  }

  subscribe (listener: (event: KeyFileEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Keeps to a file, whose keys are those that the state has. */
  follow ({ path, content, writtenAt }: KeyFile, { activateAfter, interval }: Following): void {
    this.path = path
    // Other processes may not have read yet what was written just before this one started.
    this.#activateFirst(writtenAt + activateAfter * 1000)
    this.#stop = watchKeyFile({
      path,
      interval,
      content,
      changed: content => { this.#reload(path, content, activateAfter) },
      failed: error => { this.#tell({ type: 'failed', path, error }) }
    })
  }

  close (): void {
    this.#stop?.()
    this.#stop = null
  }

  #activateFirst (activeFrom: number): void {
    const [first, ...rest] = this.current.keys
    this.replace([new DerivedKey(first!.bytes, activeFrom), ...rest]) // a set has at least one key
  }

  /** Takes the keys of the file. Those that were there before stay as they are; new ones seal later. */
  #reload (path: string, content: Buffer, activateAfter: number): void {
    const known = this.current.keys
    try {
      const activeFrom = Date.now() + activateAfter * 1000
      const keys = parseKeyFile(content, path).map(bytes => new DerivedKey(bytes, activeFrom))
      this.replace(keys.map(key => known.find(other => other.equals(key)) ?? key))
    } catch (error) {
      this.#tell({ type: 'failed', path, error: error as Error })
      return
    }
    this.#tell({ type: 'changed', path, ids: this.current.keys.map(({ id }) => id) })
  }

  #tell (event: KeyFileEvent): void {
    for (const listener of this.#listeners) listener(event)
    if (this.#listeners.size === 0 && event.type === 'failed') process.emitWarning(keyFileFailure(event))
  }
}

/** The line of a log for a file that could not be used. */
export function keyFileFailure ({ path, error }: { path: string, error: Error }): string {
  return `the key file ${path} cannot be used, the keys stay as they are: ${error.message}`
}

/** While libsodium is being loaded, ids are not derived yet; they are when they are first needed. */
function checked (keys: readonly DerivedKey[]): KeySet {
  const set = new KeySet(keys)
  return isSodiumReady() ? set.check() : set
}
