// What tests use of the code as it is at the edge.
export { Keyring, generateKey } from '../../../src/keys/keyring.ts'
export { KeySet } from '../../../src/keys/key-set.ts'
export { createSessionCodec } from '../../../src/session-codec.ts'
export { Codec } from '../../../src/token/codec.ts'
export { createWebSessions } from '../../../src/web/index.ts'
export { signerFactory } from '../../../src/runtime/edge-hmac.ts'
export { sodium } from '../../../src/crypto/noble.ts'
export { errorRow } from '../../../src/runtime/texts.ts'
