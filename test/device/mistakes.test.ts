// Mistakes of developers with deviceBinding: each ends in a coded error that says what to do.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import { deviceBinding, offerDeviceBinding, type DeviceBindingOptions } from '../../src/device/index.ts'
import type { ErrorCode, SealedSessionError } from '../../src/errors.ts'
import secureSession, { createSessionCodec } from '../../src/index.ts'
import { newApp, newSession, post, readyApp, logged, type AppSetup } from '../support/app.ts'
import { appWithDevices, boundDevice, loggedIn, only, SESSION, SESSION_ONLY } from '../support/device.ts'
import { CODES, rowOf } from '../support/errors.ts'
import { newKey, warnings } from '../support/helpers.ts'

type OfDevices = Extract<ErrorCode, `FST_SEALED_SESSION_DEVICE_${string}`>

async function thrownBy (act: () => unknown): Promise<SealedSessionError> {
  try {
    await act()
  } catch (error) {
    return error as SealedSessionError
  }
  return assert.fail('nothing was thrown')
}

/** What `ready()` rejects with. */
async function rejection (device: unknown, session: object | null = {}, setup: AppSetup = {}): Promise<SealedSessionError> {
  const given = session === null ? { plugin: null } : { session: { key: newKey(), ...SESSION, ...session } }
  const app = newApp({ ...given, device: device as DeviceBindingOptions, ...setup })
  return await thrownBy(() => app.ready())
}

/** Registers another session in a context, whose cookie has this name. */
function addSession (app: FastifyInstance, cookieName: string): void {
  app.register(async app => { app.register(secureSession, { key: newKey(), sessionName: 'inner', cookieName, ...SESSION } as never) })
}

const TRIGGERS: Record<OfDevices, [act: () => Promise<SealedSessionError>, message: string]> = {
  FST_SEALED_SESSION_DEVICE_ALONE: [() => rejection({}, null), 'there is no session "session" for deviceBinding'],
  FST_SEALED_SESSION_DEVICE_TWICE: [() => rejection({}, {}, { after: app => app.register(deviceBinding, { path: '/other' }) }), 'deviceBinding is registered already for session "session"'],
  FST_SEALED_SESSION_DEVICE_FORMAT: [() => rejection({}, { format: 'secretbox', accept: ['secretbox'] }), 'deviceBinding cannot bind session "session", which opens the format "secretbox" only'],
  FST_SEALED_SESSION_DEVICE_COOKIE: [() => rejection({}, { cookie: { path: '/', secure: false } }), 'deviceBinding cannot bind session "session": its cookie has "secure: false"'],
  FST_SEALED_SESSION_DEVICE_PATH: [() => rejection({}, { cookie: { ...SESSION.cookie, path: '/app' } }), 'the endpoint /session-device of deviceBinding lies outside of the path /app of the cookie, so browsers would not send it the session'],
  FST_SEALED_SESSION_DEVICE_SITE: [() => rejection({}, { cookie: { ...SESSION.cookie, domain: 'app.example.com' } }), 'the cookie of session "session" has the domain "app.example.com", and deviceBinding cannot tell if it is that of a whole site'],
  FST_SEALED_SESSION_DEVICE_NAME_TAKEN: [
    () => rejection({}, {}, { session: [{ sessionName: 'session', key: newKey(), ...SESSION }, { sessionName: 'other', cookieName: 'session.device', key: newKey() }] }),
    'the cookie "session.device" of the proof of session "session" is the cookie of another session'
  ],
  FST_SEALED_SESSION_DEVICE_UNPROVEN: [
    async () => {
      let error: unknown
      const app: FastifyInstance = await appWithDevices({
        routes: {
          'POST /take': async request => { error = await thrownBy(() => { request.session = app.decodeSecureSession(request, undefined, undefined, { device: 'ignore' })! }) }
        }
      })
      await post(app, '/take', only((await boundDevice(app)).cookies, ...SESSION_ONLY))
      return error as SealedSessionError
    },
    'a session that is bound to a device was opened without the proof of that device'
  ],
  FST_SEALED_SESSION_DEVICE_MISSING: [
    async () => {
      const app = await readyApp()
      return await thrownBy(() => { offerDeviceBinding(newSession(app)) })
    },
    'this session has no deviceBinding'
  ]
}

describe('an error of deviceBinding', () => {
  it('35. is tried here, whichever the table has', () => {
    assert.deepEqual(Object.keys(TRIGGERS).sort(), CODES.filter(code => code.startsWith('FST_SEALED_SESSION_DEVICE_')).sort())
  })

  for (const [code, [act, message]] of Object.entries(TRIGGERS)) {
    it(`35. says what is wrong, and what to do: ${code}`, async () => {
      const error = await act()
      const [, advice, status = 500] = rowOf(code) as readonly [string, string, number?]
      assert.deepEqual([error.code, error.message, error.hint, error.statusCode], [code, message, advice, status])
      assert.equal(error instanceof TypeError, status === 500)
    })
  }
})

describe('deviceBinding', () => {
  const COOKIES: Array<[why: string, cookie: object, value: string]> = [
    ['that is not Secure', { path: '/', secure: false }, 'secure: false'],
    ['that is not Secure, since nobody said so', { path: '/' }, 'no secure: true'],
    ['that is partitioned', { ...SESSION.cookie, partitioned: true }, 'partitioned: true']
  ]
  for (const [why, cookie, value] of COOKIES) {
    it(`35. refuses a session with a cookie ${why}`, async () => {
      const { code, message } = await rejection({}, { cookie })
      assert.deepEqual([code, message.includes(`"${value}"`)], ['FST_SEALED_SESSION_DEVICE_COOKIE', true], message)
    })
  }

  it('35. takes a cookie that @fastify/cookie makes Secure for the whole app', async t => {
    const app = await readyApp({ t, before: app => app.register(cookiePlugin, { parseOptions: { secure: true, path: '/' } }), session: { key: newKey(), format: 'sealed' }, device: {}, routes: { 'POST /login': ({ session }) => { session.set('user' as never, 'ann' as never) } } })
    assert.match(String((await post(app, '/login')).headers['secure-session-registration']), /^\(ES256\);path="\/session-device"/)
  })

  for (const [parseOptions, code] of [
    [{ secure: false }, 'DEVICE_COOKIE'],
    [{ partitioned: true }, 'DEVICE_COOKIE'],
    [{ path: '/app' }, 'DEVICE_PATH'],
    [{ domain: 'app.example.com' }, 'DEVICE_SITE']
  ] as Array<[CookieSerializeOptions, string]>) {
    it(`35. looks at the attributes that @fastify/cookie gives all cookies of the app: ${JSON.stringify(parseOptions)}`, async () => {
      const app = newApp({ before: app => app.register(cookiePlugin, { parseOptions: { secure: true, path: '/', ...parseOptions } }), session: { key: newKey(), format: 'sealed' }, device: {} })
      assert.equal((await thrownBy(() => app.ready())).code, `FST_SEALED_SESSION_${code}`)
      const own = newApp({ before: app => app.register(cookiePlugin, { parseOptions: { secure: true, path: '/', ...parseOptions } }), session: { key: newKey(), format: 'sealed', cookie: { path: '/', domain: 'app.example', secure: true, partitioned: false } }, device: {} })
      await own.ready() // those of the session win
      await own.close()
    })
  }

  it('35. lets links of no other site refresh by default, if @fastify/cookie makes the cookies SameSite=None', async t => {
    const app = await appWithDevices({ t, before: app => app.register(cookiePlugin, { parseOptions: { sameSite: 'none' } }), session: { cookie: { path: '/', secure: true } } })
    const { device, response } = await loggedIn(app)
    assert.deepEqual((await device.register(app, response))?.json<{ allowed_refresh_initiators: unknown }>().allowed_refresh_initiators, [])
  })

  for (const [where, register] of Object.entries({
    'a context within': (app: FastifyInstance, other: FastifyPluginCallback) => { app.register(deviceBinding); app.register(other) },
    'a context within that comes first': (app: FastifyInstance, other: FastifyPluginCallback) => { app.register(other); app.register(deviceBinding) }
  })) {
    it(`35. refuses a proof whose cookie has the name of a session of ${where}`, async () => {
      const app = newApp({ session: { key: newKey(), ...SESSION }, after: app => { register(app, (inner, _options, done) => { addSession(inner, 'session.device'); done() }) } })
      const { code, message } = await thrownBy(() => app.ready())
      assert.deepEqual([code, message], ['FST_SEALED_SESSION_DEVICE_NAME_TAKEN', 'the cookie "session.device" of the proof of session "session" is the cookie of another session'])
    })
  }

  it('35. refuses a proof whose cookie has the name of a session of a context beside its own, or around it', async () => {
    const beside = newApp({ plugin: null, after: app => { app.register(async app => { app.register(secureSession, { key: newKey(), ...SESSION } as never); app.register(deviceBinding) }); app.register(async app => { addSession(app, 'session.device') }) } })
    assert.equal((await thrownBy(() => beside.ready())).code, 'FST_SEALED_SESSION_DEVICE_NAME_TAKEN')
    const other = newApp({ plugin: null, after: app => { app.register(async app => { app.register(secureSession, { key: newKey(), ...SESSION } as never); app.register(deviceBinding) }); app.register(async app => { addSession(app, 'other') }) } })
    await other.ready()
    await other.close()
  })

  for (const accept of [undefined, ['secretbox', 'sealed']]) {
    it(`35. takes a session of the secretbox format that opens the sealed one, too: accept ${accept?.join() ?? 'by default'}`, async t => {
      const app = newApp({ t, session: { key: newKey(), ...SESSION, format: 'secretbox', ...(accept && { accept }) }, device: {} })
      await app.ready()
    })
  }

  const OPTIONS: Array<[options: object, code: string, message: RegExp]> = [
    [{ interval: 299 }, 'OPTION_INVALID', /^option "interval" must be from 300 to 86400 seconds, got 299$/],
    [{ interval: 86_401 }, 'OPTION_INVALID', /^option "interval" must be from 300 to 86400 seconds, got 86401$/],
    [{ interval: 299.9 }, 'OPTION_INVALID', /interval/],
    [{ interval: 0 }, 'DURATION', /^option "interval" must be a finite positive number of seconds, got 0$/],
    [{ interval: '600' }, 'DURATION', /got a string$/],
    [{ interval: NaN }, 'DURATION', /got NaN$/],
    [{ grace: -1 }, 'DURATION', /grace/],
    [{ grace: 0 }, 'DURATION', /grace/],
    [{ grace: '60' }, 'DURATION', /grace/],
    [{ unboundExpiry: 0 }, 'DURATION', /unboundExpiry/],
    [{ unboundExpiry: '1' }, 'DURATION', /unboundExpiry/],
    [{ policy: 'required' }, 'OPTION_INVALID', /^option "policy" must be 'prefer', 'require' or 'off', got a string$/],
    [{ policy: true }, 'OPTION_INVALID', /policy/],
    [{ when: true }, 'OPTION_INVALID', /^option "when" must be a function, got true$/],
    [{ path: 'session-device' }, 'OPTION_INVALID', /^option "path" must be a path that begins with "\/", without parameters, got other text$/],
    [{ path: '/:name' }, 'OPTION_INVALID', /path/],
    [{ path: '/*' }, 'OPTION_INVALID', /path/],
    [{ path: '/a"b' }, 'OPTION_INVALID', /path/],
    [{ path: '/a b' }, 'OPTION_INVALID', /path/],
    [{ path: '/a\r\nb' }, 'OPTION_INVALID', /path/],
    [{ path: 1 }, 'OPTION_INVALID', /path/],
    [{ path: '//evil.example' }, 'OPTION_INVALID', /path/],
    [{ publicPath: '//evil.example' }, 'OPTION_INVALID', /publicPath/],
    [{ publicPath: 'https://a.example/' }, 'OPTION_INVALID', /publicPath/],
    [{ algorithms: [] }, 'OPTION_INVALID', /^option "algorithms" must be an array of 'ES256' and 'RS256', got an array$/],
    [{ algorithms: ['none'] }, 'OPTION_INVALID', /algorithms/],
    [{ algorithms: ['HS256'] }, 'OPTION_INVALID', /algorithms/],
    [{ algorithms: 'ES256' }, 'OPTION_INVALID', /algorithms/],
    [{ initiators: '*' }, 'OPTION_INVALID', /^option "initiators" must be an array of hosts, got a string$/],
    [{ initiators: [''] }, 'OPTION_INVALID', /^option "initiators" must be an array of hosts, such as .* got one with other text$/],
    [{ initiators: ['https://a.example'] }, 'OPTION_INVALID', /initiators/],
    [{ includeSite: 'yes' }, 'OPTION_INVALID', /^option "includeSite" must be a boolean, got a string$/],
    [{ sessionName: 1 }, 'OPTION_INVALID', /sessionName/],
    [{ polizy: 'off' }, 'OPTION_UNKNOWN', /did you mean "policy"\?$/],
    [{ includesite: true }, 'OPTION_UNKNOWN', /did you mean "includeSite"\?$/]
  ]
  for (const [options, code, message] of OPTIONS) {
    it(`35. refuses what cannot be meant: ${JSON.stringify(options)}`, async () => {
      const error = await rejection(options)
      assert.equal(error.code, `FST_SEALED_SESSION_${code}`)
      assert.match(error.message, message)
    })
  }

  it('35. takes the bounds of the interval, and null for no option at all', async t => {
    for (const device of [{ interval: 300 }, { interval: 86_400 }, { interval: 300.9 }, { unboundExpiry: null, path: null, sessionName: null }]) {
      await newApp({ t, session: { key: newKey(), ...SESSION }, device: device as DeviceBindingOptions }).ready()
    }
  })

  const PATHS: Array<[path: string, cookiePath: string, isTaken: boolean]> = [
    ['/app/device', '/app', true], ['/app/device', '/app/', true], ['/app', '/app', true], ['/application', '/app', false],
    ['/other', '/app', false], ['/device', '/', true], ['/app', '/app/', false], ['/App/device', '/app', false], ['/app/../device', '/app', false]
  ]
  for (const [path, cookiePath, isTaken] of PATHS) {
    it(`35. ${isTaken ? 'takes' : 'refuses'} an endpoint at ${path} for a cookie at ${cookiePath}`, async t => {
      const setup = { t, session: { key: newKey(), ...SESSION, cookie: { ...SESSION.cookie, path: cookiePath } }, device: { path } }
      if (isTaken) await newApp(setup).ready()
      else assert.match((await thrownBy(() => newApp(setup).ready())).code, /^FST_SEALED_SESSION_(?:DEVICE_PATH|OPTION_INVALID)$/)
    })
  }

  it('35. looks at the path as browsers see it', async t => {
    const setup = { t, session: { key: newKey(), ...SESSION, cookie: { ...SESSION.cookie, path: '/shop' } } }
    await newApp({ ...setup, device: { publicPath: '/shop/session-device' } }).ready()
    assert.equal((await thrownBy(() => newApp({ ...setup, device: { path: '/shop/x', publicPath: '/x' } }).ready())).code, 'FST_SEALED_SESSION_DEVICE_PATH')
  })

  it('35. finds a session of the context only, by its name', async () => {
    assert.equal((await rejection({ sessionName: 'other' })).message, 'there is no session "other" for deviceBinding')
    const inside = await thrownBy(() => newApp({
      plugin: null,
      routes: app => {
        app.register(async app => { app.register(secureSession, { key: newKey(), ...SESSION } as never) })
        app.register(deviceBinding)
      }
    }).ready())
    assert.equal(inside.code, 'FST_SEALED_SESSION_DEVICE_ALONE')
  })

  it('35. is refused by a codec for a session that opens the secretbox format only', async () => {
    await assert.rejects(createSessionCodec({ key: newKey(), accept: ['secretbox'], device: true }), { code: 'FST_SEALED_SESSION_DEVICE_FORMAT' })
  })
})

describe('the warning of the quota', () => {
  /** Warnings of an app with sessions that are refreshed at these intervals. */
  async function warned (...intervals: number[]): Promise<string[]> {
    const { lines, server } = logged('warn')
    const app = newApp({
      server,
      session: intervals.map((_, index) => ({ sessionName: `s${index}`, cookieName: `s${index}`, key: newKey(), ...SESSION })),
      after: app => { for (const [index, interval] of intervals.entries()) app.register(deviceBinding, { sessionName: `s${index}`, interval }) },
      routes: {}
    })
    await app.ready()
    await app.close()
    return warnings(lines).map(({ msg }) => msg)
  }

  it('35. tells of more sessions than browsers sign for, whichever is registered last', async () => {
    assert.deepEqual(await warned(600, 600), [])
    assert.deepEqual(await warned(1200, 1200, 1200), [])
    for (const intervals of [[600, 600, 600], [600, 600, 1200], [1200, 1200, 600]]) {
      const [message = '', ...others] = await warned(...intervals)
      assert.deepEqual(others, [], String(intervals))
      assert.match(message, /^3 sessions are bound to devices, and session "s[02]" is refreshed every 600 seconds/)
    }
  })
})

describe('the warning of a session that is too short to be bound', () => {
  async function warned (session: object, device: DeviceBindingOptions = {}): Promise<string[]> {
    const { lines, server } = logged('warn')
    const app = newApp({ server, session: { key: newKey(), ...SESSION, ...session }, device })
    await app.ready()
    await app.close()
    return warnings(lines).map(({ msg }) => msg)
  }

  it('35. tells what browsers do with a proof that ends with its session, and what to do', async () => {
    const message = (seconds: number): string => `session "session" lasts ${seconds} seconds, so proofs of its device count no longer than that. Browsers ask for a new proof 120 seconds before the end, and then with each request. They make six signatures in nine minutes. Give your session 300 seconds or more, or do not bind it.`
    for (const session of [{ expiry: 60 }, { expiry: 120 }, { expiry: 299 }]) assert.deepEqual(await warned(session), [message(session.expiry)])
    assert.deepEqual((await warned({ expiry: 200, absoluteTimeout: 200 })), [message(200)])
  })

  it('35. is not given for a session of five minutes, nor with the policy "off"', async () => {
    assert.deepEqual(await warned({ expiry: 300 }), [])
    assert.deepEqual(await warned({ expiry: 300, absoluteTimeout: 300 }), [])
    assert.deepEqual(await warned({ expiry: 60 }, { policy: 'off' }), [])
  })
})

describe('an ordinary write of an unproven session', () => {
  it('24. is warned of by a message that says what to do', async () => {
    const { lines, server } = logged('warn')
    const app = await appWithDevices({ server })
    const { device, response } = await loggedIn(app)
    await device.register(app, response)
    await app.inject({ method: 'POST', url: '/write', payload: { n: 1 }, headers: { cookie: only(device.cookies, ...SESSION_ONLY) } })
    assert.deepEqual(warnings(lines).map(({ msg }) => msg), ['session "session" was written in a request that did not prove its device, so the write is ignored. Its cookie would replace a login that only waits for the proof. If a user logs in, call regenerate().'])
  })
})
