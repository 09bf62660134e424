// Apps whose sessions are bound to devices, as a real Chromium sees them: its flags, its requests to the endpoint, what it
// tells of its bindings, and thieves, who are visitors with a copy of all cookies.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser, CDPSession } from 'playwright-core'
import { newApp } from './app.ts'
import { listen, tls, Visitor } from './browser.ts'
import { LOGINS, PAGES, PATH, PROOF_ONLY, SESSION, SESSION_ONLY, type DeviceSetup } from './device.ts'
import { gate, newKey } from './helpers.ts'

const SOFTWARE_KEYS = 'EnableBoundSessionCredentialsSoftwareKeysForManualTesting'

/** Arguments of a Chromium that binds sessions. Without the quota: a test makes more signatures than a user does. */
export const BINDING = [`--enable-features=DeviceBoundSessions:RefreshQuota/false,${SOFTWARE_KEYS}`]

/** The same with the quota as it is shipped: six signatures in nine minutes. */
export const BINDING_WITH_QUOTA = [`--enable-features=DeviceBoundSessions,${SOFTWARE_KEYS}`]

/** Version that says which page asks for a registration (`Sec-Fetch-Site`). 150 does not, and those between were not tried. */
export const TELLS_SITE = 156

/** Milliseconds that a test waits for Chromium, which on an idle machine answers within a tenth of a second. */
const PATIENCE = 60_000

type Ending = Pick<TestContext, 'after'>

/** A request to the endpoint. */
export interface Call {
  /** `'question'` is a refresh that asks for a challenge, `'proof'` one that answers it. */
  readonly kind: 'registration' | 'question' | 'proof'
  readonly headers: IncomingMessage['headers']
  /** Names of the cookies that it brought. */
  readonly cookies: readonly string[]
  /** Status of the answer. */
  readonly status: number
}

/** Requests to the endpoint of a server, in the order in which they come. */
export class Calls {
  readonly #list: Call[] = []
  readonly #server: Server

  /** @param server of the app, or of what stands before it. */
  constructor (server: Server, path = PATH) {
    this.#server = server
    server.on('request', ({ method, url, headers }: IncomingMessage, response: ServerResponse) => {
      if (method !== 'POST' || url !== path) return
      const kind = kindOf(headers)
      const cookies = (headers.cookie ?? '').split('; ').map(pair => pair.split('=')[0]!).filter(name => name !== '')
      this.#list.push({ kind, headers, cookies, get status () { return response.statusCode } })
    })
  }

  /** The requests since the last time, such as `'registration 200'`, `'question 403'`, `'proof 200'`. */
  take (): string[] {
    return this.takeAll().map(({ kind, status }) => `${kind} ${status}`)
  }

  takeAll (): Call[] {
    return this.#list.splice(0)
  }

  /** Holds registrations back from the app. @returns a function that lets them in. */
  holdRegistrations (): () => void {
    const { opened, open } = gate()
    const listeners = this.#server.listeners('request')
    this.#server.removeAllListeners('request').on('request', async (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === 'POST' && kindOf(request.headers) === 'registration' && request.headers['secure-session-response'] !== undefined) await opened
      for (const listener of listeners) listener.call(this.#server, request, response)
    })
    return open
  }
}

function kindOf (headers: IncomingMessage['headers']): Call['kind'] {
  if (headers['sec-secure-session-id'] === undefined) return 'registration'
  return headers['secure-session-response'] === undefined ? 'question' : 'proof'
}

/** An app that binds sessions, where browsers reach it. It is closed when the test ends. */
export class DeviceSite {
  readonly app: FastifyInstance
  readonly calls: Calls
  readonly origin: string

  private constructor (app: FastifyInstance, calls: Calls, origin: string) {
    this.app = app
    this.calls = calls
    this.origin = origin
  }

  /** @param host a name below `.test`. */
  static async start (t: Ending, { server, session, device = {}, routes, ...setup }: DeviceSetup = {}, { host = 'app.test', port = 0, path = PATH } = {}): Promise<DeviceSite> {
    const app = newApp({ t, ...setup, server: { ...tls(), forceCloseConnections: true, ...server }, session: { key: newKey(), ...SESSION, ...session }, device, routes: { ...LOGINS, ...PAGES, ...routes } })
    const calls = new Calls(app.server, path)
    return new DeviceSite(app, calls, `https://${host}:${await listen(app, port)}`)
  }
}

/** Kind of an event that a browser tells of, and how it went, such as `Success`, `Refreshed`, `ServerRequested`. */
type Told = [kind: 'creation' | 'refresh' | 'termination' | 'challenge', result: string]

/** A visitor whose browser tells of its bindings. It leaves when the test ends. */
export class DeviceVisitor {
  readonly visitor: Visitor
  readonly #told: Told[] = []
  readonly #heard = new EventEmitter()

  private constructor (visitor: Visitor) {
    this.visitor = visitor
  }

  static async enter (t: Ending, browser: Browser): Promise<DeviceVisitor> {
    return await DeviceVisitor.#from(t, await Visitor.enter(browser))
  }

  /** With a browser that keeps what it has in the folder given, bindings included. */
  static async withProfile (t: Ending, folder: string, args: readonly string[] = BINDING): Promise<DeviceVisitor> {
    return await DeviceVisitor.#from(t, await Visitor.withProfile(folder, args))
  }

  static async #from (t: Ending, visitor: Visitor): Promise<DeviceVisitor> {
    t.after(async () => { await visitor.leave() })
    const user = new DeviceVisitor(visitor)
    await user.#listen(await visitor.context.newCDPSession(visitor.page))
    return user
  }

  async #listen (devtools: CDPSession): Promise<void> {
    devtools.on('Network.deviceBoundSessionEventOccurred', ({ creationEventDetails, refreshEventDetails, terminationEventDetails, challengeEventDetails }) => {
      if (creationEventDetails !== undefined) this.#told.push(['creation', creationEventDetails.fetchResult])
      if (refreshEventDetails !== undefined) this.#told.push(['refresh', refreshEventDetails.refreshResult])
      if (terminationEventDetails !== undefined) this.#told.push(['termination', terminationEventDetails.deletionReason])
      if (challengeEventDetails !== undefined) this.#told.push(['challenge', challengeEventDetails.challengeResult])
      this.#heard.emit('event')
    })
    await devtools.send('Network.enable')
    await devtools.send('Network.enableDeviceBoundSessions', { enable: true })
  }

  /** Waits for the next event of a kind. Those of other kinds that came before it are dropped. @returns how it went. */
  async next (kind: Told[0]): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE)
    for (;;) {
      const index = this.#told.findIndex(event => event[0] === kind)
      if (index >= 0) return this.#told.splice(0, index + 1).at(-1)![1] // there is one, at the index
      await once(this.#heard, 'event', { signal })
    }
  }

  /** Opens a page of the app, and logs in without being bound yet. */
  async logIn ({ origin }: Pick<DeviceSite, 'origin'>, user = 'ann'): Promise<void> {
    await this.visitor.go(`${origin}/public`)
    await this.post('/login', { user })
  }

  /** The same, until the browser is bound. */
  async bind (site: Pick<DeviceSite, 'origin'>, user = 'ann'): Promise<void> {
    await this.logIn(site, user)
    assert.equal(await this.next('creation'), 'Success')
  }

  async post (path: string, body: object = {}): Promise<void> {
    const { status, text } = await this.visitor.fetch(path, body)
    assert.equal(status, 200, text)
  }

  /** User that the app takes the page for. */
  async user (): Promise<string> {
    return (await this.visitor.fetch('/me')).text
  }

  /** State of the binding, as the app sees it: `bound`, `unbound`, `unproven`. */
  async state (): Promise<string | undefined> {
    const { device } = JSON.parse((await this.visitor.fetch('/info')).text) as { device: { state: string } | null }
    return device?.state
  }

  /** Has a cookie expire, as Chromium sees it: the proof by default. */
  async expire (name: string = PROOF_ONLY[0]!): Promise<void> {
    await this.visitor.context.clearCookies({ name })
  }

  /** Value of a cookie in the jar: of the session by default. */
  async cookie (name: string = SESSION_ONLY[0]!): Promise<string | undefined> {
    return (await this.visitor.cookies()).get(name)?.value
  }

  /** Another visitor, who has a copy of all cookies as they are now, and has opened a page of the app. */
  async robbed (t: Ending, browser: Browser, { origin }: Pick<DeviceSite, 'origin'>): Promise<DeviceVisitor> {
    const thief = await DeviceVisitor.enter(t, browser)
    await thief.visitor.context.addCookies(await this.visitor.context.cookies())
    await thief.visitor.go(`${origin}/public`)
    return thief
  }
}

/** Clock of the apps in this process, which a test moves. Chromium has its own. */
export function movableClock (t: TestContext): { advance: (milliseconds: number) => void } {
  const { now } = Date
  let ahead = 0
  t.mock.method(Date, 'now', () => now() + ahead)
  return { advance: milliseconds => { ahead += milliseconds } }
}
