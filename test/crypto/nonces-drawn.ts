import { fillNonce } from '../../src/crypto/nonces.ts'

/** Some nonces in hex, drawn one after the other. */
export function drawn (count: number): string[] {
  return Array.from({ length: count }, () => {
    const nonce = Buffer.alloc(24)
    fillNonce(nonce)
    return nonce.toString('hex')
  })
}
