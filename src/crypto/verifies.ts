/**
 * False if a decryption throws: both builds of libsodium throw if a tag is wrong.
 *
 * Errors made meanwhile have no stack trace. Nobody reads it, and to write it takes longer than to open a
 * token: a flood of bad tokens would cost more than one of good ones.
 */
export function verifies (decrypt: () => void): boolean {
  const { stackTraceLimit } = Error
  limitStackTraces(0)
  try {
    decrypt()
    return true
  } catch {
    return false
  } finally {
    limitStackTraces(stackTraceLimit)
  }
}

function limitStackTraces (limit: number): void {
  try {
    Error.stackTraceLimit = limit
  } catch {
    // If intrinsics are frozen, errors have their traces.
  }
}
