// Logins with a list of sessions for the tests of the registry, and a store that can fail or wait.
import type { FastifyInstance } from 'fastify'
import { MemoryRegistry, type ListedSession, type RegistryLine, type RegistryStore, type SessionRegistryOptions } from '../../src/registry/index.ts'
import { get } from './app.ts'
import { appWithLogins, type LoginsSetup } from './revocation.ts'

/** An app of `appWithLogins` with a registry. `GET /devices` lists the sessions of its user. */
export async function appListing (registry: SessionRegistryOptions = {}, { routes, ...setup }: LoginsSetup = {}): Promise<FastifyInstance> {
  return await appWithLogins({
    ...setup,
    registry: { store: new MemoryRegistry(), ...registry },
    routes: {
      '/devices': async ({ server, session }) => await server.listSessions(session.get('user') ?? 'nobody', { current: session }),
      ...routes
    }
  })
}

/** The id of the session of a cookie. */
export async function idOf (app: FastifyInstance, cookie: string): Promise<string> {
  return (await get(app, '/info', cookie)).json<{ id: string }>().id
}

/** The ids of the sessions that are listed for a user, in a fixed order. */
export async function idsOf (app: FastifyInstance, user = 'ann'): Promise<string[]> {
  return (await app.listSessions(user)).map(({ id }) => id).sort()
}

/** A listed session; fails without exactly one. */
export async function onlyOne (app: FastifyInstance, user = 'ann'): Promise<ListedSession> {
  const [session, ...others] = await app.listSessions(user)
  if (session === undefined || others.length > 0) throw new Error(`${others.length + (session === undefined ? 0 : 1)} sessions are listed`)
  return session
}

/** A line that nobody has logged in for. */
export function line (id: string, more: Partial<RegistryLine> = {}): RegistryLine {
  const now = Date.now()
  return { id, createdAt: now, lastSeenAt: now, expiresAt: now + 60_000, more: '', description: '', ...more }
}

type Method = keyof RegistryStore

/** A store in memory that tells its calls, and that a test can make fail, hang or wait. */
export class TestRegistry implements RegistryStore {
  readonly calls: Method[] = []
  readonly #held = new MemoryRegistry()
  /** Called first by every call. */
  before: (method: Method) => unknown = () => {}

  async put (subject: string, line: RegistryLine, isLogin: boolean): Promise<void> {
    await this.#begin('put')
    this.#held.put(subject, line, isLogin)
  }

  async remove (subject: string, id: string): Promise<void> {
    await this.#begin('remove')
    this.#held.remove(subject, id)
  }

  async list (subject: string): Promise<RegistryLine[]> {
    await this.#begin('list')
    return this.#held.list(subject)
  }

  async #begin (method: Method): Promise<void> {
    this.calls.push(method)
    await this.before(method)
  }

  /** Makes every call fail. */
  fail (): void { this.before = () => { throw new Error('the store is down') } }
  recover (): void { this.before = () => {} }
}
