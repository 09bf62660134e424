import { AEAD_NONCE_BYTES } from '../crypto/library.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'

/** Offset of the message in the workspace, encrypted or not: room for nonce and tag is before it. */
export const TEXT = 32

/**
 * Memory in which sealing and opening are done, laid out like a token. libsodium gets views of it, which cost
 * less than buffers of their own.
 *
 * All formats of a thread share one. So no code of the app's (a `toJSON`, a serializer) runs between writing
 * to it and reading from it.
 */
export interface Workspace {
  bytes: Buffer
  /** The 16 bytes before the text. */
  mac: Uint8Array
  /** Beside the bytes, for the format that has its nonce in a part of its own. */
  nonce: Buffer
  /** The text, by length: those of cookies are few and soon all made. */
  texts: Array<Uint8Array | undefined>
}

const MAX_KEPT = 4096

let workspace: Workspace | null = null

/** Made when first needed, so that a startup snapshot holds none. */
export function getWorkspace (): Workspace {
  if (workspace === null) {
    const bytes = Buffer.allocUnsafeSlow(TEXT + MAX_TOKEN_LENGTH)
    workspace = {
      bytes,
      mac: bytes.subarray(TEXT - 16, TEXT),
      nonce: Buffer.allocUnsafeSlow(AEAD_NONCE_BYTES),
      texts: new Array<undefined>(MAX_KEPT + 1)
    }
  }
  return workspace
}

/** The part of the workspace that begins at `TEXT`. */
export function textOf ({ bytes, texts }: Workspace, length: number): Uint8Array {
  if (length > MAX_KEPT) return bytes.subarray(TEXT, TEXT + length)
  texts[length] ??= bytes.subarray(TEXT, TEXT + length)
  return texts[length]
}
