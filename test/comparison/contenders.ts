// The packages that docs/evidence/comparison.md compares, each in an app with the same routes.
import cookie, { Signer } from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { IronSession } from 'iron-session'
import secureSession, { Keyring } from '../../src/index.ts'
import { MemoryStore, sessionRevocation } from '../../src/revocation/index.ts'

/** By name, since the types of these declare `request.session`, too. */
async function load (name: string): Promise<typeof secureSession> {
  return (await import(name)).default
}

/** What a test chooses; each package takes what it knows. */
export interface Setup {
  /** 32 characters or more; several for rotation, newest first. Text for the packages that take text. */
  keys: string[]
  cookieName?: string
  /** Seconds, or whatever an app may give by mistake. */
  expiry?: unknown
  /** Seconds from the login on, where a package has a way to set them. */
  absoluteTimeout?: number
  /** Whether ours has its plugin for revocation. */
  revokes?: boolean
  /** Whether a session may take several cookies, where a package has to be told. */
  takesChunks?: boolean
  /** The store of the package that has one; default one of its own. */
  store?: unknown
}

interface Routes {
  set: (request: FastifyRequest, reply: FastifyReply, values: Record<string, unknown>) => unknown
  get: (request: FastifyRequest, reply: FastifyReply) => unknown
  push: (request: FastifyRequest, reply: FastifyReply) => unknown
  logOut: (request: FastifyRequest, reply: FastifyReply) => unknown
}

export interface Contender {
  name: string
  /** Whether it may need a newer Node than the tests run on. Then its cells are found out in a process of that Node. */
  needsItsNode?: true
  app: (setup: Setup) => Promise<FastifyInstance>
  /** How a key is added while an app runs; default by a change of the array that it was given. */
  rotate?: (app: FastifyInstance, key: string) => void
}

/** `POST /set` stores what the body has, `GET /get` answers with it, `POST /push` adds to `cart`, `POST /logout`. */
function withRoutes (app: FastifyInstance, { set, get, push, logOut }: Routes): FastifyInstance {
  app.post('/set', async (request, reply) => { await set(request, reply, request.body as Record<string, unknown>); return 'set' })
  app.get('/get', async (request, reply) => await get(request, reply))
  app.post('/push', async (request, reply) => { await push(request, reply); return 'pushed' })
  app.post('/logout', async (request, reply) => { await logOut(request, reply); return 'logged out' })
  return app
}

function keyOf (text: string): Buffer {
  return Buffer.from(text.slice(0, 32))
}

/** What ours and the peer's have in common. */
const SECURE_SESSION: Routes = {
  set: ({ session }, _reply, values) => { for (const [key, value] of Object.entries(values)) session.set(key as never, value as never) },
  get: ({ session }) => session.data(),
  push: ({ session }) => { session.get<string[]>('cart')?.push('pen') },
  logOut: ({ session }) => { session.delete() }
}

const KEYRING = Symbol('keyring')

const ours: Contender = {
  name: 'fastify-sealed-session',
  async app ({ keys, cookieName = 'session', expiry, absoluteTimeout, revokes = false }) {
    const app = Fastify()
    const keyring = new Keyring(keys.map(keyOf))
    app.decorate(KEYRING, keyring)
    const options = { key: keyring, format: 'sealed', cookieName, expiry, absoluteTimeout, cookie: { path: '/' } }
    await app.register(secureSession, options as Parameters<typeof secureSession>[1])
    if (revokes) await app.register(sessionRevocation, { store: new MemoryStore() })
    return withRoutes(app, SECURE_SESSION)
  },
  rotate: (app, key) => { app.getDecorator<Keyring>(KEYRING).rotate(keyOf(key)) }
}

const peers: Contender = {
  name: '@fastify/secure-session',
  async app ({ keys, cookieName = 'session', expiry }) {
    const app = Fastify()
    const options = { key: keys.map(keyOf), cookieName, expiry, cookie: { path: '/' } }
    await app.register(await load('@fastify/secure-session'), options as Parameters<typeof secureSession>[1])
    return withRoutes(app, SECURE_SESSION)
  }
}

const iron: Contender = {
  name: 'iron-session',
  needsItsNode: true,
  async app ({ keys, cookieName = 'session', expiry, takesChunks = false }) {
    const { getIronSession } = await import('iron-session')
    const app = Fastify()
    // Read for each request, as the package has it.
    const session = async ({ raw }: FastifyRequest, reply: FastifyReply): Promise<IronSession<Record<string, unknown>>> => {
      const password = Object.fromEntries(keys.map((key, index) => [keys.length - index, key]))
      const ttl = expiry === undefined ? {} : { ttl: expiry as number }
      return await getIronSession(raw, reply.raw, { password, cookieName, ...ttl, chunk: takesChunks, cookieOptions: { secure: false } })
    }
    return withRoutes(app, {
      set: async (request, reply, values) => { await Object.assign(await session(request, reply), values).save() },
      get: async (request, reply) => ({ ...await session(request, reply) }),
      push: async (request, reply) => { ((await session(request, reply)).cart as string[] | undefined)?.push('pen') },
      logOut: async (request, reply) => { (await session(request, reply)).destroy() }
    })
  }
}

const stored: Contender = {
  name: '@fastify/session',
  async app ({ keys, cookieName = 'session', expiry, absoluteTimeout, store }) {
    const app = Fastify()
    await app.register(cookie)
    // An end takes the place of `maxAge`, which counts before it.
    const maxAge = absoluteTimeout !== undefined ? undefined : typeof expiry === 'number' ? expiry * 1000 : expiry
    // Its README says that the array of secrets may change, but then the first of the start still signs.
    const secret = { sign: (value: string) => new Signer(keys).sign(value), unsign: (value: string) => new Signer(keys).unsign(value) }
    const options = { secret, cookieName, store, saveUninitialized: false, cookie: { secure: false, path: '/', maxAge } }
    await app.register(await load('@fastify/session'), options as unknown as Parameters<typeof secureSession>[1])
    return withRoutes(app, {
      set: (request, reply, values) => {
        SECURE_SESSION.set(request, reply, values)
        if (absoluteTimeout !== undefined && 'user' in values) request.session.options({ expires: new Date(Date.now() + absoluteTimeout * 1000) })
      },
      get: ({ session }) => ({ user: session.get('user' as never), cart: session.get('cart' as never), text: session.get('text' as never) }),
      push: SECURE_SESSION.push,
      logOut: async ({ session }) => { await (session as unknown as { destroy: () => Promise<void> }).destroy() }
    })
  }
}

export const CONTENDERS: readonly Contender[] = [ours, peers, iron, stored]
