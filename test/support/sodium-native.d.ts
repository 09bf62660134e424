// Calls of sodium-native that tests make themselves, besides those of src/crypto/sodium.ts.
declare module 'sodium-native' {
  export interface SodiumNative {
    crypto_secretbox_easy (ciphertext: Uint8Array, message: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
    crypto_secretbox_open_easy (message: Uint8Array, ciphertext: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean
    crypto_pwhash (
      output: Uint8Array, passphrase: Uint8Array, salt: Uint8Array, opslimit: number, memlimit: number, algorithm: number
    ): void
  }
}
