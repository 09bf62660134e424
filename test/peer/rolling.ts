// What the tests of a migration share: versions of one app, and users who keep using it meanwhile.
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import assert from 'node:assert/strict'
import { sessionInfo, type SessionInfo } from '../../src/index.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { serverOf, sessionNamed, type AnySession, type Options, type Side } from '../support/peer.ts'

/** How the app is deployed at each step, in their order. */
export const STEPS = {
  peer: { side: 'peer', options: {} },
  secretbox: { side: 'ours', options: {} },
  both: { side: 'ours', options: { format: 'sealed', accept: ['sealed', 'secretbox'] } },
  sealed: { side: 'ours', options: { format: 'sealed', accept: ['sealed'] } }
} satisfies Record<string, { side: Side, options: Options }>

export type Step = keyof typeof STEPS

/** Steps that run side by side in a rolling deploy. */
export const ADJACENT: ReadonlyArray<readonly [from: Step, to: Step]> = [
  ['peer', 'secretbox'], ['secretbox', 'both'], ['both', 'sealed'],
  ['sealed', 'both'], ['both', 'secretbox'], ['secretbox', 'peer']
]

/** All versions of one app: the same key, the same cookie, the same routes. */
export async function versions (options: Options = {}, overrides: Partial<Record<Step, Options>> = {}): Promise<Record<Step, FastifyInstance>> {
  const shared = { key: newKey(), ...options }
  const made = Object.entries(STEPS).map(async ([step, { side, options }]) =>
    [step, await version(side, { ...shared, ...options, ...overrides[step as Step] })] as const)
  return Object.fromEntries(await Promise.all(made)) as Record<Step, FastifyInstance>
}

async function version (side: Side, options: Options): Promise<FastifyInstance> {
  const { app } = await serverOf(side, { options }, app => {
    const route = (method: 'GET' | 'POST', url: string, act: (session: AnySession) => void): void => {
      app.route({
        method,
        url,
        handler: async request => {
          const session = sessionNamed(request, 'session')
          act(session)
          return { user: session.get('user') ?? null, count: session.get('count') ?? null }
        }
      })
    }
    route('GET', '/count', () => {})
    route('POST', '/touch', session => session.touch())
    route('POST', '/increment', session => { session.count = Number(session.get('count')) + 1 })
    app.post<{ Body: { user: number } }>('/login', async request => {
      const session = sessionNamed(request, 'session')
      session.regenerate()
      session.user = request.body.user
      session.count = 0
      return 'in'
    })
    app.get('/unread', async () => 'the session is not looked at')
    app.get('/cached', async (request, reply) => {
      reply.header('cache-control', 'public, max-age=60')
      return sessionNamed(request, 'session').data()
    })
    if (side === 'ours') app.get('/info', async request => sessionInfo(request.session))
  })
  return app
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function randomOf (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A user with a browser, who knows what the app should say. */
export class User {
  /** The `Cookie` header, if there is one. */
  cookie: string | undefined
  count = 0
  readonly id: number
  readonly #random: () => number

  constructor (id: number) {
    this.id = id
    this.#random = randomOf(id)
  }

  /** The format of the token in the cookie: only one of them has a `;`. */
  get format (): 'secretbox' | 'sealed' {
    return decodeURIComponent(this.cookie ?? '').includes(';') ? 'secretbox' : 'sealed'
  }

  async send (app: FastifyInstance, method: 'GET' | 'POST', url: string, payload?: object): Promise<LightMyRequestResponse> {
    const headers = this.cookie === undefined ? {} : { cookie: this.cookie }
    const response = await app.inject(payload === undefined ? { method, url, headers } : { method, url, headers, payload })
    assert.equal(response.statusCode, 200, response.body)
    for (const line of setCookies(response)) {
      assert.doesNotMatch(line, /Max-Age=0/, 'logged out')
      this.cookie = line.split(';')[0]!
    }
    return response
  }

  async logIn (app: FastifyInstance): Promise<this> {
    await this.send(app, 'POST', '/login', { user: this.id })
    this.count = 0
    return this
  }

  async read (app: FastifyInstance): Promise<{ user: number | null, count: number | null }> {
    return (await this.send(app, 'GET', '/count')).json()
  }

  async info (app: FastifyInstance): Promise<Record<keyof SessionInfo, string | null>> {
    return (await this.send(app, 'GET', '/info')).json()
  }

  /** Reads, writes or touches, and checks that the app knows the user and the count. */
  async use (app: FastifyInstance): Promise<void> {
    const dice = this.#random()
    if (dice < 0.4) this.count++
    const response = dice < 0.4
      ? await this.send(app, 'POST', '/increment')
      : dice < 0.8 ? await this.send(app, 'GET', '/count') : await this.send(app, 'POST', '/touch')
    assert.deepEqual(response.json(), { user: this.id, count: this.count })
  }

  /** Requests one after the other, of which ever more go to the new version, and the last to no other. */
  async roll (from: FastifyInstance, to: FastifyInstance, requests: number): Promise<void> {
    for (let done = 1; done <= requests; done++) {
      await this.use(this.#random() < done / requests ? to : from)
    }
  }
}
