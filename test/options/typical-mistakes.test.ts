// Typical mistakes of people who set this up for the first time, and the words that they get: over a socket, as they would.
import cookiePlugin from '@fastify/cookie'
import assert from 'node:assert/strict'
import { request as requestOver } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { crossOriginProtection } from '../../src/cross-origin/index.ts'
import { deviceBinding } from '../../src/device/index.ts'
import secureSession, { fastifySecureSession, generateKey, Keyring, requireFresh, requireSession, sealedSession } from '../../src/index.ts'
import { sessionRegistry } from '../../src/registry/index.ts'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { sessionCookies } from '../../src/testing/index.ts'
import { setEnvironment } from '../support/environment.ts'
import { captureLog, type LogLine } from '../support/helpers.ts'

const key = generateKey()

/** A session that JavaScript calls as it likes. */
type Any = Record<string, (...values: unknown[]) => unknown>

type CodedError = Pick<Error, 'message'> & { code?: unknown, hint?: unknown }

interface Mistake {
  /** Registers the plugins. */
  app: (app: FastifyInstance) => void
  /** Handler of the only route; without it the app is not asked. */
  handler?: (session: Any, request: FastifyRequest) => unknown
  url?: string
  headers?: Record<string, string>
  isProduction?: boolean
  /** Code, and words of the message and of its advice. */
  says: readonly [code: string, ...words: RegExp[]]
}

const sealed = (options: object = {}) => (app: FastifyInstance): void => { app.register(sealedSession, { key, ...options }) }
const dropIn = (options: object = {}) => (app: FastifyInstance): void => { app.register(secureSession, { key, cookie: { path: '/' }, ...options }) }
/** Keys of a variable that has this text. */
function fromEnv (text: string): Keyring {
  process.env.TEST_MISTAKE_KEYS = text
  try {
    return Keyring.fromEnv('TEST_MISTAKE_KEYS')
  } finally {
    delete process.env.TEST_MISTAKE_KEYS
  }
}
const write = (session: Any): string => { session.set?.('userId', 1); return 'done' }

const MISTAKES: Record<string, Mistake> = {
  'the variable with the key is not set': {
    app: app => { app.register(sealedSession, { key: process.env.THERE_IS_NO_SUCH_KEY }) },
    isProduction: true,
    says: ['KEY_MISSING', /key or secret must specified/, /If your key comes from the environment, check that the variable is set\./]
  },
  'the key is too short': {
    app: sealed({ key: 'secret' }),
    says: ['KEY_TEXT', /key must be 32 bytes: .* got 6 characters/, /create a key with "npx fastify-sealed-session keygen --hex"/]
  },
  'a passphrase is given as the key': {
    app: sealed({ key: 'my very long session secret of express' }),
    says: ['KEY_TEXT', /If it is a passphrase, give it as "secret" in place of "key"/]
  },
  'the file of a hex key is read as bytes': {
    app: sealed({ key: Buffer.from(key.toString('hex')) }),
    says: ['KEY_LENGTH', /key must be 32 bytes, got 64/, /This is the key as hex text: read the file as text, readFileSync\(file, "utf8"\)/]
  },
  'a keyring is not awaited': {
    app: app => { app.register(sealedSession, { key: Keyring.from(() => key, { refresh: null }) as never }) },
    says: ['KEY_TYPE', /It is a promise: "await" it, as in "key: await Keyring\.fromFile\(path\)"/]
  },
  'the cookie has no path': {
    app: dropIn({ cookie: {} }),
    handler: write,
    url: '/auth/login',
    says: ['WARN_PATH_MISSING', /Browsers send it back only to URLs that begin with \/auth, and your session is empty at all others\. Write "path: '\/'"/]
  },
  'the cookie is Secure, and browsers come over plain http': {
    app: sealed(),
    handler: write,
    headers: { host: 'app.example', origin: 'http://app.example' },
    isProduction: true,
    says: ['WARN_PLAIN_HTTP', /is "Secure", but a browser came over plain http\. It drops the cookie, and your session is empty/, /Put TLS in front of your app\./]
  },
  'trustProxy is missing behind a proxy': {
    app: dropIn({ cookie: { path: '/', secure: 'auto' } }),
    handler: write,
    headers: { 'x-forwarded-proto': 'https' },
    isProduction: true,
    says: ['WARN_PROXY', /was set without "Secure", although a proxy says that the request came over TLS/, /Set "trustProxy" of Fastify to the addresses of your proxies/]
  },
  'NODE_ENV is not set in production': {
    app: sealed(),
    handler: write,
    headers: { 'x-forwarded-proto': 'https' },
    says: ['WARN_ENVIRONMENT', /NODE_ENV is not production/, /On your servers, set NODE_ENV to production\./]
  },
  'a name with __Host- has a domain': {
    app: sealed({ cookieName: '__Host-sid', cookie: { domain: 'app.example' } }),
    isProduction: true,
    says: ['WARN_COOKIE_REFUSED', /browsers will refuse the cookie "__Host-sid": a name that starts with __Host- must not have "domain"/]
  },
  'an option is misspelt': {
    app: sealed({ expirey: 60 }),
    says: ['OPTION_UNKNOWN', /option "expirey" is not known, did you mean "expiry"\?/, /Correct the name\./]
  },
  'expiry is in milliseconds': {
    app: sealed({ expiry: 8 * 60 * 60 * 1000 }),
    says: ['WARN_MILLISECONDS', /expiry is 28800000 seconds, which are 333 days, and looks like milliseconds\. If it is, give 28800\./]
  },
  'maxAge is longer than expiry': {
    app: sealed({ cookie: { maxAge: 30 * 24 * 60 * 60 } }),
    says: ['WARN_MAX_AGE', /its maxAge of 2592000 seconds outlives the session, which is valid for 28800\. Give "maxAge" and "expiry" the same number/]
  },
  'the plugin is registered twice': {
    app: app => { for (let time = 0; time < 2; time++) sealed()(app) },
    says: ['REGISTERED_TWICE', /is registered already/, /Register it once, with all your options in one call\./]
  },
  '@fastify/cookie is registered after the session': {
    app: app => { sealed()(app); app.register(cookiePlugin) },
    says: ['COOKIE_PLUGIN_LATE', /Register @fastify\/cookie first/]
  },
  'the revocation is registered before the session': {
    app: app => { app.register(sessionRevocation); sealed()(app) },
    says: ['REVOCATION_ALONE', /Register your session first, then sessionRevocation, in the same context\./]
  },
  'the session is registered inside a plugin, and a route outside of it uses it': {
    app: app => { app.register(async app => { sealed()(app) }) },
    handler: session => session.get!('userId'), // it is undefined there
    says: ['WARN_OTHER_CONTEXT', /a handler of GET \/ called get\(\) of undefined, and its requests have no session "session"/, /Register it on the app that has your routes\. Or wrap your plugin in fastify-plugin\./]
  },
  'a guard is on a route outside of the plugin that has the session': {
    app: app => {
      app.register(async app => { sealed()(app) })
      app.get('/guarded', { preHandler: requireSession() }, async () => '')
    },
    handler: async (_session, { server }) => { await server.inject('/guarded') },
    says: ['UNKNOWN_SESSION', /In a hook or handler, register the session first, in the same context or around it\./]
  },
  'requireSession is given to a route without a call': {
    app: app => {
      sealed()(app)
      app.get('/guarded', { preHandler: requireSession as never }, async () => '')
      app.setErrorHandler((error, { log }) => { log.error(error); return 'refused' })
    },
    handler: async (_session, { server }) => { await server.inject('/guarded') },
    says: ['GUARD_MISPLACED', /requireSession got a request in place of its options/, /Call it\. .*preHandler: requireSession\(\{ keys: \["userId"\] \}\)\./]
  },
  'requireFresh is a hook without a call': {
    app: app => {
      sealed()(app)
      app.addHook('onRequest', requireFresh as never)
      app.setErrorHandler((error, { log }) => { log.error(error); return 'refused' })
    },
    handler: () => '',
    says: ['GUARD_MISPLACED', /requireFresh got a request in place of its options/, /requireFresh\(\{ within: 300 \}\)/]
  },
  ...Object.fromEntries(Object.entries({ crossOriginProtection, deviceBinding, fastifySecureSession, sealedSession, sessionRegistry, sessionRevocation }).map(([name, plugin]): [string, Mistake] => [`${name} is a hook of a route`, {
    app: app => {
      sealed()(app)
      app.get('/guarded', { preHandler: plugin as never }, async () => '')
      app.setErrorHandler((error, { log }) => { log.error(error); return 'refused' })
    },
    handler: async (_session, { server }) => { await server.inject('/guarded') },
    says: ['PLUGIN_MISPLACED', new RegExp(`^\\S+ ${name} is a plugin, and got a request`), /Register it: app\.register\(/]
  }])),
  'sessionCookies gets a request': {
    app: app => { sealed()(app); app.setErrorHandler((error, { log }) => { log.error(error); return 'refused' }) },
    handler: async (_session, request) => await sessionCookies(request as never, {}),
    says: ['TEST_APP', /must be an instance of Fastify, got a request/]
  },
  'the variable with the key is empty': {
    app: app => { app.register(async app => { sealed({ key: fromEnv('') })(app) }) },
    isProduction: true,
    says: ['ENV_MISSING', /the environment variable TEST_MISTAKE_KEYS is empty, and your app needs it/]
  },
  'the cookies are missing in a test of a protected route': {
    app: app => {
      sealed()(app)
      app.get('/guarded', { preHandler: requireSession() }, async () => '')
      app.setErrorHandler((error, { log }) => { log.error(error); return 'refused' })
    },
    handler: async (_session, { server }) => { await server.inject('/guarded') },
    says: ['LOGIN_REQUIRED', /nobody is logged in/, /In a test, log a user in: app\.inject\(\{ url, cookies: await sessionCookies\(app, data\) \}\)\./]
  },
  'two versions of the package are loaded': {
    app: app => {
      sealed()(app)
      app.after(() => { Object.assign((app as unknown as Record<symbol, object[]>)[Symbol.for('fastify-sealed-session.extensible')]![0]!, { version: '0.1.0' }) }) // registered above
      app.register(sessionRevocation)
    },
    says: ['VERSIONS', /the session of this app is of version 0\.1\.0 of fastify-sealed-session, and the plugin is of version \d/, /Run "npm ls fastify-sealed-session @fastify\/secure-session" and install one version\./]
  },
  'a promise is stored': {
    app: sealed(),
    handler: session => { session.set?.('user', Promise.resolve(1)) },
    says: ['VALUE_UNSTORABLE', /user is a promise that was not awaited/, /Await a promise before you store its value\./]
  },
  'the session is too large': {
    app: sealed(),
    handler: session => { session.set?.('cart', 'x'.repeat(20_000)) },
    says: ['COOKIE_TOO_LARGE', /more than fit: maxChunks is 2/, /Keep your large data in a database and store its id in the session\./]
  },
  'request.session is replaced by an object': {
    app: sealed(),
    handler: (_session, request) => { request.session = { userId: 1 } as never },
    says: ['ASSIGNED', /request\.session cannot be replaced, got an object/, /Set its values: request\.session\.set\(key, value\)\./]
  },
  'session.save() of iron-session and express-session': {
    app: sealed(),
    handler: async session => { write(session); await session.save!() }, // it is not there
    says: ['WARN_FOREIGN_METHOD', /session "session": save\(\) is a method of other packages, and your session lacks it\. Remove the call: your session is sent with the response by itself\./]
  },
  'session.destroy() of express-session': {
    app: sealed(),
    handler: session => session.destroy!(), // it is not there
    says: ['WARN_FOREIGN_METHOD', /destroy\(\) is a method of other packages, and your session lacks it\. Call delete\(\) to end the session\./]
  },
  'the session is written after the response': {
    app: sealed(),
    handler: (session, request) => { request.raw.socket.once('close', () => { write(session) }); return 'done' },
    says: ['WARN_WRITE_LOST', /so the change is lost\. Write before reply\.send\(\) or commit\(\)\./]
  }
}

/** Asks an app over a socket of its own, with any `Host`, and waits until the socket has closed. */
async function ask (app: FastifyInstance, path: string, headers: Record<string, string>): Promise<void> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  await new Promise<void>((resolve, reject) => {
    requestOver({ port, path, headers, agent: false }, response => { response.resume().once('close', () => { setImmediate(resolve) }) }).once('error', reject).end()
  })
}

/** Texts that a stranger sees: the error that `ready()` rejects with, or the warnings and errors in the log. */
async function wordsFor ({ app: register, handler, url = '/', headers = {} }: Mistake, t: TestContext): Promise<string[]> {
  const { lines, logger } = captureLog()
  const app = Fastify({ logger })
  t.after(async () => { await app.close() })
  register(app)
  try {
    if (handler === undefined) {
      await app.ready()
    } else {
      app.get(url, async request => await handler(request.session as never, request))
      await ask(app, url, headers)
    }
  } catch (error) {
    return [textOf(error as CodedError)]
  }
  const told = lines.filter(({ level }) => level >= 40) as Array<LogLine & { err?: CodedError }>
  return told.map(({ code, msg, err }) => err?.code === undefined ? `${String(code)} ${msg}` : textOf(err))
}

function textOf ({ code, message, hint }: CodedError): string {
  return `${String(code)} ${message} ${String(hint)}`
}

describe('a typical mistake is told, with what to do', () => {
  for (const [title, mistake] of Object.entries(MISTAKES)) {
    it(title, async t => {
      setEnvironment(t, mistake.isProduction === true ? 'production' : undefined)
      const found = await wordsFor(mistake, t)
      const [code, ...words] = mistake.says
      const text = found.find(text => text.startsWith(`FST_SEALED_SESSION_${code} `)) ?? assert.fail(found.join('\n'))
      for (const word of words) assert.match(text, word)
      t.diagnostic(text)
    })
  }
})

describe('the warning of plain http', () => {
  const said = async (headers: Record<string, string>, t: TestContext): Promise<boolean> => {
    setEnvironment(t, 'production')
    const found = await wordsFor({ app: sealed(), handler: write, headers, says: [''] }, t)
    return found.some(text => text.includes('WARN_PLAIN_HTTP'))
  }

  for (const [title, headers] of Object.entries({
    'localhost, where browsers take the cookie': { host: 'localhost:3000', origin: 'http://localhost:3000' },
    'a name below localhost': { host: 'app.localhost', origin: 'http://app.localhost' },
    'the loopback address': { host: '127.0.0.1:3000', origin: 'http://127.0.0.1:3000' },
    'a page that came over TLS, behind a proxy that does not say so': { host: 'app.example', origin: 'https://app.example' },
    'a page of another site': { host: 'app.example', origin: 'http://other.example' },
    'a client that is no browser': { host: 'app.example' }
  })) {
    it(`is not given for ${title}`, async t => { assert.equal(await said(headers, t), false) })
  }
})

describe('the warning of a session in another context', () => {
  const warningsOf = async (t: TestContext, add: (app: FastifyInstance) => void, urls: string[]): Promise<LogLine[]> => {
    const { lines, logger } = captureLog()
    const app = Fastify({ logger })
    t.after(async () => { await app.close() })
    app.register(async app => {
      sealed()(app)
      app.get('/inside', async ({ session }) => { session.get('user'); (undefined as unknown as Any).get!('session') }) // it fails
    })
    add(app)
    for (const url of urls) await app.inject(url)
    return lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_OTHER_CONTEXT')
  }

  for (const [title, handler] of Object.entries<(request: FastifyRequest) => unknown>({
    'a method': request => request.session.get('user'),
    'a method that is called by a function of the app': ({ session }) => userOf(session)
  })) {
    it(`is given once, for ${title}, in a context that was made before or after, or around`, async t => {
      const told = await warningsOf(t, app => {
        app.get('/around', handler)
        app.register(async app => { app.get('/beside', handler) })
      }, ['/around', '/beside', '/around'])
      assert.equal(told.length, 1)
    })
  }

  for (const [title, url, handler] of [
    ['a mistake of the same kind where the session is', '/inside', () => ''],
    ['the data of another value that is undefined', '/own', () => (undefined as unknown as Any).data],
    ['another error', '/own', (request: FastifyRequest) => { if (request.session === undefined) throw new Error('the session is not there') }]
  ] as const) {
    it(`is not given for ${title}`, async t => {
      assert.deepEqual(await warningsOf(t, app => { app.get('/own', async request => handler(request)) }, [url]), [])
    })
  }
})

function userOf (session: FastifyRequest['session']): unknown {
  return session.get('user')
}

describe('the warning of a method of other packages', () => {
  it('is given once, and not for an object of the app', async t => {
    const { lines, logger } = captureLog()
    const app = Fastify({ logger })
    t.after(async () => { await app.close() })
    sealed()(app)
    app.get('/', async request => { (request.session as unknown as Any).save!() }) // it is not there
    app.get('/own', async () => { const user = {} as Any; user.save!() }) // it is not there
    for (const url of ['/own', '/', '/']) assert.equal((await app.inject(url)).statusCode, 500)
    assert.equal(lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_FOREIGN_METHOD').length, 1)
  })
})
