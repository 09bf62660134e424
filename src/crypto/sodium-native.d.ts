// Types of the calls in library.ts; sodium-native has none of its own.
declare module 'sodium-native' {
  export interface SodiumNative {
    randombytes_buf (buffer: Uint8Array): void
    crypto_secretbox_detached (ciphertext: Uint8Array, mac: Uint8Array, message: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
    crypto_secretbox_open_detached (message: Uint8Array, ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean
    crypto_aead_xchacha20poly1305_ietf_encrypt (
      ciphertext: Uint8Array, message: Uint8Array, associatedData: Uint8Array, secretNonce: null, nonce: Uint8Array, key: Uint8Array
    ): number
    crypto_aead_xchacha20poly1305_ietf_decrypt (
      message: Uint8Array, secretNonce: null, ciphertext: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array
    ): number
    crypto_kdf_derive_from_key (subkey: Uint8Array, id: number, context: Uint8Array, key: Uint8Array): void
    crypto_pwhash_async (
      output: Uint8Array, passphrase: Uint8Array, salt: Uint8Array, opslimit: number, memlimit: number, algorithm: number
    ): Promise<void>
    crypto_generichash (output: Uint8Array, input: Uint8Array, key?: Uint8Array): void
    readonly crypto_pwhash_OPSLIMIT_MODERATE: number
    readonly crypto_pwhash_MEMLIMIT_MODERATE: number
    readonly crypto_pwhash_ALG_DEFAULT: number
    readonly crypto_generichash_BYTES: number
  }
  const sodium: SodiumNative
  export default sodium
}
