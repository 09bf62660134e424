/** Check of signatures with one key at a time, if they can be told apart. */
export interface SignatureCheck {
  /** Number of keys to try. */
  readonly count: number
  /** Value that was signed; null if the signature was not made with the key of this index. */
  unsign: (value: string, index: number) => string | null
}

/**
 * Check for a function that only checks a signature with all keys at once. A signer of an app's own may give
 * a value back even if it is not valid.
 */
export function checkWith (unsign: (value: string) => { valid: boolean, value: string | null }): SignatureCheck {
  return {
    count: 1,
    unsign: value => {
      const unsigned = unsign(value)
      return unsigned.valid === true ? unsigned.value : null
    }
  }
}

/** Value without its signature; null if none of the keys has made that. */
export function unsignedWith ({ count, unsign }: SignatureCheck, value: string): string | null {
  for (let key = 0; key < count; key++) {
    const unsigned = unsign(value, key)
    if (unsigned !== null) return unsigned
  }
  return null
}
