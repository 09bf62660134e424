// Sessions at the edge that end on the server: a copied cookie is dead after the logout, and after all of a user's end.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { inEdgeRuntime, inWorkerd, type Send } from './support.ts'

const RUNTIMES: Record<string, () => Promise<Send>> = {
  workerd: async () => await inWorkerd('ends.ts', {}),
  'edge-runtime': async () => await inEdgeRuntime('ends.ts', {})
}

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`with revocation in ${name}`, () => {
    let send: Send
    before(async () => { send = await start() })

    const visit = async (path: string, cookie = ''): Promise<{ user: unknown, cookie: string }> => {
      const response = await send(path, { headers: { cookie } })
      const { user } = await response.json() as { user: unknown }
      return { user, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
    }

    it('a copied cookie opens until its user logs out, and then no more', async () => {
      const { cookie } = await visit('/login')
      assert.equal((await visit('/', cookie)).user, 'ann')
      assert.equal((await visit('/logout', cookie)).cookie, '__Host-session=')
      assert.equal((await visit('/', cookie)).user, null)
    })

    it('each session of a user ends at once, and the next login works', async () => {
      const sessions = [await visit('/login'), await visit('/login')]
      await visit('/end-all')
      for (const { cookie } of sessions) assert.equal((await visit('/', cookie)).user, null)
      const { cookie } = await visit('/login')
      assert.equal((await visit('/', cookie)).user, 'ann')
    })
  })
}
