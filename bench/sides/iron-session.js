// A sealed cookie for any framework: AES-256-CBC and HMAC-SHA256 with keys derived from a password
// for every token.
import { sealData, unsealData } from 'iron-session'
import { SECRET } from '../data.js'

export const name = 'iron-session'

export async function tokens (data) {
  return {
    encode: () => sealData(data, { password: SECRET, ttl: 86400 }),
    encodeOther: other => sealData(other, { password: SECRET, ttl: 86400 }),
    decode: token => unsealData(token, { password: SECRET, ttl: 86400 })
  }
}
