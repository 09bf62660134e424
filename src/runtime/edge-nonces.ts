// The same as crypto/nonces.ts for the edge: each nonce is drawn alone. A runtime may start many times from one memory, and
// says nothing of it.
export { fillRandom as fillNonce } from '#sodium'
