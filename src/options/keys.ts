import { keysFromPassphrases, readSecrets } from '#passphrase'
import { sodiumReady } from '#sodium'
import { fail } from '../errors.ts'
import { keyringInternals, type KeyringInternals, KeySet, type KeySource } from '../keys/key-set.ts'
import { isConstant, readKeys } from '../keys/key.ts'
import type { Warn } from '../messages.ts'
import type { Options } from './readers.ts'

/** Keys of a session, and their sources. */
export interface Keys {
  readonly keyring: KeySource
  /** Keyring that the app made; null if it gave keys or passphrases. */
  readonly appKeyring: KeyringInternals | null
  /** Passphrases that the keys were derived from; null without any. */
  readonly secrets: readonly Buffer[] | null
}

/**
 * Reads `key`, `secret` and `salt`.
 * @throws `FST_SEALED_SESSION_KEY_MISSING`, and the errors of reading a key or passphrase.
 */
export async function readKeyring (options: Options, sessionName: string, warn: Warn): Promise<Keys> {
  const { key, secret, salt } = options
  await sodiumReady()
  // An empty value is one that was not given, as in @fastify/secure-session: an environment variable that is
  // not set.
  if (key) {
    if (secret) warn('FST_SEALED_SESSION_WARN_KEY_AND_SECRET', sessionName)
    const appKeyring = keyringInternals(key)
    return appKeyring === undefined ? givenKeys(key, sessionName, warn) : givenKeyring(appKeyring, sessionName, warn)
  }
  if (!secret) throw fail('KEY_MISSING')
  const secrets = readSecrets(secret)
  if (!salt) warn('FST_SEALED_SESSION_WARN_SALT', sessionName)
  const keys = await keysFromPassphrases(secrets, salt || undefined)
  return { keyring: withIds({ current: KeySet.of(keys) }), appKeyring: null, secrets }
}

function givenKeys (key: unknown, sessionName: string, warn: Warn): Keys {
  const keys = readKeys(key)
  for (const { bytes, label } of keys) warnOfConstant(bytes, label, sessionName, warn)
  return { keyring: withIds({ current: KeySet.of(keys.map(({ bytes }) => bytes)) }), appKeyring: null, secrets: null }
}

function givenKeyring (appKeyring: KeyringInternals, sessionName: string, warn: Warn): Keys {
  withIds(appKeyring)
  for (const { bytes, id } of appKeyring.current.keys) warnOfConstant(bytes, `the key ${id}`, sessionName, warn)
  warnOfExposed(appKeyring, sessionName, warn)
  return { keyring: appKeyring, appKeyring, secrets: null }
}

function warnOfConstant (bytes: Buffer, label: string, sessionName: string, warn: Warn): void {
  if (isConstant(bytes)) warn('FST_SEALED_SESSION_WARN_KEY_CONSTANT', sessionName, label)
}

function warnOfExposed ({ exposed }: KeyringInternals, sessionName: string, warn: Warn): void {
  if (exposed === null) return
  const { path, mode, exposure } = exposed
  warn('FST_SEALED_SESSION_WARN_KEY_FILE_MODE', sessionName, path, mode.toString(8).padStart(4, '0'), exposure)
}

/** Derives all ids now, so that an error in them is found at registration. */
function withIds <Source extends KeySource> (keyring: Source): Source {
  keyring.current.check()
  return keyring
}
