import { startupSnapshot } from 'node:v8'
import { sodium } from '#sodium'

const BLOCK_BYTES = 4096

/** Milliseconds after which the rest of a block is thrown away. */
const BLOCK_LIFETIME = 1000

let block: Buffer | null = null
let used = 0
let filledAt = 0

/**
 * Fills a buffer with random bytes for a nonce, out of a block that is drawn at once: one call of
 * libsodium for many nonces.
 *
 * A nonce must never be used twice with one key, so each byte of the block is handed out once, and
 * nothing of it may be handed out in two places. Threads and forked processes load this module anew
 * and have a block of their own. A machine that is cloned or restored while running continues in
 * two places with the same memory: hence the block lives for a second at most, which bounds what two
 * clones can have in common. A startup snapshot would repeat the block at every start: while one is
 * built, nothing is kept.
 */
export function fillNonce (nonce: Uint8Array): void {
  const now = Date.now()
  if (block === null || used + nonce.length > BLOCK_BYTES || Math.abs(now - filledAt) > BLOCK_LIFETIME) {
    if (startupSnapshot.isBuildingSnapshot()) {
      sodium().fillRandom(nonce)
      return
    }
    block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES)
    sodium().fillRandom(block)
    used = 0
    filledAt = now
  }
  for (let i = 0; i < nonce.length; i++) nonce[i] = block[used + i]! // checked above to be within the block
  used += nonce.length
}
