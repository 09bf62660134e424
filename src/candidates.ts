import type { Codec, Opened } from './codec.ts'
import type { RefusalReason } from './types.ts'

/** How often decryption may be tried in a request, over all cookies and keys. */
const MAX_DECRYPTIONS = 64

export type Found = Extract<Opened, { ok: true }>
export type Refused = { ok: false, reason: RefusalReason }

/**
 * Of several cookies that open, the one written last: the others are older, or planted.
 * @param candidates the values of a request's cookies; there are few, see `joinChunks`.
 * @param open opens one of them.
 * @returns null where there are none.
 */
export function newestOf (candidates: readonly string[], codec: Codec, open: (value: string) => Found | Refused): Found | Refused | null {
  let best: Found | Refused | null = null
  let decryptions = 0
  for (const value of candidates) {
    const attempts = codec.attempts(value)
    // What costs one attempt is always tried: there are few candidates.
    if (attempts > 1 && decryptions > 0 && decryptions + attempts > MAX_DECRYPTIONS) continue
    const opened = open(value)
    // What is no token at all was refused before any key was tried.
    if (opened.ok || opened.reason === 'not-authentic') decryptions += attempts
    best = better(best, opened)
  }
  return best
}

/** What opened rather than what did not, and what was written later. */
function better (best: Found | Refused | null, other: Found | Refused): Found | Refused {
  if (best === null || !best.ok) return best === null || other.ok ? other : best
  return other.ok && other.content.lastWrite > best.content.lastWrite ? other : best
}
