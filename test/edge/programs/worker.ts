// A program for the edge: it opens the session of a cookie, and seals one.
import { Keyring } from '../../../src/keys/keyring.ts'
import { createSessionCodec } from '../../../src/session-codec.ts'

// At global scope, as most programs have it: neither needs random numbers or the time.
const key = Keyring.fromEnv('SESSION_KEYS')
const opened = createSessionCodec({ key, format: 'sealed', cookieName: '__Host-session', expiry: 3600 })

export default {
  async fetch (request: Request): Promise<Response> {
    const codec = await opened
    const { pathname } = new URL(request.url)
    if (pathname === '/ids') return Response.json(key.ids)
    if (pathname === '/seal') return new Response(codec.seal(await request.json() as Record<string, unknown>))
    if (pathname === '/seal-many') return Response.json(Array.from({ length: 1000 }, (_, number) => codec.seal({ number })))
    return Response.json(codec.openCookies(request.headers.get('cookie') ?? undefined))
  }
}
