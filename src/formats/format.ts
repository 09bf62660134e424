import type { Serializer } from '../data/serializer.ts'
import type { DerivedKey } from '../keys/derived-key.ts'
import type { KeySet } from '../keys/key-set.ts'
import type { FormatOpened, SessionRecord } from '../record.ts'
import type { Format } from '../token-types.ts'

/** Format of tokens, with the settings of one codec. */
export interface TokenFormat<Refusal extends string = string> {
  readonly name: Format
  /** @throws `FST_SEALED_SESSION_TOO_LARGE`, and the errors of the serializer */
  seal (record: SessionRecord, key: DerivedKey): string
  /** The same token as it stands in a cookie, percent-encoded as `encodeValue` does. */
  sealEncoded (record: SessionRecord, key: DerivedKey): string
  open (token: string, keys: KeySet): FormatOpened<DerivedKey, Refusal>
  /**
   * The same of a token as `sealEncoded` writes it. Null if it is spelt otherwise, or is no token: then it
   * has to be decoded first.
   */
  openEncoded (text: string, keys: KeySet): FormatOpened<DerivedKey, Refusal> | null
  /** The same with one key: the one with this index, of those that `decryptions` counts. */
  openWith (token: string, keys: KeySet, index: number): FormatOpened<DerivedKey, Refusal>
  /** Number of decryptions that are tried for a token, at most. */
  decryptions (keys: KeySet): number
}

/** Settings that all formats of a codec share. */
export interface FormatSettings {
  /** Context that sealed tokens are bound to. */
  context: string
  serializer: Serializer
  fillRandom: (nonce: Uint8Array) => void
  /**
   * True if something depends on when a session began. A secretbox token then says it:
   * @fastify/secure-session shows it as data.
   */
  saysCreated: boolean
}
