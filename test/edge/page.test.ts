// The program of docs/guide/edge.md, in real workerd and in the edge runtime of Vercel, beside an app on Fastify.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sealedSession } from '../../src/index.ts'
import { blocks } from '../docs/markdown.ts'
import { read } from '../docs/source.ts'
import { readyApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { inEdgeRuntime, inWorkerd, type Send } from './support.ts'

const [program, ...others] = blocks(read('docs/guide/edge.md')).filter(({ prelude }) => prelude === 'at the edge')
assert.ok(program !== undefined && others.length === 0)
const worker = program.code.replace("'fastify-sealed-session/web'", "'../../../src/web/index.ts'")

const keys = [newKey(), newKey()]
const env = { SESSION_KEYS: keys.map(key => key.toString('base64')).join(',') }
const RUNTIMES: Record<string, () => Promise<Send>> = {
  workerd: async () => await inWorkerd(worker, env),
  'edge-runtime': async () => await inEdgeRuntime(worker, env)
}

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`the Worker of docs/guide/edge.md in ${name}`, () => {
    let app: FastifyInstance
    let send: Send

    before(async () => {
      app = await readyApp({
        plugin: sealedSession,
        session: { key: keys, cookie: { secure: true } },
        routes: { '/': (request: FastifyRequest) => ({ ...request.session.data() }), '/login': (request: FastifyRequest) => { request.session.set('user', 'Zoë'); return '' } }
      } as never)
      send = await start()
    })

    const open = async (path: string, cookie?: string): Promise<{ body: unknown, cookie: string | undefined }> => {
      const response = await send(path, cookie === undefined ? {} : { headers: { cookie } })
      const [line] = response.headers.getSetCookie()
      if (line !== undefined) assert.match(line, /^__Host-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      return { body: await response.json(), cookie: line?.split(';')[0] }
    }

    it('begins no session for somebody who only looks', async () => {
      assert.deepEqual(await open('/'), { body: { user: null, visits: 0 }, cookie: undefined })
    })

    it('knows who has logged in at the app on Fastify, which opens what the Worker has written', async () => {
      const login = await app.inject({ url: '/login', headers: { host: 'edge.test' } })
      const cookie = String(login.headers['set-cookie']).split(';')[0]
      assert.deepEqual((await open('/', cookie)).body, { user: 'Zoë', visits: 0 })
      const visit = await open('/visit', cookie)
      assert.deepEqual(visit.body, { user: 'Zoë', visits: 1 })
      const again = await open('/visit', visit.cookie)
      const { json } = await app.inject({ url: '/', headers: { cookie: again.cookie ?? '' } })
      assert.deepEqual(json(), { user: 'Zoë', visits: 2 })
    })
  })
}
