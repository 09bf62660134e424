// Sessions that end on the server, at the edge: revocation and its store.
import '../../../src/revocation/edge.ts'
import { createWebSessions } from '../../../src/web/index.ts'

/** Store as Redis or KV of a Worker would be, behind the three methods. */
const kept = new Map<string, unknown>()
const store = {
  async get (key: string) { return kept.get(key) },
  async set (key: string, value: unknown) { kept.set(key, value) }
}

const made = createWebSessions<{ user: string }>({
  key: 'ab'.repeat(31) + '01',
  cookie: { secure: true },
  revocation: { store, subject: session => session.get('user') }
})

export default {
  async fetch (request: Request): Promise<Response> {
    const sessions = await made
    const session = await sessions.open(request)
    const { pathname } = new URL(request.url)
    if (pathname === '/login') session.set('user', 'ann')
    if (pathname === '/logout') session.delete()
    if (pathname === '/end-all') await sessions.revokeSubject('ann')
    const response = Response.json({ user: session.get('user') ?? null })
    await session.commit(response.headers)
    return response
  }
}
