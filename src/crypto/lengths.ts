/**
 * Check of a buffer's length. Both builds of libsodium check what they read, but not all that is written to.
 * @throws RangeError if a buffer does not have the length that it must have.
 */
export function assertLength (name: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected) throw new RangeError(`${name} must have ${expected} bytes, got ${length}`)
}
