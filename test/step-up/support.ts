// What the tests of step-up share: an app in which users log in, and authenticate again.
import type { TestContext } from 'node:test'
import type { Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { authenticated, sessionInfo } from '../../src/index.ts'
import { MemoryStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { get, post, readyApp } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

export const key = newKey()
export const FORMATS = ['sealed', 'secretbox'] as const

export interface Setup {
  session?: object
  /** Default: no revocation. */
  revocation?: SessionRevocationOptions | undefined
  /** Adds routes. */
  routes?: (app: FastifyInstance) => void
}

/** Revocation for apps that say whose a session is. */
export function withSubjects (): SessionRevocationOptions {
  return { store: new MemoryStore(), subject }
}

/**
 * An app: `POST /login` with data of a session, `POST /confirm?method=…`, `POST /write`, `GET /info`, and `POST /keep`,
 * which regenerates with the keys in its body.
 */
export async function appWithStepUp ({ session = {}, revocation, routes }: Setup = {}): Promise<FastifyInstance> {
  return await readyApp({
    session: { key, format: 'sealed', accept: ['sealed', 'secretbox'], ...session },
    revocation,
    routes: app => { addStepUp(app); routes?.(app) }
  })
}

function addStepUp (app: FastifyInstance): void {
  app.post<{ Body: object }>('/login', async ({ session, body }) => {
    session.regenerate()
    Object.assign(session, body)
    authenticated(session, 'password')
    return sessionInfo(session)
  })
  app.post<{ Querystring: { method?: string } }>('/confirm', async ({ session, query: { method } }) => {
    authenticated(session, method)
    return sessionInfo(session)
  })
  app.post<{ Body: object }>('/write', async ({ session, body }) => { Object.assign(session, body); return 'written' })
  app.post<{ Body?: { keep?: string[] } }>('/keep', async ({ session, body }) => { session.regenerate(body?.keep); return session.data() })
  app.get('/info', async ({ session }) => ({ ...sessionInfo(session), data: session.data() }))
}

/** A browser with one cookie. */
export class Visitor {
  cookie: string | undefined
  readonly #app: FastifyInstance

  constructor (app: FastifyInstance, cookie?: string) {
    this.#app = app
    this.cookie = cookie
  }

  async post (url: string, body?: object): ReturnType<typeof post> {
    return this.#kept(await post(this.#app, url, this.cookie, body))
  }

  async get (url: string): ReturnType<typeof post> {
    return this.#kept(await get(this.#app, url, this.cookie))
  }

  /** Answer of `GET /info`. */
  async info (): Promise<{ status: string, id: string | null, createdAt: string | null, expiresAt: string, authentications: Record<string, string>, data: Record<string, unknown> }> {
    return (await this.get('/info')).json()
  }

  /** Times at which the user has authenticated, in seconds after the clock was stopped. */
  async times (): Promise<Record<string, number>> {
    const { authentications } = await this.info()
    return Object.fromEntries(Object.entries(authentications).map(([method, time]) => [method, (Date.parse(time) - START) / 1000]))
  }

  #kept (response: Awaited<ReturnType<typeof post>>): typeof response {
    const [line] = setCookies(response)
    if (line !== undefined) this.cookie = /Max-Age=0/.test(line) ? undefined : line.split(';')[0]
    return response
  }
}

/** Time at which `stopClock` stops the clock. */
export const START = 1_800_000_000_000

/** A clock that stands still, and somebody who has logged in, and `seconds` ago. */
export async function loggedIn (t: TestContext, setup?: Setup, data: object = { user: 'ann', cart: [1] }): Promise<{ clock: Clock, app: FastifyInstance, ann: Visitor }> {
  const clock = stopClock(t)
  const app = await appWithStepUp(setup)
  const ann = new Visitor(app)
  await ann.post('/login', data)
  return { clock, app, ann }
}
