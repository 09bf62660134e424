// An encrypted JSON Web Token, as next-auth and others use for sessions: dir with A256GCM.
import { EncryptJWT, jwtDecrypt } from 'jose'
import { KEY } from '../data.js'

export const name = 'jose (JWE dir A256GCM)'

export async function tokens (data) {
  const key = new Uint8Array(KEY)
  const encodeOther = other => new EncryptJWT(other).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).setIssuedAt().encrypt(key)
  return {
    encode: () => encodeOther(data),
    encodeOther,
    decode: async token => {
      try {
        return (await jwtDecrypt(token, key)).payload
      } catch {
        return null // refused: what the benchmark of garbage is about
      }
    }
  }
}
