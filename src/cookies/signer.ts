import cookiePlugin from '@fastify/cookie'
import { sodium } from '../crypto/sodium.ts'
import type { DerivedKey } from '../keys/derived-key.ts'
import type { KeySource } from '../keys/key-source.ts'

/** Signs the values of cookies, and checks signatures. */
export type Signer = ReturnType<typeof cookiePlugin.signerFactory>

/** What of a session's configuration cookies are signed with. */
interface SigningKeys {
  keyring: KeySource
  secrets: readonly Buffer[] | null
}

/**
 * What cookies are signed with where the app has no say: the passphrase or a hash of the key, of
 * the last session first, as the peer has it. The others follow, those of older keys too, so that
 * a rotation of keys does not end signed sessions. The key that seals is the one that signs.
 */
export function liveSigner (sessions: readonly SigningKeys[]): Signer {
  const ordered = sessions.toReversed()
  let usedKeys: DerivedKey[] = []
  let signer: Signer | null = null

  /** The signer for the keys as they are now. */
  function current (): Signer {
    const keys = ordered.map(({ keyring }) => sealingFirst(keyring.current.keys, keyring.current.sealing(Date.now())))
    if (signer === null || !isSame(keys.flat(), usedKeys)) {
      usedKeys = keys.flat()
      const secrets = ordered.flatMap(({ secrets }, index): ReadonlyArray<Buffer | string> => secrets ?? keys[index]!.map(signingSecret))
      signer = cookiePlugin.signerFactory(secrets as string[]) // its types know one Buffer only
    }
    return signer
  }

  return {
    sign: value => current().sign(value),
    unsign: signed => current().unsign(signed)
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
