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

const worker = codeOf('at the edge')
const overHttp = worker.replace(/^const sessions = .*$/m, codeOf('at the edge, on your machine').replace(/^import .*$/m, ''))

/** Code of the page, with the path of the module in place of its name. */
function codeOf (mark: string): string {
  const [block, ...others] = blocks(read('docs/guide/edge.md')).filter(({ prelude }) => prelude === mark)
  assert.ok(block !== undefined && others.length === 0)
  return block.code.replace("'fastify-sealed-session/web'", "'../../../src/web/index.ts'")
}

const keys = [newKey(), newKey()]
const env = { SESSION_KEYS: keys.map(key => key.toString('base64')).join(',') }
type Start = (program: string, env: Record<string, string>) => Promise<Send>
const RUNTIMES: Record<string, Start> = {
  workerd: async (program, env) => await inWorkerd(program, env),
  'edge-runtime': async (program, env) => await inEdgeRuntime(program, env)
}

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`the Worker of docs/guide/edge.md in ${name}`, () => {
    let app: FastifyInstance
    let send: Send

    before(async () => {
      app = await readyApp({
        plugin: sealedSession,
        session: { key: keys, cookie: { secure: true } },
        routes: { '/': (request: FastifyRequest) => ({ ...request.session.data() }), '/login': (request: FastifyRequest) => { request.session.set('userId', 42); return '' } }
      } as never)
      send = await start(worker, env)
    })

    const open = async (path: string, cookie?: string): Promise<{ body: unknown, cookie: string | undefined }> => {
      const response = await send(path, cookie === undefined ? {} : { headers: { cookie } })
      const [line] = response.headers.getSetCookie()
      if (line !== undefined) assert.match(line, /^__Host-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      return { body: await response.json(), cookie: line?.split(';')[0] }
    }

    it('begins no session for somebody who only looks', async () => {
      assert.deepEqual(await open('/'), { body: { userId: null, visits: 0 }, cookie: undefined })
    })

    it('knows who has logged in at the app on Fastify, which opens what the Worker has written', async () => {
      const login = await app.inject({ url: '/login', headers: { host: 'edge.test' } })
      const cookie = String(login.headers['set-cookie']).split(';')[0]
      assert.deepEqual((await open('/', cookie)).body, { userId: 42, visits: 0 })
      const visit = await open('/visit', cookie)
      assert.deepEqual(visit.body, { userId: 42, visits: 1 })
      const again = await open('/visit', visit.cookie)
      const { json } = await app.inject({ url: '/', headers: { cookie: again.cookie ?? '' } })
      assert.deepEqual(json(), { userId: 42, visits: 2 })
    })
  })

  describe(`the same Worker in ${name}, on your machine`, () => {
    it('shares the cookie of an app on Fastify that runs over plain http outside of production', async () => {
      const app = await readyApp({ plugin: sealedSession, session: { key: keys }, routes: { '/login': (request: FastifyRequest) => { request.session.set('userId', 42); return '' } } } as never)
      const send = await start(overHttp, { ...env, SESSION_OVER_HTTP: 'yes' })
      const cookie = String((await app.inject('/login')).headers['set-cookie']).split(';')[0] ?? ''
      assert.match(cookie, /^session=/)
      const visit = await send('/visit', { headers: { cookie } })
      assert.deepEqual(await visit.json(), { userId: 42, visits: 1 })
      assert.match(visit.headers.getSetCookie()[0] ?? '', /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    })

    it('has the name of production without that variable', async () => {
      const response = await (await start(overHttp, env))('/visit', {})
      assert.match(response.headers.getSetCookie()[0] ?? '', /^__Host-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    })
  })
}
