// Signals of sessions in Cloudflare Workers, where a timer ends with the request that has made it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inWorkerd } from './support.ts'

const PROGRAM = `
  import '../../../src/revocation/edge.ts'
  import { createWebSessions, sessionSignal } from '../../../src/web/index.ts'

  const kept = new Map()
  const store = { get: async key => kept.get(key), set: async (key, value) => { kept.set(key, value) } }
  const options = { key: 'ab'.repeat(31) + '01', cookieName: 'session', rolling: false, cookie: { secure: true } }
  const made = { short: createWebSessions({ ...options, expiry: 3 }), long: createWebSessions({ ...options, revocation: { store, cacheTtl: 0.2, subject: session => session.user } }) }
  const answers = {
    login: session => { session.user = 'ann' },
    signal: session => String(sessionSignal(session).aborted),
    wait: async (session, _sessions, kind) => {
      if (session.user === undefined) return kind === 'short' ? 'expired' : 'revoked' // it was that before this request came
      const signal = sessionSignal(session)
      if (!signal.aborted) await new Promise(resolve => { signal.addEventListener('abort', resolve) })
      return signal.reason.end
    },
    logout: session => { const signal = sessionSignal(session); session.delete(); return signal.reason.end },
    end: (_session, sessions) => sessions.revokeSubject('ann')
  }
  export default {
    async fetch (request) {
      const [, kind, act] = new URL(request.url).pathname.split('/')
      const sessions = await made[kind]
      const session = await sessions.open(request)
      const answer = await answers[act](session, sessions, kind)
      const headers = new Headers()
      if (act !== 'wait') await session.commit(headers)
      return new Response(answer, { headers })
    }
  }
`

for (const date of ['2025-04-10', '2026-07-01']) {
  describe(`the signal of a session in a Worker of ${date}`, () => {
    async function start (kind: string): Promise<{ ask: (act: string) => Promise<string> }> {
      const send = await inWorkerd(PROGRAM, {}, ['nodejs_compat'], date)
      const login = await send(`/${kind}/login`)
      const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!
      return { ask: async act => await (await send(`/${kind}/${act}`, { headers: { cookie } })).text() }
    }

    it('fires when the session expires, also after a request that has ended with a signal of its own', { timeout: 60_000 }, async () => {
      const { ask } = await start('short')
      assert.equal(await ask('signal'), 'false')
      assert.deepEqual(await Promise.all([ask('wait'), ask('wait')]), ['expired', 'expired'])
    })

    it('fires when the session is revoked by another request, and when its own deletes it', { timeout: 60_000 }, async () => {
      const { ask } = await start('long')
      assert.equal(await ask('signal'), 'false')
      assert.equal(await ask('logout'), 'logout')
      const { ask: other } = await start('long')
      const waiting = Promise.all([other('wait'), other('wait')])
      await other('end')
      assert.deepEqual(await waiting, ['revoked', 'revoked'])
    })
  })
}
