// This package with some keys, of which the last has sealed what is opened. Its own token says which
// key that is. Tokens only: an app would seal such a session again at its first request.
import { createSessionCodec, generateKey, Keyring } from 'fastify-sealed-session'
import { KEY } from '../data.js'

export function sideWith (count) {
  async function tokens (data) {
    const options = { format: 'sealed', context: 'session' }
    const last = await createSessionCodec({ ...options, key: KEY })
    const keyring = new Keyring([...Array.from({ length: count - 1 }, generateKey), KEY])
    const all = await createSessionCodec({ ...options, key: keyring })
    return {
      encode: () => last.seal(data),
      encodeOther: other => last.seal(other),
      decode: token => {
        const opened = all.open(token)
        return opened.ok ? opened.data : null
      }
    }
  }

  return { name: `fastify-sealed-session (format 'sealed', the last of ${count} keys)`, tokens }
}
