import { AEAD_NONCE_BYTES } from '../crypto/library.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'

/** Offset of the message in the workspace, encrypted or not: room for nonce and tag is before it. */
export const MESSAGE_OFFSET = 32

/**
 * Memory in which sealing and opening are done, laid out like a token. libsodium gets views of it, which cost
 * less than buffers of their own.
 *
 * All formats of a thread share one. So no code of the app's (a `toJSON`, a serializer) runs between writing
 * to it and reading from it.
 */
export interface Workspace {
  bytes: Buffer
  /** The 16 bytes before the message. */
  mac: Uint8Array
  /** Beside the bytes, for the format that has its nonce in a part of its own. */
  nonce: Buffer
  /** Views of the message, by length: the lengths of cookies are few and soon all made. */
  messages: Array<Uint8Array | undefined>
}

const MAX_KEPT = 4096

let workspace: Workspace | null = null

/** Made when first needed, so that a startup snapshot holds none. */
export function getWorkspace (): Workspace {
  if (workspace === null) {
    const bytes = Buffer.allocUnsafeSlow(MESSAGE_OFFSET + MAX_TOKEN_LENGTH)
    workspace = {
      bytes,
      mac: bytes.subarray(MESSAGE_OFFSET - 16, MESSAGE_OFFSET),
      nonce: Buffer.allocUnsafeSlow(AEAD_NONCE_BYTES),
      messages: new Array<undefined>(MAX_KEPT + 1)
    }
  }
  return workspace
}

/** View of the message, which begins at `MESSAGE_OFFSET`. */
export function messageOf ({ bytes, messages }: Workspace, length: number): Uint8Array {
  if (length > MAX_KEPT) return bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  messages[length] ??= bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  return messages[length]
}
