// Tokens for the tests of `inspect`, of whatever record.
import { randomBytes } from 'node:crypto'
import sodium from 'sodium-native'
import { associatedDataOf } from '../../src/token/sealed.ts'
import { sealSealed } from '../../src/token/sealed.ts'
import { sealSecretbox } from '../../src/token/secretbox.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import type { SessionRecord } from '../../src/token/record.ts'

export type Part = Partial<SessionRecord>

const DAY = 86400

/** Written two days and an hour ago, created three days and an hour ago. */
function recordOf (part: Part): SessionRecord {
  const writtenAt = (Math.floor(Date.now() / 1000) - 2 * DAY - 3600) * 1000
  return { data: { userId: 42 }, writtenAt, createdAt: writtenAt - DAY * 1000, lifetime: null, cookieMaxAge: null, id: null, ...part }
}

export function sealedToken (key: Buffer, part: Part = {}, context = 'session'): string {
  return sealSealed(recordOf(part), KeySet.of([key]).keys[0]!, associatedDataOf(context))
}

export function secretboxToken (key: Buffer, part: Part = {}): string {
  return sealSecretbox(recordOf(part), KeySet.of([key]).keys[0]!)
}

/** A token of the sealed format with any bytes inside the seal, made without our code. */
export function sealedRaw (key: Buffer, message: Buffer, context = 'session'): string {
  const { idNumber, encryption } = KeySet.of([key]).keys[0]! // a set has at least one
  const name = Buffer.alloc(5)
  name[0] = 1
  name.writeUInt32BE(idNumber, 1)
  const nonce = randomBytes(24)
  const ciphertext = Buffer.alloc(message.length + 16)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, message, Buffer.concat([name, Buffer.from(context)]), null, nonce, encryption)
  return Buffer.concat([name, nonce, ciphertext]).toString('base64url')
}

/** A token in another version, of the right length. */
export function otherVersion (token: string): string {
  const bytes = Buffer.from(token, 'base64url')
  bytes[0] = 2
  return bytes.toString('base64url')
}
