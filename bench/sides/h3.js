// The sessions of h3, which Nitro and Nuxt have: a sealed cookie in the format of iron. These are its seal and unseal alone,
// without the cookie.
import { H3Event, sealSession, unsealSession, updateSession } from 'h3'
import { SECRET } from '../data.js'

export const name = 'h3'

const config = { password: SECRET, maxAge: 86400 }

async function eventOf (data) {
  const event = new H3Event(new Request('http://localhost/'))
  await updateSession(event, config, data)
  return event
}

export async function tokens (data) {
  const event = await eventOf(data)
  return {
    encode: () => sealSession(event, config),
    encodeOther: async other => await sealSession(await eventOf(other), config),
    decode: token => unsealSession(event, config, token)
  }
}
