// What the tests of revocation share: an app with logins, and stores that can fail or wait.
import assert from 'node:assert/strict'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import secureSession, { sessionInfo, type Session } from '../../src/index.ts'
import { MemoryStore, sessionRevocation, type RevocationStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { newKey, setCookies } from './helpers.ts'

export const key = newKey()

/** A session as the apps here use it. */
export type Bag = Session & Record<string, unknown>

/** Whose a session is, in the apps here. */
export const subject = (session: Session): string | undefined => (session as Bag).user as string | undefined

export interface Setup {
  session?: object
  revocation?: SessionRevocationOptions
  server?: FastifyServerOptions
  before?: (app: FastifyInstance) => void
  after?: (app: FastifyInstance) => void
}

/**
 * An app with logins: `POST /login` with the user's name, `POST /logout`, `GET /me`, `POST /write`,
 * `GET /info`, and `GET /public`, which does not use the session.
 */
export async function appWith ({ session = {}, revocation = {}, server = {}, before, after }: Setup = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  before?.(app)
  app.register(secureSession, { key, format: 'sealed', accept: ['sealed', 'secretbox'], ...session })
  app.register(sessionRevocation, { store: new MemoryStore(), subject, ...revocation })
  addRoutes(app)
  after?.(app)
  await app.ready()
  return app
}

function addRoutes (app: FastifyInstance): void {
  app.post('/login', async ({ session, body }) => {
    session.regenerate()
    Object.assign(session, body)
    return 'in'
  })
  app.post('/logout', async ({ session }) => { session.delete(); return 'out' })
  app.get('/me', async ({ session }) => (session as Bag).user ?? 'nobody')
  app.post('/write', async ({ session, body }) => { Object.assign(session, body); return 'written' })
  app.post('/touch', async ({ session }) => { session.touch(); return 'touched' })
  app.get('/info', async ({ session }) => sessionInfo(session))
  app.get('/public', async () => 'hello')
}

export async function post (app: FastifyInstance, url: string, cookie?: string, body?: object): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url, headers: cookie === undefined ? {} : { cookie }, ...(body && { payload: body }) })
}

export async function get (app: FastifyInstance, url: string, cookie?: string): Promise<LightMyRequestResponse> {
  return await app.inject({ url, headers: cookie === undefined ? {} : { cookie } })
}

/** Who an app takes the bearer of a cookie for. */
export async function who (app: FastifyInstance, cookie: string): Promise<string> {
  return (await get(app, '/me', cookie)).body
}

/** The cookie that a browser holds after a response. */
export function cookieOf (response: LightMyRequestResponse): string {
  const [line] = setCookies(response)
  if (line === undefined || /Max-Age=0/.test(line)) throw new Error(`no session in ${String(line)}`)
  return line.split(';')[0]! // split gives one part at least
}

/** The cookie of a new login. */
export async function login (app: FastifyInstance, user = 'ann', cookie?: string): Promise<string> {
  return cookieOf(await post(app, '/login', cookie, { user }))
}

/** A store that remembers its calls, and that a test can make fail, hang or wait. */
export class TestStore implements RevocationStore {
  readonly calls: Array<[method: string, key: string, ...rest: unknown[]]> = []
  readonly held = new Map<string, string>()
  /** What every call does first. */
  before: (method: 'get' | 'set', key: string) => unknown = () => {}
  /** What every call does last: its answer may be late. */
  after: (method: 'get' | 'set', key: string) => unknown = () => {}

  async get (key: string): Promise<string | undefined> {
    this.calls.push(['get', key])
    await this.before('get', key)
    const value = this.held.get(key)
    await this.after('get', key)
    return value
  }

  async set (key: string, value: string, ttl: number): Promise<void> {
    this.calls.push(['set', key, value, ttl])
    await this.before('set', key)
    this.held.set(key, value)
    await this.after('set', key)
  }

  /** Names of the calls since the last time. */
  take (): string[] {
    return this.calls.splice(0).map(([method, key]) => `${method} ${key.split(':')[1]!}`) // all keys have a second part
  }

  fail (): void { this.before = () => { throw new Error('the store is down') } }
  recover (): void { this.before = () => {} }
}

/** Something to wait for. */
export function gate (): { opened: Promise<void>, open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => { open = resolve })
  return { opened, open }
}

/**
 * Two processes revoke the sessions of one subject at the same time, and the write of the one that
 * decided first arrives last. A session that began in between, and was ended by the second, stays ended.
 */
export async function assertLateWriteUndoesNothing (store: RevocationStore, user: string): Promise<void> {
  const pause = async (): Promise<void> => { await new Promise(resolve => setTimeout(resolve, 15)) }
  const { opened, open } = gate()
  const late: RevocationStore = {
    get: async key => await store.get(key),
    set: async (...entry) => { await opened; return await store.set(...entry) }
  }
  const [slow, quick] = await Promise.all([late, store].map(async store => await appWith({ revocation: { store, storeTimeout: 5 } })))
  const revoking = slow!.revokeSubject(user)
  await pause()
  const cookie = await login(quick!, user)
  await pause()
  await quick!.revokeSubject(user)
  open()
  await revoking
  const third = await appWith({ revocation: { store, storeTimeout: 5 } })
  assert.equal(await who(third, cookie), 'nobody')
  assert.equal(await who(third, await login(third, user)), user, 'a login after both')
}
