import { readFile, stat } from 'node:fs/promises'
import { inspect } from 'node:util'
import { KEY_BYTES } from '../crypto/library.ts'
import { sodium, sodiumReady } from '../crypto/sodium.ts'
import { sealedSessionError } from '../errors.ts'
import { readDuration, readFlag } from '../option-values.ts'
import type { KeyFileOptions, SessionKey } from '../types.ts'
import { DerivedKey } from './derived-key.ts'
import { readKeys } from './key.ts'
import { parseKeyFile } from './key-file.ts'
import { kKeyring, type KeyringInternals } from './key-source.ts'
import { KeyringState } from './keyring-state.ts'

const DEFAULT_ACTIVATE_AFTER = 120
const DEFAULT_WATCH_INTERVAL = 1

/**
 * The keys of one or more sessions, newest first: the first seals, all of them open. They can change
 * while the app runs: every session that uses the keyring sees it with its next token.
 *
 * None of the keys show when it is printed or logged.
 */
export class Keyring {
  readonly #state: KeyringState

  /**
   * @param keys one or more, newest first: 32 bytes, 64 hex characters, base64 or base64url. Copied.
   * A repeated one counts once.
   * @throws `FST_SEALED_SESSION_KEY_MISSING`, `FST_SEALED_SESSION_KEY_TYPE`,
   * `FST_SEALED_SESSION_KEY_ITEM_TYPE`, `FST_SEALED_SESSION_KEY_LENGTH` or
   * `FST_SEALED_SESSION_KEY_TEXT` for what is no key, and `FST_SEALED_SESSION_KEY_ID_TAKEN` where
   * two keys have one id (a chance of one in 4.3 billion).
   */
  constructor (keys: SessionKey | readonly SessionKey[]) {
    this.#state = new KeyringState(readKeys(keys).map(({ bytes }) => new DerivedKey(bytes)))
  }

  /**
   * Reads the keys from a file: one a line in hex or base64, newest first, `#` begins a comment; or
   * exactly 32 raw bytes.
   *
   * With `watch`, the keyring follows the file: it is read every second, so that an atomic rename,
   * the swapped symlink of a mounted secret and a file on a network all work. Content that is not
   * valid, or a file that is gone, changes nothing: the keys stay, and each app that uses the
   * keyring logs one error.
   * @throws what reading the file throws (`ENOENT`, …), and `FST_SEALED_SESSION_KEY_FILE` where it
   * is not valid.
   */
  static async fromFile (path: string, options: KeyFileOptions = {}): Promise<Keyring> {
    const watch = readFlag(options, 'watch', false)
    const activateAfter = readDuration(options, 'activateAfter', DEFAULT_ACTIVATE_AFTER, { orZero: true })
    const interval = readDuration(options, 'watchInterval', DEFAULT_WATCH_INTERVAL)
    await sodiumReady()
    const { mtimeMs: writtenAt } = await stat(path)
    const content = await readFile(path)
    const keyring = new Keyring(parseKeyFile(content, path))
    if (watch) keyring.#state.follow({ path, content, writtenAt }, { activateAfter, interval })
    return keyring
  }

  /** The ids of the keys, the first key's first: eight hex characters each. They are no secret. */
  get ids (): string[] {
    return this.#state.current.keys.map(({ id }) => id)
  }

  /**
   * Makes `newKey` the first key: it seals from now on, and all others still open. A key that the
   * keyring has already moves to the front.
   *
   * What it seals opens only where other processes have the key, too. With several of them use a
   * watched file, which sees to that.
   * @throws what the constructor throws, and `FST_SEALED_SESSION_KEYRING_FOLLOWS` where the keyring
   * follows a file: change the file.
   */
  rotate (newKey: SessionKey): void {
    this.#assertOwn()
    const added = readKeys(newKey).map(({ bytes }) => new DerivedKey(bytes))
    this.#state.replace([...added, ...this.#state.current.keys])
  }

  /**
   * Takes a key away: what it sealed does not open any more.
   * @param keyId one of `ids`.
   * @throws `FST_SEALED_SESSION_KEY_UNKNOWN` for any other id, `FST_SEALED_SESSION_KEY_LAST` for the
   * only key, `FST_SEALED_SESSION_KEYRING_FOLLOWS` where the keyring follows a file.
   */
  retire (keyId: string): void {
    this.#assertOwn()
    const { keys } = this.#state.current
    const rest = keys.filter(({ id }) => id !== keyId)
    if (rest.length === keys.length) throw sealedSessionError('FST_SEALED_SESSION_KEY_UNKNOWN', [], `It has ${this.ids.join(', ')}.`)
    if (rest.length === 0) throw sealedSessionError('FST_SEALED_SESSION_KEY_LAST')
    this.#state.replace(rest)
  }

  /** Stops following the file; the keys stay as they are. A process ends without it, too. */
  close (): void {
    this.#state.close()
  }

  #assertOwn (): void {
    const { path } = this.#state
    if (path !== null) throw sealedSessionError('FST_SEALED_SESSION_KEYRING_FOLLOWS', [path])
  }

  /** @internal */
  get [kKeyring] (): KeyringInternals { return this.#state }

  /** @internal Names what it is, and shows no key. */
  [inspect.custom] (): string {
    return `Keyring { keys: ${this.#state.current.keys.length} }`
  }
}

/**
 * A new key: 32 random bytes.
 * @throws `FST_SEALED_SESSION_SODIUM_NOT_READY` where the WebAssembly build of libsodium is in use
 * and still being loaded, which takes a moment after the first import.
 */
export function generateKey (): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  sodium().fillRandom(key)
  return key
}
