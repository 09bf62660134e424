// The web entry of this package, with its own token: from the headers of a request to those of the response.
import { createWebSessions } from 'fastify-sealed-session/web'
import { KEY } from '../data.js'

export const name = 'fastify-sealed-session/web'

const PREFIX = 'session='

export async function tokens (data) {
  const sessions = await createWebSessions({ key: KEY, expiry: 86400, cookie: { secure: 'auto' } })

  async function encodeOther (other) {
    const session = await sessions.open({ headers: new Headers() })
    for (const [key, value] of Object.entries(other)) session.set(key, value)
    const headers = new Headers()
    await session.commit(headers)
    const [line] = headers.getSetCookie()
    return line.slice(PREFIX.length, line.indexOf(';'))
  }

  return {
    encode: () => encodeOther(data),
    encodeOther,
    decode: async token => (await sessions.open({ headers: new Headers({ cookie: PREFIX + token }) })).get('userId')
  }
}
