// Beside other plugins, registered before or after them, a session answers as the peer's does.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify'
import mercurius from 'mercurius'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { PLUGINS, SIDES, attributesOf, type Side } from '../support/peer.ts'

const KEY = newKey()
const ORIGIN = 'https://app.example.com'
const LOGIN: InjectOptions = { method: 'POST', url: '/login', headers: { origin: ORIGIN } }

const OTHERS: Record<string, (app: FastifyInstance) => unknown> = {
  '@fastify/helmet': app => app.register(helmet),
  '@fastify/cors': app => app.register(cors, { origin: [ORIGIN], credentials: true }),
  '@fastify/rate-limit': app => app.register(rateLimit, { max: 3, keyGenerator: ({ session, ip }) => session.get<string>('name') ?? ip }),
  '@fastify/websocket': app => app.register(websocket),
  mercurius: app => app.register(mercurius, {
    schema: 'type Query { name: String } type Mutation { rename: String }',
    resolvers: {
      Query: { name: (_source, _args, { reply }) => reply.request.session.get<string>('name') },
      Mutation: { rename: (_source, _args, { reply }) => { reply.request.session.set('name', 'Grace'); return 'Grace' } }
    }
  })
}

/** What shows that the other plugin took part. */
const TRACES: Record<string, RegExp> = {
  '@fastify/helmet': /"content-security-policy"/,
  '@fastify/cors': /"access-control-allow-credentials":"true"/,
  '@fastify/rate-limit': /"status":429/,
  mercurius: /"rename\\":\\"Grace/
}

/** What a browser that is logged in asks, and one with a cookie that does not open. */
function requests (cookie: string): InjectOptions[] {
  const headers = { cookie, origin: ORIGIN }
  return [
    { url: '/', headers },
    { url: '/', headers: { cookie: 'session=garbage', origin: 'https://example.com' } },
    { url: '/error', headers },
    { url: '/missing', headers },
    { method: 'OPTIONS', url: '/login', headers: { ...headers, 'access-control-request-method': 'POST' } },
    { method: 'POST', url: '/graphql', headers, payload: { query: 'mutation { rename }' } },
    { method: 'POST', url: '/graphql', headers, payload: { query: '{ name }' } }, // still what the cookie says
    ...Array.from({ length: 4 }, () => ({ url: '/', headers })) // where there is a limit, it is reached
  ]
}

/** All of a response but tokens, the time, and `no-store`, which the peer does not send. */
function contentOf (response: LightMyRequestResponse): object {
  const { date, 'cache-control': _, 'set-cookie': __, ...headers } = response.headers
  return { status: response.statusCode, body: response.body, headers, cookies: setCookies(response).map(attributesOf) }
}

async function responsesOf (side: Side, other: string, isFirst: boolean): Promise<object[]> {
  const app = Fastify()
  const addOther = async (): Promise<unknown> => await OTHERS[other]?.(app)
  if (isFirst) await addOther()
  await app.register(PLUGINS[side], { key: KEY, cookie: { path: '/' } })
  if (!isFirst) await addOther()
  app.post('/login', async ({ session }) => { session.set('name', 'Ada'); return 'in' })
  app.get('/', async ({ session }) => ({ name: session.get('name') }))
  app.get('/error', async ({ session }) => { session.set('n', 1); throw new Error('thrown') })

  const login = await app.inject(LOGIN)
  const responses = [login]
  for (const request of requests(cookiesOf(login))) responses.push(await app.inject(request))
  await app.close()
  return responses.map(contentOf)
}

describe('as with the peer, a session answers', () => {
  for (const other of Object.keys(OTHERS)) {
    for (const isFirst of [true, false]) {
      it(`${isFirst ? 'after' : 'before'} ${other}`, async () => {
        const [peers, ours] = await Promise.all(SIDES.map(side => responsesOf(side, other, isFirst)))
        assert.deepEqual(ours, peers)
        assert.match(JSON.stringify(peers), TRACES[other] ?? /./)
      })
    }
  }
})
