import { sodium } from '#sodium'
import { type Signer, signerFactory } from '#hmac'
import type { DerivedKey, KeySource } from '../keys/key-set.ts'
import type { SignatureCheck } from './signature.ts'

interface LiveSigner extends Signer {
  check: SignatureCheck
}

/** Part of a session's configuration that cookies are signed with. */
interface SigningKeys {
  keyring: KeySource
  secrets: readonly Buffer[] | null
}

/**
 * Signer for apps that did not register @fastify/cookie: with the passphrase or a hash of the key, of the
 * last session first, as @fastify/secure-session orders them. The others follow, those of older keys too, so
 * that a rotation of keys does not end signed sessions. The key that seals is the one that signs.
 */
export function liveSigner (sessions: readonly SigningKeys[]): LiveSigner {
  const ordered = sessions.toReversed()
  let usedKeys: DerivedKey[] = []
  let signer: Signer | null = null
  let single: Signer[] = []

  /** The signer for the keys as they are now; `single` has one for each of them then. */
  function current (): Signer {
    const keys = ordered.map(({ keyring }) => sealingFirst(keyring.current.keys, keyring.current.sealing(Date.now())))
    if (signer === null || !isSame(keys.flat(), usedKeys)) {
      usedKeys = keys.flat()
      const secrets = ordered.flatMap(({ secrets }, index): ReadonlyArray<Buffer | string> => secrets ?? keys[index]!.map(signingSecret))
      signer = signerFactory(secrets)
      single = secrets.map(secret => signerFactory([secret]))
    }
    return signer
  }

  return {
    sign: value => current().sign(value),
    unsign: signed => current().unsign(signed),
    check: {
      get count () { current(); return single.length },
      unsign: (value, index) => single[index]?.unsign(value).value ?? null
    }
  }
}

function signingSecret ({ bytes }: DerivedKey): string {
  return sodium().hash(bytes).toString('hex')
}

function sealingFirst (keys: readonly DerivedKey[], sealing: DerivedKey): DerivedKey[] {
  return [sealing, ...keys.filter(key => key !== sealing)]
}

function isSame (keys: readonly DerivedKey[], others: readonly DerivedKey[]): boolean {
  return keys.length === others.length && keys.every((key, index) => key === others[index])
}
