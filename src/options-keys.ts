import { sodiumReady } from './crypto/sodium.ts'
import { kindOf, sealedSessionError } from './errors.ts'
import { isConstant, readKeys } from './keys/key.ts'
import { keyringInternals, type KeyringInternals, type KeySource } from './keys/key-source.ts'
import { KeySet } from './keys/key-set.ts'
import { keysFromPassphrases } from './keys/passphrase.ts'
import type { Options } from './option-values.ts'
import type { Warn } from './warnings.ts'

/** Where a session has its keys from. */
export interface Keys {
  readonly keyring: KeySource
  /** The keyring that the app made, or null where it gave keys or passphrases. */
  readonly appKeyring: KeyringInternals | null
  /** The passphrases that the keys were derived from, or null. */
  readonly secrets: ReadonlyArray<string | Buffer> | null
}

/**
 * Reads `key`, `secret` and `salt`.
 * @throws `FST_SEALED_SESSION_KEY_MISSING`, and what reading a key or passphrase throws.
 */
export async function readKeyring (options: Options, sessionName: string, warn: Warn): Promise<Keys> {
  const { key, secret, salt } = options
  await sodiumReady()
  // Like the peer, an empty value is one that was not given: an environment variable that is not set.
  if (key) {
    if (secret) warn('FST_SEALED_SESSION_WARN_KEY_AND_SECRET', sessionName)
    const appKeyring = keyringInternals(key)
    if (appKeyring !== undefined) {
      for (const { bytes, id } of withIds(appKeyring).current.keys) warnOfConstant(bytes, `the key ${id}`, sessionName, warn)
      return { keyring: appKeyring, appKeyring, secrets: null }
    }
    return { keyring: withIds({ current: KeySet.of(bytesOf(key, sessionName, warn)) }), appKeyring: null, secrets: null }
  }
  if (!secret) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING')
  if (!salt) warn('FST_SEALED_SESSION_WARN_SALT', sessionName)
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING', [], 'The array of passphrases is empty.')
  const keys = await keysFromPassphrases(secrets, salt || undefined)
  return { keyring: withIds({ current: KeySet.of(keys) }), appKeyring: null, secrets: secrets.map(passphrase) }
}

function bytesOf (key: unknown, sessionName: string, warn: Warn): Buffer[] {
  return readKeys(key).map(({ bytes, label }) => {
    warnOfConstant(bytes, label, sessionName, warn)
    return bytes
  })
}

function warnOfConstant (bytes: Buffer, label: string, sessionName: string, warn: Warn): void {
  if (isConstant(bytes)) warn('FST_SEALED_SESSION_WARN_KEY_CONSTANT', sessionName, label)
}

/** Derives all ids now, so that what is wrong with them is found at registration. */
function withIds <Source extends KeySource> (keyring: Source): Source {
  keyring.current.check()
  return keyring
}

/** For signing, which takes the passphrase as it is. `keysFromPassphrases` has checked it. */
function passphrase (secret: unknown): string | Buffer {
  if (typeof secret === 'string') return secret
  if (secret instanceof Uint8Array) return Buffer.from(secret)
  throw sealedSessionError('FST_SEALED_SESSION_SECRET_TYPE', [kindOf(secret)])
}
