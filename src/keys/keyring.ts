import { keysOfFile, keysOfLoader } from '#key-sources'
import { environment, IS_EDGE } from '#runtime'
import { fillRandom, sodiumReady } from '#sodium'
import { KEY_BYTES } from '../crypto/library.ts'
import { fail, kindOf } from '../errors.ts'
import { DerivedKey, type KeyringInternals, kInspect, kKeyring } from './key-set.ts'
import type { SourceKeys } from './key-sources.ts'
import { readKey, readKeys } from './key.ts'
import { KeyringState } from './keyring-state.ts'
import { warnProcess } from '../messages.ts'
import { readDuration, refuseUnknown } from '../options/readers.ts'
import type { KeyFileOptions, KeyLoader, KeyLoadOptions, SessionKey } from '../types.ts'

const LOAD_OPTIONS = ['refresh', 'activateAfter'] satisfies Array<keyof KeyLoadOptions>

/**
 * The keys of one or more sessions, newest first: the first seals, all of them open. They can change
 * while the app runs: every session that uses the keyring sees it with its next token.
 *
 * None of the keys show when it is printed or logged.
 */
export class Keyring {
  readonly #state: KeyringState

  /**
   * @param keys one or more, newest first: 32 bytes, 64 hex characters, base64 or base64url. Copied. A
   * repeated one counts once.
   * @throws `FST_SEALED_SESSION_KEY_MISSING`, `FST_SEALED_SESSION_KEY_TYPE`,
   * `FST_SEALED_SESSION_KEY_ITEM_TYPE`, `FST_SEALED_SESSION_KEY_LENGTH` or `FST_SEALED_SESSION_KEY_TEXT` for
   * a value that is no key, and `FST_SEALED_SESSION_KEY_ID_TAKEN` if two keys have one id (a chance of one in
   * 4.3 billion).
   */
  constructor (keys: SessionKey | readonly SessionKey[] | undefined) {
    this.#state = new KeyringState(readKeys(keys).map(({ bytes }) => new DerivedKey(bytes)))
  }

  /**
   * Reads the keys from a file: one a line in hex or base64, newest first, `#` begins a comment; or
   * exactly 32 raw bytes.
   *
   * With `watch`, the keyring follows the file: it is read every second, so that an atomic rename,
   * the swapped symlink of a mounted secret and a file on a network all work. Content that is not
   * valid, or a file that is gone, changes nothing: the keys stay, and each app that uses the
   * keyring logs one error. New keys open at the second look at them. Keys that are gone from the file
   * still open until ten looks have not found them, so that a file that is being written costs no
   * session; they seal nothing, and what they open is not sealed again. If the file has none of its
   * keys any more, as after `rotate --keep 0`, they open nothing from the second look on.
   * @param path of the file, or its URL. A relative one counts from the current directory.
   * `undefined` compiles, for a variable of the environment, and is refused.
   * @throws `FST_SEALED_SESSION_NOT_AT_EDGE` in runtimes that are not Node.js;
   * `FST_SEALED_SESSION_KEY_FILE` if it cannot be read, with the error of the file system as its
   * `cause`, or is not valid; `FST_SEALED_SESSION_OPTION_INVALID` if the path is not set or a URL of no file,
   * or if `activateAfter` is a second or longer and shorter than ten `watchInterval`,
   * `FST_SEALED_SESSION_OPTION_UNKNOWN` for any other option than those of `KeyFileOptions`, and
   * `FST_SEALED_SESSION_OPTIONS_INVALID`, `FST_SEALED_SESSION_OPTION_INVALID` or
   * `FST_SEALED_SESSION_DURATION` for a value of a wrong type.
   */
  static async fromFile (path: string | URL | undefined, options: KeyFileOptions = {}): Promise<Keyring> {
    return Keyring.#of(await keysOfFile(path, options))
  }

  /**
   * Reads the keys from a variable of the environment: one, or several with commas between them, newest first, each in
   * hex or base64.
   *
   * If the variable is not set, or empty, and NODE_ENV is not `production`, the keyring has a key that ends with this
   * process, and a warning says so.
   * @param name of the variable, such as `'SESSION_KEYS'`.
   * @throws `FST_SEALED_SESSION_ENV_MISSING` if it is not set, in production and at the edge; `FST_SEALED_SESSION_KEY_TEXT` if it
   * holds anything but keys; `FST_SEALED_SESSION_OPTION_INVALID` for a name that is no text.
   */
  static fromEnv (name: string): Keyring {
    if (typeof name !== 'string' || name === '') throw fail('OPTION_INVALID', ['name', 'the name of a variable of the environment', kindOf(name)])
    const given = environment(name)
    const texts = (given ?? '').split(',').map(text => text.trim()).filter(text => text !== '')
    if (texts.length > 0) return new Keyring(texts.map((text, index) => readKey(text, texts.length === 1 ? name : `${name}[${index}]`)))
    const lack = given === undefined ? 'not set' : 'empty'
    // At the edge there are many processes, and each would have another key.
    if (IS_EDGE || environment('NODE_ENV') === 'production') throw fail('ENV_MISSING', [name, lack])
    warnProcess('FST_SEALED_SESSION_WARN_ENV_MISSING', name, lack)
    return new Keyring(generateKey())
  }

  /**
   * Loads the keys with a function of yours, such as a call of Vault or of a KMS, and calls it again every `refresh`
   * seconds. All else is as with a file that is watched: a new key opens at the second load that has it, and seals
   * `activateAfter` seconds later. A call that fails, or gives what is no key, changes nothing: the keys stay, and each
   * app that uses the keyring logs one error. `close()` ends it.
   * @param load gives one key, or several, newest first; or a promise of them.
   * @throws `FST_SEALED_SESSION_NOT_AT_EDGE` in runtimes that are not Node.js, unless `refresh` is null; what the first call throws, and the errors of the constructor for what it gives;
   * `FST_SEALED_SESSION_OPTION_INVALID` for a `load` that is no function, or an `activateAfter` of a second or longer that
   * is shorter than ten `refresh`; `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_DURATION` as `fromFile`.
   */
  static async from (load: KeyLoader, options: KeyLoadOptions = {}): Promise<Keyring> {
    if (typeof load !== 'function') throw fail('OPTION_INVALID', ['load', 'a function that gives the keys', kindOf(load)])
    refuseUnknown(options, LOAD_OPTIONS)
    if (options.refresh !== null) return Keyring.#of(await keysOfLoader(load, options))
    readDuration(options, 'activateAfter', 0, { orZero: true }) // nothing waits for it
    await sodiumReady()
    return new Keyring(await load())
  }

  static #of ({ keys, attach }: SourceKeys): Keyring {
    const keyring = new Keyring(keys)
    attach(keyring.#state)
    return keyring
  }

  /** Ids of the keys, the first key's first: eight hex characters each. They are no secret. */
  get ids (): string[] {
    return this.#state.current.keys.map(({ id }) => id)
  }

  /**
   * Makes `newKey` the first key: it seals from now on, and all others still open. A key that the keyring has
   * already moves to the front.
   *
   * Its tokens open only in processes that have the key, too. With several processes use a watched file,
   * which sees to that.
   * @throws the errors of the constructor, and `FST_SEALED_SESSION_KEYRING_FOLLOWS` if the keyring follows a
   * file: change the file.
   */
  rotate (newKey: SessionKey): void {
    this.#assertOwn()
    const added = readKeys(newKey).map(({ bytes }) => new DerivedKey(bytes))
    this.#state.replace([...added, ...this.#state.current.keys])
  }

  /**
   * Takes a key away: tokens that it sealed do not open any more.
   * @param keyId one of `ids`.
   * @throws `FST_SEALED_SESSION_KEY_UNKNOWN` for any other id, `FST_SEALED_SESSION_KEY_LAST` for the only
   * key, `FST_SEALED_SESSION_KEYRING_FOLLOWS` if the keyring follows a file.
   */
  retire (keyId: string): void {
    this.#assertOwn()
    const { keys } = this.#state.current
    const rest = keys.filter(({ id }) => id !== keyId)
    if (rest.length === keys.length) throw fail('KEY_UNKNOWN', [], { detail: `It has ${this.ids.join(', ')}.` })
    if (rest.length === 0) throw fail('KEY_LAST')
    this.#state.replace(rest)
  }

  /**
   * Stops following the file. The keys are those that the file had when it was last good, and stay
   * so until `rotate` or `retire` changes them. A key that had just left it opens nothing any more.
   * A process ends without it, too.
   */
  close (): void {
    this.#state.close()
  }

  #assertOwn (): void {
    const { follower } = this.#state
    if (follower !== null) throw fail('KEYRING_FOLLOWS', [follower.source])
  }

  /** @internal */
  get [kKeyring] (): KeyringInternals { return this.#state }

  /** @internal Name of the class, without any key. */
  [kInspect] (): string {
    return `Keyring { keys: ${this.#state.current.keys.length} }`
  }
}

/** A new key: 32 random bytes. */
export function generateKey (): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  fillRandom(key)
  return key
}
