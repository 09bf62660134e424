/**
 * Both builds of libsodium check what they read, but not all that is written to.
 * @throws RangeError where a buffer has not the length that it must have.
 */
export function assertLength (name: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected) throw new RangeError(`${name} must have ${expected} bytes, got ${length}`)
}
