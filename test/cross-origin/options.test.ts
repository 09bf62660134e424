// Trusted origins, settings of routes, and what is refused at registration.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import cors from '@fastify/cors'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import mercurius from 'mercurius'
import { crossOriginProtection } from '../../src/cross-origin/index.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { rowOf } from '../support/errors.ts'
import { CODE, listening, statusOf } from '../support/cross-origin.ts'
import { readyApp } from '../support/app.ts'

interface CodedError extends Error { code: ErrorCode, statusCode: number, hint: string }

const from = (origin: string, site = 'cross-site'): Record<string, string> => ({ host: 'app.example', origin, 'sec-fetch-site': site })

describe('a trusted origin', () => {
  it('passes, of another site and of the same, with and without Sec-Fetch-Site', async t => {
    const app = await listening(t, { crossOrigin: { trustedOrigins: ['https://pay.example', 'https://sub.app.example:8443'] } })
    for (const headers of [from('https://pay.example'), from('https://sub.app.example:8443', 'same-site'), { host: 'app.example', origin: 'https://pay.example' }]) {
      assert.equal(await statusOf(app, { headers }), 200, inspect(headers))
    }
  })

  it('is that scheme, host and port, and no other', async t => {
    const app = await listening(t, { crossOrigin: { trustedOrigins: ['https://pay.example'] } })
    for (const origin of ['http://pay.example', 'https://pay.example:8443', 'https://a.pay.example', 'https://pay.example.other.example', 'https://pay.example, https://other.example', 'null']) {
      assert.equal(await statusOf(app, { headers: from(origin) }), 403, origin)
    }
  })

  it('has to be sent: a request of another site without Origin is refused', async t => {
    const app = await listening(t, { crossOrigin: { trustedOrigins: ['https://pay.example'] } })
    assert.equal(await statusOf(app, { headers: { host: 'app.example', 'sec-fetch-site': 'cross-site' } }), 403)
  })

  for (const origin of ['capacitor://localhost', 'chrome-extension://abcdefgh', 'http://localhost:5173', 'http://[::1]:3000']) {
    it(`may be ${origin}`, async t => {
      const app = await listening(t, { crossOrigin: { trustedOrigins: [origin] } })
      assert.equal(await statusOf(app, { headers: from(origin) }), 200)
    })
  }

  it('is not added by a change of the list after registration', async t => {
    const trustedOrigins = ['https://pay.example']
    const app = await listening(t, { crossOrigin: { trustedOrigins } })
    trustedOrigins.push('https://other.example')
    assert.equal(await statusOf(app, { headers: from('https://other.example') }), 403)
  })
})

describe('the config of a route', () => {
  const setting = (crossOriginProtection: unknown): RouteShorthandOptions => ({ config: { crossOriginProtection } as never })
  const withRoute = (value: unknown) => (app: FastifyInstance) => {
    app.register(async child => { child.post('/route', setting(value), async () => 'done') })
  }

  for (const [value, status] of [[false, 200], [true, 403], [undefined, 403], [{}, 403], [{ trustedOrigins: [] }, 403]] as const) {
    it(`crossOriginProtection: ${inspect(value)} has a request of another site ${status === 200 ? 'pass there' : 'refused'}`, async t => {
      const app = await listening(t, { after: withRoute(value) })
      assert.equal(await statusOf(app, { path: '/route', headers: from('https://other.example') }), status)
      assert.equal(await statusOf(app, { headers: from('https://other.example') }), 403)
    })
  }

  it('trusts origins besides those of the app, on that route only', async t => {
    const app = await listening(t, { crossOrigin: { trustedOrigins: ['https://pay.example'] }, after: withRoute({ trustedOrigins: ['https://login.example'] }) })
    const statuses = async (path: string): Promise<number[]> =>
      await Promise.all(['https://pay.example', 'https://login.example', 'https://other.example'].map(async origin => await statusOf(app, { path, headers: from(origin) })))
    assert.deepEqual([await statuses('/route'), await statuses('/act')], [[200, 200, 403], [200, 403, 403]])
  })

  it('counts also for a route that was added before the plugin', async t => {
    const app = await listening(t, { before: app => { app.post('/before', setting(false), async () => 'done') } })
    assert.equal(await statusOf(app, { path: '/before', headers: from('https://other.example') }), 200)
  })

  it('that cannot be meant fails the request of another site, if the route was added before the plugin', async t => {
    const app = await listening(t, { before: app => { app.post('/before', setting(0), async () => 'done') } })
    assert.equal(await statusOf(app, { path: '/before', headers: from('https://other.example') }), 500)
  })

  for (const [value, code] of [
    [null, 'FST_SEALED_SESSION_OPTION_INVALID'], [0, 'FST_SEALED_SESSION_OPTION_INVALID'], ['false', 'FST_SEALED_SESSION_OPTION_INVALID'],
    [['https://login.example'], 'FST_SEALED_SESSION_OPTION_INVALID'], [{ trustedOrigins: 'https://login.example' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ trustedOrigin: ['https://login.example'] }, 'FST_SEALED_SESSION_OPTION_UNKNOWN'], [{ prefix: '/' }, 'FST_SEALED_SESSION_OPTION_UNKNOWN'],
    [{ trustedOrigins: ['https://login.example/'] }, 'FST_SEALED_SESSION_ORIGIN_INVALID']
  ] as const) {
    it(`crossOriginProtection: ${inspect(value)} is refused when the route is added`, async () => {
      const { code: actual } = await rejection(app => {
        app.register(crossOriginProtection)
        withRoute(value)(app)
      })
      assert.equal(actual, code)
    })
  }
})

/** The error that an app does not start with. */
async function rejection (register: (app: FastifyInstance) => unknown): Promise<CodedError> {
  const app = Fastify()
  register(app)
  return await app.ready().then(() => assert.fail('it starts'), (error: CodedError) => error)
}

async function refused (options: unknown): Promise<CodedError> {
  return await rejection(app => { app.register(crossOriginProtection, options as object) })
}

describe('an option is refused at registration', () => {
  const origins: Array<[value: unknown, got: string]> = [
    ['null', '"null"'],
    ['*', 'a string'],
    ['https://*.app.example', 'a string'],
    ['app.example', 'a string'],
    ['//app.example', 'a string'],
    ['', 'a string'],
    ['https://', 'a string'],
    ['file://', 'a string'],
    ['https://app.example/', 'a URL with the origin "https://app.example"'],
    ['https://app.example/login', 'a URL with the origin "https://app.example"'],
    ['https://app.example?a', 'a URL with the origin "https://app.example"'],
    ['https://app.example#a', 'a URL with the origin "https://app.example"'],
    ['https://user:password@app.example', 'a URL with the origin "https://app.example"'],
    ['https://app.example:443', 'a URL with the origin "https://app.example"'],
    ['http://app.example:80', 'a URL with the origin "http://app.example"'],
    ['HTTPS://App.Example', 'a URL with the origin "https://app.example"'],
    ['https://bücher.example', 'a URL with the origin "https://xn--bcher-kva.example"'],
    [' https://app.example', 'a URL with the origin "https://app.example"'],
    ['https://app.example,https://other.example', 'a string'],
    [/app\.example$/, 'an object'],
    [new URL('https://app.example'), 'an object'],
    [undefined, 'undefined'],
    [42, 'a number']
  ]
  for (const [value, got] of origins) {
    it(`trustedOrigins: [${inspect(value)}], with words of what was got`, async () => {
      const { code, message } = await refused({ trustedOrigins: ['https://ok.example', value] })
      assert.equal(code, 'FST_SEALED_SESSION_ORIGIN_INVALID')
      assert.equal(message, `option "trustedOrigins[1]" must be an origin as browsers send it, such as "https://app.example", got ${got}`)
    })
  }

  for (const value of ['https://app.example', null, {}, new Set(['https://app.example']), () => []]) {
    it(`trustedOrigins: ${inspect(value)}, which is no array`, async () => {
      assert.equal((await refused({ trustedOrigins: value })).code, 'FST_SEALED_SESSION_OPTION_INVALID')
    })
  }

  it('of a name that is not known', async () => {
    assert.equal((await refused({ trustedOrigin: ['https://app.example'] })).code, 'FST_SEALED_SESSION_OPTION_UNKNOWN')
  })
})

describe('registration is refused', () => {
  const routes = async function routesOfTheApp (app: FastifyInstance): Promise<void> { app.post('/act', async () => 'done') }

  it('after a context that it would not cover, whose name is said', async () => {
    const { code, message } = await rejection(app => {
      app.register(routes)
      app.register(crossOriginProtection)
    })
    assert.equal(code, 'FST_SEALED_SESSION_CROSS_ORIGIN_LATE')
    assert.match(message, /routesOfTheApp/)
  })

  it('inside a context, after one that it would not cover there', async () => {
    const { code } = await rejection(app => {
      app.register(async child => {
        child.register(routes)
        child.register(crossOriginProtection)
      })
    })
    assert.equal(code, 'FST_SEALED_SESSION_CROSS_ORIGIN_LATE')
  })

  for (const [where, register] of Object.entries({
    'twice in one context': (app: FastifyInstance) => { app.register(crossOriginProtection) },
    'inside a context that has it': (app: FastifyInstance) => { app.register(async child => { child.register(crossOriginProtection) }) }
  })) {
    it(where, async () => {
      assert.equal((await rejection(app => { app.register(crossOriginProtection); register(app) })).code, 'FST_SEALED_SESSION_CROSS_ORIGIN_TWICE')
    })
  }

  it('after mercurius, which adds its routes in a context of its own; before it, they are covered', async t => {
    const graphql = (app: FastifyInstance): void => { app.register(mercurius, { schema: 'type Query { a: Int }', graphiql: true }) }
    const { code } = await rejection(app => {
      graphql(app)
      app.register(crossOriginProtection)
    })
    assert.equal(code, 'FST_SEALED_SESSION_CROSS_ORIGIN_LATE')
    const app = await listening(t, { after: graphql })
    assert.equal(await statusOf(app, { path: '/graphql', headers: from('https://other.example') }), 403)
  })

  it('not after plugins that make no context of their own', async () => {
    const app = Fastify()
    app.register(cors)
    app.register(helmet)
    app.register(formbody)
    app.register(websocket)
    app.register(crossOriginProtection)
    await app.ready()
  })

  it('not beside the session, which makes no context of its own', async () => {
    await readyApp({ after: app => app.register(crossOriginProtection) })
  })

  it('not in two contexts side by side', async () => {
    const app = Fastify()
    for (const name of ['a', 'b']) app.register(async child => { child.register(crossOriginProtection); child.get(`/${name}`, async () => name) })
    await app.ready()
  })
})

/** An error for each code that is this plugin's. */
const TRIGGERS = {
  FST_SEALED_SESSION_CROSS_ORIGIN: async () => {
    let caught: unknown
    const app = Fastify()
    app.register(crossOriginProtection)
    app.setErrorHandler(error => { caught = error; return '' })
    await app.inject({ method: 'POST', url: '/canary', headers: { origin: 'https://canary.example' } })
    return caught as CodedError
  },
  FST_SEALED_SESSION_CROSS_ORIGIN_LATE: async () => await rejection(app => { app.register(async function other () {}); app.register(crossOriginProtection) }),
  FST_SEALED_SESSION_CROSS_ORIGIN_TWICE: async () => await rejection(app => { for (let time = 0; time < 2; time++) app.register(crossOriginProtection) }),
  FST_SEALED_SESSION_ORIGIN_INVALID: async () => await refused({ trustedOrigins: ['https://user:canary@app.example/canary?canary#canary'] })
}

describe('an error', () => {
  for (const [code, trigger] of Object.entries(TRIGGERS)) {
    it(`${code} is complete, and tells nothing of what it is about`, async () => {
      const error = await trigger()
      assert.equal(error.code, code)
      assert.equal(error.statusCode, code === CODE ? 403 : 500)
      assert.equal(error.hint, rowOf(error.code)[1])
      assert.doesNotMatch(error.message, /%s|undefined|\[object/)
      assert.doesNotMatch(inspect(error, { showHidden: true }) + JSON.stringify(error), /canary/)
    })
  }
})
