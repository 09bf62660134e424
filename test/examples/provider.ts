// An OAuth 2.0 provider for the examples to log in at: a real one, over HTTP, in the test's process.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import type { ClientAuthMethod, ClientMetadata, Configuration } from 'oidc-provider'
import { Browser, locationOf } from './browser.ts'

/** More of the client and of the provider than a login needs. */
interface Settings { client?: Partial<ClientMetadata>, configuration?: Configuration }

export class Provider {
  readonly issuer: string
  /** What an example takes from its environment. */
  readonly environment: { ISSUER: string, CLIENT_ID: string, CLIENT_SECRET: string }
  readonly #server: Server

  private constructor (server: Server) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.environment = { ISSUER: this.issuer, CLIENT_ID: 'example', CLIENT_SECRET: 'a secret of the example' }
  }

  async #serve (method: ClientAuthMethod, { client, configuration }: Settings): Promise<void> {
    // Loaded here, where nobody hears it say that it is not set up for production.
    const { Provider: OidcProvider } = await import('oidc-provider')
    const provider = new OidcProvider(this.issuer, {
      clients: [{
        client_id: this.environment.CLIENT_ID,
        client_secret: this.environment.CLIENT_SECRET,
        token_endpoint_auth_method: method,
        application_type: 'native', // whose redirect URI may have any port
        redirect_uris: ['http://127.0.0.1/callback'],
        ...client
      }],
      cookies: { keys: ['signs the cookies of the provider'] },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      pkce: { required: () => true },
      ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 }, // seconds
      ...configuration
    })
    this.#server.on('request', provider.callback())
  }

  /** @param method how the client of the example proves who it is. */
  static async start (method: ClientAuthMethod, settings: Settings = {}): Promise<Provider> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const provider = new Provider(server)
    const muted = (['info', 'warn'] as const).map(name => mock.method(console, name, () => {}))
    try {
      await provider.#serve(method, settings)
    } finally {
      for (const { mock } of muted) mock.restore()
    }
    return provider
  }

  /**
   * Starts one that tells the example of logouts, by a signed token (back-channel logout).
   * @param namesSession if its tokens say which session they are about.
   * @param tell passes such a request on to the example, which starts after the provider, at a port that it cannot know.
   */
  static async startWithLogout (namesSession: boolean, tell: (path: string, init: RequestInit) => Promise<Response>, jwks?: Configuration['jwks']): Promise<Provider> {
    return await Provider.start('client_secret_basic', {
      client: { backchannel_logout_uri: 'http://127.0.0.1/backchannel-logout', backchannel_logout_session_required: namesSession },
      configuration: {
        ...(jwks !== undefined && { jwks }),
        features: {
          backchannelLogout: { enabled: true },
          rpInitiatedLogout: {
            logoutSource: (context, form) => { context.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>` },
            postLogoutSuccessSource: context => { context.body = 'You are logged out.' }
          }
        },
        // Its own refuses all addresses of this machine.
        fetch: async (url, options) => {
          const { dispatcher: _, ...init } = options as RequestInit & { dispatcher: unknown }
          return await tell(new URL(url as string).pathname, init)
        }
      }
    })
  }

  async stop (): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Logs out at the provider, and agrees to all that it asks. @returns its last answer */
  async logOut (browser: Browser, url = `${this.issuer}/session/end`): Promise<Response> {
    const page = await (await browser.get(url)).text()
    const [, action] = /action="([^"]+)"/.exec(page) ?? assert.fail(page)
    const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(page) ?? assert.fail(page)
    return await browser.follow(await browser.post(action!, { xsrf: xsrf!, logout: 'yes' })) // both matched
  }

  /**
   * Logs in at the provider as somebody who was redirected there, and agrees to all that it asks.
   * @returns the URL of the example's that the provider sends the browser back to
   */
  async logIn (browser: Browser, redirect: Response, name: string): Promise<URL> {
    const { searchParams } = new URL(locationOf(redirect) ?? assert.fail('no redirect'))
    const callback = searchParams.get('redirect_uri') ?? assert.fail('no redirect_uri')
    let response = await browser.follow(redirect, callback)
    for (;;) {
      const location = locationOf(response)
      if (location !== undefined) return new URL(location)
      const page = await response.text()
      const [, action] = /action="([^"]+)" method="post"/.exec(page) ?? assert.fail(page)
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? assert.fail(page)
      response = await browser.follow(await browser.post(action!, { prompt: prompt!, login: name, password: 'any' }), callback) // both matched
    }
  }
}
