// A thief who calls routes of the app in any order, with any of the cookies that he has copied or was given, here and on the web
// entry. The routes are those that a careful app has: none of them begins a session without asking who the user is.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { authenticated, type Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createWebSessions, type WebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { newSession, post, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, only, SESSION, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

const RUNS = 20
const INTERVAL = 600_000
const LEEWAY = 5000
const LIMIT = 900_000

const keep = (session: Session): void => { session.regenerate(['user'] as never) }

/** Routes that write, or begin another life of the session with what they have read of it. */
const ROUTES: Handlers = {
  'POST /keep': ({ session }) => { keep(session) },
  'POST /keep-write': ({ session }) => { keep(session); Object.assign(session, { n: 1 }) },
  'POST /touch': ({ session }) => { session.touch() },
  'POST /expiry': ({ session }) => { session.options({ expiry: 100_000 } as never) },
  'POST /assign': request => { request.session = newSession(request.server, request.session.data()) },
  'POST /assign-opened': request => { request.session = newSession(request.server, request.server.decodeSecureSession(request)?.data() ?? {}) },
  'POST /assign-ignored': request => { request.session = newSession(request.server, request.server.decodeSecureSession(request, undefined, undefined, { device: 'ignore' })?.data() ?? {}) },
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /confirm-keep': ({ session }) => { authenticated(session, 'password'); keep(session) }
}
const ALL = Object.keys(ROUTES).map(name => name.slice('POST '.length))

const KINDS: Record<string, () => DeviceSetup> = {
  'without revocation': () => ({}),
  'with revocation': () => ({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } }),
  'with revocation that is not told of users': () => ({ revocation: { store: new MemoryStore(), cacheTtl: 0 } })
}

/** Numbers below `end`, the same at each run. */
function numbersFrom (seed: number): { below: (end: number) => number, pick: <Value>(values: Iterable<Value>) => Value } {
  const below = (end: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >>> 8) % end
  }
  return { below, pick: values => { const list = [...values]; return list[below(list.length)]! } }
}

interface Parts { app: FastifyInstance, web: (device?: object | false) => Promise<WebSessions> }

async function start (kind: DeviceSetup, device: object): Promise<Parts> {
  const session = { key: newKey(), ...SESSION, cookieName: 'session', maxExpiry: 200_000 }
  const app = await appWithDevices({ ...kind, session, device, routes: ROUTES })
  return { app, web: async (options: object | false = device) => await createWebSessions({ ...session, device: options, log: {} } as WebSessionsOptions) }
}

/** Cookies that a thief has. */
class Jar {
  readonly sessions = new Set<string>()
  readonly proofs = new Set<string>([''])

  take (cookies: readonly string[]): void {
    for (const cookie of cookies) if (!cookie.includes('Max-Age=0')) (cookie.startsWith('session.device=') ? this.proofs : this.sessions).add(cookie.split(';')[0]!) // of one line
  }
}

/** Lines that the web entry sends after a session was written. */
async function onWeb (sessions: WebSessions, cookie: string, write: (session: Session) => void): Promise<string[]> {
  const session = await sessions.open({ headers: { cookie } })
  write(session)
  const headers = new Headers()
  await session.commit(headers).catch(() => {}) // such as authenticated() of nobody
  return headers.getSetCookie()
}

for (const [kind, setup] of Object.entries(KINDS)) {
  describe(`in ${RUNS} runs of any order, ${kind}`, () => {
    it('4. a thief with copies of both cookies is out when the last proof of them is over, whatever routes gave him', async t => {
      const clock = stopClock(t)
      for (let run = 0; run < RUNS; run++) {
        const { below, pick } = numbersFrom(run)
        const { app, web } = await start(setup(), {})
        const [sessions, owner, jar] = [await web(), await boundDevice(app), new Jar()]
        for (let step = 0; step < 25; step++) {
          clock.tick(below(120_000))
          const act = below(3)
          if (act === 0) await owner.inject(app, { method: 'POST', url: pick(ALL) })
          else if (act === 1 || jar.sessions.size === 0) jar.take(owner.cookies.split('; '))
          else {
            const cookie = `${pick(jar.sessions)}; ${pick(jar.sessions)}; ${pick(jar.proofs)}`
            jar.take(below(4) === 0 ? await onWeb(sessions, cookie, keep) : setCookies(await post(app, pick(ALL), cookie)))
          }
        }
        clock.tick(INTERVAL + LEEWAY)
        for (const own of jar.sessions) for (const proof of jar.proofs) assert.equal((await stolen(app, `${own}; ${proof}`)).body, 'nobody', `run ${run}`)
      }
    })

    it('32. a thief with a copy from before the binding is out when the time without one is over', async t => {
      const clock = stopClock(t)
      for (let run = 0; run < RUNS; run++) {
        const { below, pick } = numbersFrom(run)
        const { app, web } = await start(setup(), run % 2 === 0 ? { unboundExpiry: LIMIT / 1000 } : { policy: 'require', grace: LIMIT / 1000 })
        const [sessions, end, jar] = [await web(), Date.now() + LIMIT, new Jar()]
        jar.take(setCookies(await post(app, '/login', undefined, { user: 'ann' })))
        const urls = ALL.filter(url => !url.startsWith('/confirm')) // they ask for the password
        for (; Date.now() < end; clock.tick(Math.min(below(80_000), Math.max(1, end - Date.now())))) {
          const cookie = `${pick(jar.sessions)}; ${pick(jar.sessions)}`
          jar.take(below(4) === 0 ? await onWeb(sessions, cookie, keep) : setCookies(await post(app, pick(urls), cookie)))
        }
        for (const own of jar.sessions) assert.equal((await stolen(app, own)).body, 'nobody', `run ${run}`)
      }
    })

    it('24. a browser that waits for its proof keeps its login, here and where the web entry has no option device', async t => {
      const clock = stopClock(t)
      for (let run = 0; run < RUNS; run++) {
        const { below, pick } = numbersFrom(run)
        const { app, web } = await start(setup(), {})
        const [seeing, blind, owner] = [await web(), await web(false), await boundDevice(app)]
        const urls = ['/keep', '/touch', '/expiry', '/confirm', '/confirm-keep', ...(kind === 'with revocation' ? ['/keep-write'] : [])]
        for (let step = 0; step < 8; step++) {
          clock.tick(below(100_000))
          const cookie = only(owner.cookies, ...SESSION_ONLY)
          const write = pick([keep, (session: Session) => { Object.assign(session, { cart: 1 }) }])
          assert.deepEqual(below(2) === 0 ? await onWeb(pick([seeing, blind]), cookie, write) : setCookies(await post(app, pick(urls), cookie)), [])
        }
        assert.equal((await owner.inject(app, { url: '/me' })).body, 'ann')
      }
    })
  })
}
