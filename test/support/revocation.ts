// Logins for the tests of revocation, and stores that can fail or wait.
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { sessionInfo, type Session } from '../../src/index.ts'
import { MemoryStore, type RevocationStore } from '../../src/revocation/index.ts'
import { get, post, readyApp, type AppSetup, type Bag, type Handlers } from './app.ts'
import { cookieOf, gate, newKey } from './helpers.ts'

export const key = newKey()

/** Subject of a session, in the apps here. */
export const subject = (session: Session): string | undefined => (session as Bag).user as string | undefined

/**
 * An app with revocation and logins: `POST /login` with the user's name, `POST /logout`, `GET /me`, `POST /write`,
 * `POST /touch`, `GET /info`, and `GET /public`, which does not use the session. Options of the session and of the
 * revocation are added to those that it has.
 */
export async function appWithLogins ({ session = {}, revocation = {}, routes = {}, ...setup }: LoginsSetup = {}): Promise<FastifyInstance> {
  return await readyApp({
    ...setup,
    session: { key, format: 'sealed', accept: ['sealed', 'secretbox'], ...session },
    revocation: { store: new MemoryStore(), subject, ...revocation },
    routes: { ...LOGINS, ...routes }
  })
}

export interface LoginsSetup extends AppSetup {
  session?: object
  routes?: Handlers
}

const LOGINS: Handlers = {
  'POST /login': ({ session, body }) => {
    session.regenerate()
    Object.assign(session, body)
    return 'in'
  },
  'POST /logout': ({ session }) => { session.delete(); return 'out' },
  'GET /me': ({ session }) => (session as Bag).user ?? 'nobody',
  'POST /write': ({ session, body }) => { Object.assign(session, body); return 'written' },
  'POST /touch': ({ session }) => { session.touch(); return 'touched' },
  'GET /info': ({ session }) => sessionInfo(session),
  'GET /public': () => 'hello'
}

/** Who an app takes the bearer of a cookie for. */
export async function who (app: FastifyInstance, cookie: string): Promise<string> {
  return (await get(app, '/me', cookie)).body
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
  const [slow, quick] = await Promise.all([late, store].map(async store => await appWithLogins({ revocation: { store, storeTimeout: 5 } })))
  const revoking = slow!.revokeSubject(user)
  await pause()
  const cookie = await login(quick!, user)
  await pause()
  await quick!.revokeSubject(user)
  open()
  await revoking
  const third = await appWithLogins({ revocation: { store, storeTimeout: 5 } })
  assert.equal(await who(third, cookie), 'nobody')
  assert.equal(await who(third, await login(third, user)), user, 'a login after both')
}
