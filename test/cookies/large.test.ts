// Sessions that are too large for one cookie: split into several, as a browser keeps them.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyError, FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Keyring, sessionInfo } from '../../src/index.ts'
import { cookiesOf, newKey, setCookies, warnings } from '../support/helpers.ts'
import { get, logged, ofFastify, readyApp, tokenWith, type AppSetup, type Handler } from '../support/app.ts'

const MAX_LINE = 4096
const TOO_LARGE = 'FST_SEALED_SESSION_COOKIE_TOO_LARGE'

/** Text that cannot be told from other text of its length but by reading it. */
const text = (length: number, character = 'x'): string => character.repeat(length)

const routes: Record<string, Handler> = {
  '/set/:length': ({ session, params }) => session.set('text', text(Number((params as { length: string }).length))),
  '/get': ({ session }) => String(session.get<string>('text')?.length),
  '/info': ({ session }) => sessionInfo(session),
  '/touch': ({ session }) => session.touch(),
  '/delete': ({ session }) => session.delete(),
  '/start-again': ({ session }) => { session.delete(); session.set('text', text(10)) }
}

interface Stored { name: string, value: string, path: string, domain: string }

/** Keeps cookies as a browser does: by name, domain and path, and none that is too long. */
class Browser {
  readonly #app: FastifyInstance
  stored: Stored[] = []

  constructor (app: FastifyInstance) {
    this.#app = app
  }

  get header (): string {
    return this.stored.toSorted((a, b) => b.path.length - a.path.length).map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  get names (): string[] {
    return this.stored.map(({ name }) => name).sort()
  }

  /** The response, of which nothing is kept yet. */
  async ask (url: string): Promise<LightMyRequestResponse> {
    return await get(this.#app, url, this.header === '' ? undefined : this.header)
  }

  async get (url: string): Promise<LightMyRequestResponse> {
    const response = await this.ask(url)
    for (const line of setCookies(response)) this.keep(line)
    return response
  }

  /** Asks for the length of what is stored. */
  async length (): Promise<string> {
    return (await this.get('/get')).body
  }

  keep (line: string): void {
    assert.ok(Buffer.byteLength(line) <= MAX_LINE, `a line of ${line.length} bytes`)
    const [pair = '', ...attributes] = line.split('; ')
    const attribute = (name: string): string => attributes.find(item => item.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
    const [name = '', ...value] = pair.split('=')
    const cookie = { name, value: value.join('='), path: attribute('Path'), domain: attribute('Domain') }
    this.stored = this.stored.filter(other => other.name !== name || other.path !== cookie.path || other.domain !== cookie.domain)
    if (attribute('Max-Age') !== '0') this.stored.push(cookie)
  }

  value (name: string): string {
    return this.stored.find(cookie => cookie.name === name)?.value ?? assert.fail(`no cookie ${name}`)
  }

  replace (name: string, value: string | null): void {
    this.stored = this.stored.flatMap(cookie => cookie.name !== name ? [cookie] : value === null ? [] : [{ ...cookie, value }])
  }
}

async function browserOf (options: object = {}, setup: AppSetup = {}): Promise<Browser> {
  return new Browser(await readyApp({ ...setup, session: { key: newKey(), cookie: { path: '/' }, ...options }, routes }))
}

/** The names of the cookies that a response sets, those that it drops with a minus in front. */
function changes (response: LightMyRequestResponse): string[] {
  return setCookies(response).map(line => `${line.includes('Max-Age=0') ? '-' : ''}${line.split('=')[0]}`)
}

const hex = { encode: (text: string) => Buffer.from(text).toString('hex'), decode: (text: string) => Buffer.from(text, 'hex').toString() }
const secret = 'a secret of the app, for signing'
const appsCookies = (options: object): AppSetup => ({ before: app => app.register(cookiePlugin, options) })

const variants: Record<string, { options?: object, setup?: AppSetup, large?: number }> = {
  secretbox: {},
  sealed: { options: { format: 'sealed' } },
  'a __Host- name': { options: { format: 'sealed', cookieName: '__Host-session', cookie: { path: '/', secure: true } } },
  signed: { options: { cookie: { path: '/', signed: true } } },
  'sealed and signed': { options: { format: 'sealed', cookie: { path: '/', signed: true } } },
  'path and domain': { options: { cookie: { path: '/app', domain: 'example.com', maxAge: 60 } } },
  'the app\'s @fastify/cookie': { setup: appsCookies({}) },
  'the app\'s @fastify/cookie, signed': { options: { cookie: { path: '/', signed: true } }, setup: appsCookies({ secret }) },
  'the app\'s @fastify/cookie with hook: false': { setup: appsCookies({ hook: false }) },
  'the app\'s encode and decode': { setup: appsCookies({ parseOptions: hex }), large: 2000 },
  'the app\'s encode and decode, sealed and signed': { options: { format: 'sealed', cookie: { path: '/', signed: true } }, setup: appsCookies({ parseOptions: hex, secret }), large: 2000 },
  'request.cookies read before': { setup: { after: app => app.addHook('onRequest', async request => { request.cookies.nothing = '' }) } }
}

for (const [variant, { options = {}, setup = {}, large = 4500 }] of Object.entries(variants)) {
  describe(`a session that outgrows one cookie: ${variant}`, 'before' in setup ? ofFastify() : {}, () => {
    const name = (options as { cookieName?: string }).cookieName ?? 'session'

    it('is kept in two, and read again', async () => {
      const browser = await browserOf(options, setup)
      await browser.get('/set/100')
      assert.deepEqual(browser.names, [name])
      assert.deepEqual(changes(await browser.get(`/set/${large}`)), [name, `${name}.1`])
      assert.deepEqual(browser.names, [name, `${name}.1`])
      assert.equal(await browser.length(), String(large))
    })

    it('gives the second one up when it shrinks', async () => {
      const browser = await browserOf(options, setup)
      await browser.get(`/set/${large}`)
      assert.deepEqual(changes(await browser.get('/set/100')), [name, `-${name}.1`])
      assert.deepEqual(browser.names, [name])
      assert.equal(await browser.length(), '100')
      assert.deepEqual(changes(await browser.get('/touch')), [name])
    })

    it('gives both up when it is deleted', async () => {
      const browser = await browserOf(options, setup)
      await browser.get(`/set/${large}`)
      await browser.get('/delete')
      assert.deepEqual(browser.names, [])
    })

    it('gives the second one up when it starts again', async () => {
      const browser = await browserOf(options, setup)
      await browser.get(`/set/${large}`)
      await browser.get('/start-again')
      assert.deepEqual(browser.names, [name])
      assert.equal(await browser.length(), '10')
    })

    it('is not sent when it is only read', async () => {
      const browser = await browserOf(options, setup)
      await browser.get(`/set/${large}`)
      assert.deepEqual(changes(await browser.get('/get')), [])
    })

    it('has the same attributes on all its cookies', async () => {
      const browser = await browserOf(options, setup)
      const lines = setCookies(await browser.get(`/set/${large}`))
      assert.equal(new Set(lines.map(line => line.slice(line.indexOf(';')))).size, 1)
    })
  })
}

for (const format of ['secretbox', 'sealed']) {
  describe(`what a browser sends of a split session: ${format}`, () => {
    /** A browser after `length` characters were stored, and once more. */
    async function twoWrites (length = 4500): Promise<{ browser: Browser, older: Browser }> {
      const browser = await browserOf({ format })
      await browser.get(`/set/${length}`)
      const older = Object.assign(new Browser(null as never), { stored: [...browser.stored] })
      await browser.get(`/set/${length}`)
      return { browser, older }
    }

    const broken: Record<string, (browser: Browser, older: Browser) => void> = {
      'without the second cookie': browser => browser.replace('session.1', null),
      'without the first': browser => browser.replace('session', null),
      'with the first twice': browser => browser.replace('session.1', browser.value('session')),
      'with the second twice': browser => browser.replace('session', browser.value('session.1')),
      exchanged: browser => { const { stored } = browser; browser.stored = stored.map(({ name, ...rest }) => ({ ...rest, name: name === 'session' ? 'session.1' : 'session' })) },
      'mixed from two writes': (browser, older) => browser.replace('session.1', older.value('session.1')),
      'mixed from two writes, the other way': (browser, older) => browser.replace('session', older.value('session')),
      'with another number of cookies': browser => browser.replace('session', browser.value('session').replace('2~', '3~')),
      'cut off': browser => browser.replace('session.1', browser.value('session.1').slice(0, -1)),
      'with an empty second one': browser => browser.replace('session.1', ''),
      'with a foreign second one': browser => browser.replace('session.1', 'foreign'),
      'with the mark alone': browser => { browser.replace('session', '2~'); browser.replace('session.1', '~') },
      'with escapes that are none': browser => { browser.replace('session', '2~%zz'); browser.replace('session.1', '~%') }
    }
    for (const [what, change] of Object.entries(broken)) {
      it(`is an empty session ${what}, and the next write puts it right`, async () => {
        const { browser, older } = await twoWrites()
        change(browser, older)
        const response = await browser.get('/get')
        assert.equal(response.statusCode, 200)
        assert.equal(response.body, 'undefined')
        await browser.get('/set/4500')
        assert.equal(await browser.length(), '4500')
        await browser.get('/delete')
        // What is no chunk of ours is another's cookie.
        assert.deepEqual(browser.stored.filter(({ value }) => value !== 'foreign' && value !== ''), [])
      })
    }

    it('says that a part is missing', async () => {
      const { browser } = await twoWrites()
      browser.replace('session.1', null)
      const { status, reason } = (await browser.get('/info')).json()
      assert.deepEqual({ status, reason }, { status: 'rejected', reason: 'chunk-missing' })
    })

    it('is read beside foreign cookies of similar names, which stay', async () => {
      const { browser } = await twoWrites()
      const foreign = ['session.2', 'session.10', 'session.1x', 'sessionx.1', 'xsession.1', 'session.', 'Session.1', 'session.01']
      for (const name of foreign) browser.keep(`${name}=foreign; Path=/`)
      assert.equal(await browser.length(), '4500')
      await browser.get('/set/10')
      await browser.get('/delete')
      assert.deepEqual(browser.names, foreign.sort())
    })

    it('is read in spite of planted cookies of the same names', async () => {
      const { browser, older } = await twoWrites()
      browser.keep('session=planted; Path=/longer')
      browser.keep('session.1=~planted; Path=/longer')
      assert.equal(await browser.length(), '4500')
      browser.keep('session=2~planted; Path=/longer')
      assert.equal(await browser.length(), '4500')
      browser.keep(`session.1=${older.value('session.1')}; Path=/longer`)
      assert.equal(await browser.length(), '4500')
    })

    it('is the newest of several that open, split or not', async t => {
      const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date'] })
      t.after(() => clock.uninstall())
      const browser = await browserOf({ format })
      await browser.get('/set/4500')
      const [split] = [browser.stored]
      clock.tick(5000)
      browser.stored = []
      await browser.get('/set/4600')
      const newer = browser.stored.map(cookie => ({ ...cookie, path: '/app' }))
      browser.stored = [...split, ...newer]
      assert.equal(await browser.length(), '4600')
      clock.tick(5000)
      browser.stored = []
      await browser.get('/set/100')
      browser.stored = [...split, ...browser.stored.map(cookie => ({ ...cookie, path: '/app' })), ...newer]
      assert.equal(await browser.length(), '100')
    })

    it('is that of the later response where two were under way at once, whatever their sizes', async () => {
      for (const [first, second] of [[4500, 4600], [100, 4500], [4500, 100]] as const) {
        const browser = await browserOf({ format })
        const lines = await Promise.all([first, second].map(async length => setCookies(await browser.ask(`/set/${length}`))))
        for (const line of lines.flat()) browser.keep(line)
        assert.equal(await browser.length(), String(second))
      }
    })

    it('loses what an older write left over with the next write', async () => {
      const { browser } = await twoWrites()
      const stale = { ...browser.stored[1]!, name: 'session.5' } // two were written
      browser.stored.push(stale)
      assert.equal(await browser.length(), '4500')
      assert.deepEqual(changes(await browser.get('/touch')), ['session', 'session.1', '-session.5'])
    })

    const left: Array<[title: string, stored: (parts: string[]) => Record<string, string>, dropped: string[]]> = [
      ['more of them than are counted', ([first, second, third]) => ({ session: first!, 'session.1': second!, 'session.2': third!, 'session.6': third! }), ['session.1', 'session.2', 'session.6']],
      ['a gap in their numbers', ([first, , third]) => ({ session: first!, 'session.2': third! }), ['session.2']],
      ['no first one', ([, second, third]) => ({ 'session.1': second!, 'session.2': third! }), ['session.1', 'session.2']],
      ['a first one that is no chunk', ([, second, third]) => ({ session: 'other', 'session.1': second!, 'session.2': third! }), ['session.1', 'session.2']],
      ['quotes around them', parts => Object.fromEntries(parts.map((part, index) => [index === 0 ? 'session' : `session.${index}`, `"${part}"`])), ['session.1', 'session.2']],
      ['parts of another write', ([first]) => ({ session: first!, 'session.1': '~AAAA~x', 'session.7': '~x' }), ['session.1', 'session.7']]
    ]
    for (const [title, stored, dropped] of left) {
      for (const [url, change] of [['/delete', '-session'], ['/set/10', 'session']] as const) {
        it(`loses all that the request brings of it, with ${title}: ${url}`, async () => {
          const browser = await browserOf({ format, maxChunks: 4 })
          await browser.get('/set/8000')
          const [first, ...parts] = ['session', 'session.1', 'session.2'].map(name => browser.value(name))
          browser.stored = Object.entries({ ...stored([first!, ...parts]), 'session.3': 'foreign' }).map(([name, value]) => ({ name, value, path: '/', domain: '' }))
          assert.deepEqual(changes(await browser.get(url)).toSorted(), [change, ...dropped.map(name => `-${name}`)].toSorted())
          assert.deepEqual(browser.names, [...(url === '/delete' ? [] : ['session']), 'session.3'])
        })
      }
    }

    for (const [title, cookie] of Object.entries({ 'no attributes at all': { path: '', httpOnly: false, sameSite: false }, 'one attribute': { path: '/', httpOnly: false, sameSite: false } })) {
      it(`is written whole, and shorter again, by a cookie with ${title}`, async () => {
        const browser = await browserOf({ format, maxChunks: 4, cookie })
        for (const length of ['10', '8000', '8000', '10', '4500', '10']) {
          await browser.get(`/set/${length}`)
          assert.equal(await browser.length(), length)
        }
      })
    }

    it('is tried 16 times at most', async () => {
      const { lines, server } = logged('debug')
      const app = await readyApp({ session: { key: newKey(), format }, server, routes })
      const header = [...Array(30).keys()].flatMap(n => [`session=8~${n}`, ...[1, 2, 3, 4, 5, 6, 7].map(index => `session.${index}=~${n}`)]).join('; ')
      assert.equal((await get(app, '/get', header)).body, 'undefined')
      assert.equal(lines.filter(({ level, msg }) => level === 20 && /malformed/.test(msg)).length, 16)
    })

    it('is not opened from outside a request by a part, but by the whole token', async () => {
      const { browser } = await twoWrites()
      const app = await readyApp({ session: { key: newKey(), format }, routes })
      const token = tokenWith(app, { text: text(4500) })
      assert.equal(String(app.decodeSecureSession(token)?.get('text')).length, 4500)
      assert.equal(app.decodeSecureSession(browser.value('session')), null)
      assert.equal((await get(app, '/get', `session=${encodeURIComponent(token)}`)).body, '4500', 'a client that is no browser')
    })
  })

  describe(`a session that is too large: ${format}`, () => {
    it('is an error with a code through the app\'s error handler, and the browser keeps what it has', async () => {
      const errors: FastifyError[] = []
      const browser = await browserOf({ format }, { after: app => app.setErrorHandler((error: FastifyError, _request, reply) => { errors.push(error); reply.code(500).send(error.code) }) })
      for (const before of ['100', '4500']) {
        await browser.get(`/set/${before}`)
        const response = await browser.get('/set/6000')
        assert.equal(response.statusCode, 500)
        assert.equal(response.body, TOO_LARGE)
        assert.deepEqual(setCookies(response), [])
        assert.equal(await browser.length(), before)
      }
      assert.equal(errors.length, 2)
      assert.match(errors[0]?.message ?? '', /^the cookie of session "session" would have 8\d{3} bytes, more than fit: maxChunks is 2, for 7168 bytes in all$/)
    })

    it('is an error beyond one cookie with maxChunks: 1', async () => {
      const browser = await browserOf({ format, maxChunks: 1 })
      const response = await browser.get('/set/4500')
      assert.equal(response.json().code, TOO_LARGE)
      assert.match(response.json().message, /maxChunks is 1, for 4096 bytes in all$/)
      assert.deepEqual(setCookies(response), [])
    })

    it('fits with more chunks', async () => {
      const browser = await browserOf({ format, maxChunks: 4 })
      await browser.get('/set/10000')
      assert.deepEqual(browser.names, ['session', 'session.1', 'session.2', 'session.3'])
      assert.equal(await browser.length(), '10000')
      assert.deepEqual(changes(await browser.get('/set/4500')), ['session', 'session.1', '-session.2', '-session.3'])
      assert.equal((await browser.get('/set/11000')).json().code, TOO_LARGE)
    })

    it('is still read where fewer chunks are allowed than before', async () => {
      const key = newKey()
      const browser = await browserOf({ key, format, maxChunks: 4 })
      await browser.get('/set/10000')
      const fewer = Object.assign(await browserOf({ key, format, maxChunks: 1 }), { stored: browser.stored })
      assert.equal(await fewer.length(), '10000')
      await fewer.get('/set/10')
      assert.deepEqual(fewer.names, ['session'])
    })

    it('leaves the cookies of other sessions on the error response', ofFastify(), async () => {
      const app = await readyApp({
        session: ['one', 'two'].map(sessionName => ({ sessionName, key: newKey(), format })),
        routes: {
          '/': request => {
            const { one, two } = request as never as Record<'one' | 'two', typeof request.session>
            one.set('text' as never, text(6000) as never)
            two.set('text' as never, text(4500) as never)
          }
        }
      })
      const response = await get(app)
      assert.equal(response.statusCode, 500)
      assert.deepEqual(changes(response), ['two', 'two.1'])
    })
  })

  describe(`a split session that is sent again: ${format}`, () => {
    it('after a rotation, once, in as many cookies', async () => {
      const keyring = new Keyring(newKey())
      const browser = await browserOf({ key: keyring, format })
      await browser.get('/set/4500')
      keyring.rotate(newKey())
      assert.deepEqual(changes(await browser.get('/get')), ['session', 'session.1'])
      keyring.retire(keyring.ids[1]!) // the older of two
      assert.equal(await browser.length(), '4500')
      assert.deepEqual(changes(await browser.get('/get')), [])
    })

    it('when rolling, with a capped life on each cookie', async t => {
      const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date'] })
      t.after(() => clock.uninstall())
      const browser = await browserOf({ format, rolling: true, expiry: 100, absoluteTimeout: 120, cookie: { path: '/', maxAge: 100 } })
      await browser.get('/set/4500')
      clock.tick(60_000)
      const lines = setCookies(await browser.get('/get'))
      assert.deepEqual(lines.map(line => [line.split('=')[0], /Max-Age=(\d+)/.exec(line)?.[1]]), [['session', '60'], ['session.1', '60']])
      assert.equal(await browser.length(), '4500')
    })

    it('with attributes of this response, on stale cookies as well', async () => {
      const app = await readyApp({
        session: { key: newKey(), format, cookie: { path: '/' } },
        routes: { ...routes, '/move': ({ session }) => { session.options({ path: '/app', sameSite: 'strict' }); session.set('text', 'short') } }
      })
      const browser = new Browser(app)
      await browser.get('/set/4500')
      const lines = setCookies(await browser.get('/move'))
      assert.deepEqual(lines.map(line => line.split('=')[0]), ['session', 'session.1'])
      for (const line of lines) assert.match(line, /; Path=\/app; .*SameSite=Strict/)
    })

    it('in another format, which it is migrated to', async () => {
      const key = newKey()
      const other = format === 'sealed' ? 'secretbox' : 'sealed'
      const browser = await browserOf({ key, format: other })
      await browser.get('/set/4500')
      const migrating = Object.assign(await browserOf({ key, format, accept: ['secretbox', 'sealed'] }), { stored: browser.stored })
      assert.deepEqual(changes(await migrating.get('/get')), ['session', 'session.1'])
      assert.equal((await migrating.get('/info')).json().format, format)
    })
  })

  describe(`the lines of a split session on a response: ${format}`, () => {
    const streamed: Handler = ({ session }, reply) => { session.set('text', text(4500)); return reply.send(Readable.from(['a', 'b'])) }

    it('are all on one that is a stream', async () => {
      const app = await readyApp({ session: { key: newKey(), format }, routes: { ...routes, '/stream': streamed } })
      const browser = new Browser(app)
      const response = await browser.get('/stream')
      assert.equal(response.body, 'ab')
      assert.deepEqual(changes(response), ['session', 'session.1'])
      assert.equal(await browser.length(), '4500')
    })

    const late: Array<[what: string, length: number, names: string[]]> = [
      ['smaller', 10, ['session']],
      ['as large', 4600, ['session', 'session.1']]
    ]
    for (const [what, length, names] of late) {
      for (const url of ['/set/4500', '/stream']) {
        it(`are all replaced by a write in a later onSend hook that makes it ${what}: ${url}`, ofFastify(), async () => {
          const app = await readyApp({
            session: { key: newKey(), format },
            after: app => app.addHook('onSend', async ({ session, url }) => { if (url !== '/get') session.set('text', text(length)) }),
            routes: { ...routes, '/stream': streamed }
          })
          const browser = new Browser(app)
          const response = await browser.get(url)
          assert.deepEqual(changes(response), names)
          assert.equal(await browser.length(), String(length))
        })
      }
    }

    it('are all replaced by a deletion in a later onSend hook', ofFastify(), async () => {
      const app = await readyApp({ session: { key: newKey(), format }, after: app => app.addHook('onSend', async ({ session }) => session.delete()), routes })
      assert.deepEqual(changes(await get(app, '/set/4500')), ['-session'])
    })

    for (const url of ['/set/4500', '/stream']) {
      it(`are all taken back where a later onSend hook makes it too large: ${url}`, ofFastify(), async () => {
        const app = await readyApp({
          session: { key: newKey(), format },
          after: app => app.addHook('onSend', async ({ session }) => session.set('text', text(6000))),
          routes: { ...routes, '/stream': streamed }
        })
        const response = await get(app, url)
        assert.equal(response.statusCode, 500)
        assert.deepEqual(setCookies(response), [])
      })
    }

    it('stand beside the other cookies of the app', async () => {
      const app = await readyApp({
        session: { key: newKey(), format },
        routes: { '/': ({ session }, reply) => { reply.setCookie('a', '1'); session.set('text', text(4500)); reply.header('set-cookie', 'b=2') } }
      })
      const response = await get(app)
      assert.deepEqual(changes(response).sort(), ['a', 'b', 'session', 'session.1'])
      assert.equal(response.headers['cache-control'], 'no-store')
    })
  })
}

describe('a session that fits into one cookie', () => {
  it('is on one line of 4096 bytes, and one byte more makes two', async () => {
    const longest: number[] = []
    for (const cookieName of ['s', 'se', 'ses', 'sess']) { // a token alone does not have every length
      const app = await readyApp({ session: { key: newKey(), format: 'sealed', cookieName }, routes })
      const counts: number[] = []
      for (let length = 2960; length < 3000; length++) {
        const lines = setCookies(await get(app, `/set/${length}`))
        counts.push(lines.length)
        if (lines.length === 1) longest.push(lines[0]?.length ?? 0)
        for (const line of lines) assert.ok(line.length <= MAX_LINE, `${line.length} bytes`)
      }
      assert.deepEqual(counts, counts.toSorted(), 'nothing that is longer fits into one')
      assert.deepEqual([...new Set(counts)], [1, 2])
    }
    assert.equal(Math.max(...longest), MAX_LINE)
  })

  it('is the token as it is, without a mark', async () => {
    for (const format of ['secretbox', 'sealed']) {
      const app = await readyApp({ session: { key: newKey(), format }, routes })
      const [line = ''] = setCookies(await get(app, '/set/2800'))
      const value = decodeURIComponent(line.slice('session='.length).split(';')[0] ?? '')
      assert.equal(String(app.decodeSecureSession(value)?.get('text')).length, 2800)
    }
  })
})

describe('what a hook puts into request.cookies', ofFastify(), () => {
  for (const [which, before] of Object.entries({ own: () => null, 'of the app': (app: FastifyInstance) => app.register(cookiePlugin) })) {
    it(`counts for chunks as well: the ${which} @fastify/cookie`, async () => {
      let held: Record<string, string | undefined> | null = null
      const app = await readyApp({
        session: { key: newKey(), format: 'sealed' },
        before,
        after: app => app.addHook('preHandler', async request => { if (held !== null) request.cookies = held }),
        routes
      })
      const browser = new Browser(app)
      await browser.get('/set/4500')
      const cookies = { session: browser.value('session'), 'session.1': browser.value('session.1') }
      held = cookies
      assert.equal((await get(app, '/get')).body, '4500', 'no header')
      assert.equal((await get(app, '/get', 'session=2~x; session.1=~y')).body, '4500', 'others in the header')
      held = { ...cookies, 'session.1': undefined }
      assert.equal((await get(app, '/get', browser.header)).body, 'undefined', 'the second was taken out')
    })
  }
})

describe('maxChunks', () => {
  for (const [maxChunks, http, warned] of [[2, {}, false], [4, {}, false], [5, {}, true], [8, {}, true], [8, { maxHeaderSize: 32_768 }, false], [2, { maxHeaderSize: 8192 }, true]] as const) {
    it(`${maxChunks} is ${warned ? '' : 'not '}warned about where the server takes ${'maxHeaderSize' in http ? http.maxHeaderSize : 'the default'} of headers`, ofFastify(), async () => {
      const { lines, server } = logged('warn')
      await readyApp({ session: { key: newKey(), maxChunks }, server: { ...server, http } as never, routes })
      assert.deepEqual(warnings(lines).map(({ code }) => code), warned ? ['FST_SEALED_SESSION_WARN_MAX_CHUNKS'] : [])
    })
  }

  it('keeps what it lets through below what Node.js takes, where there is no warning', async t => {
    const app = await readyApp({ session: { key: newKey(), maxChunks: 4 }, routes })
    t.after(async () => await app.close())
    const browser = new Browser(app)
    await browser.get('/set/10200')
    const url = await app.listen({ port: 0 })
    const response = await fetch(`${url}/get`, { headers: { cookie: browser.header, 'x-other': 'x'.repeat(1500) } })
    assert.equal(response.status, 200)
    assert.equal(await response.text(), '10200')
  })
})

describe('a session that is due to be sealed again but does not fit any more', () => {
  for (const format of ['secretbox', 'sealed']) {
    it(`is read as before, with one warning and no cookie, ${format}`, async () => {
      const [older, newer] = [newKey(), newKey()]
      const { lines, server } = logged('warn')
      const wide = await readyApp({ session: { key: older, format, maxChunks: 4 }, routes })
      const narrow = await readyApp({ session: { key: [newer, older], format, maxChunks: 1 }, server, routes })
      const cookie = cookiesOf(await get(wide, '/set/8000'))
      for (let request = 0; request < 3; request++) {
        const response = await get(narrow, '/get', cookie)
        assert.deepEqual([response.statusCode, response.body, setCookies(response)], [200, '8000', []])
      }
      assert.deepEqual(warnings(lines).map(({ code }) => code), ['FST_SEALED_SESSION_WARN_NOT_RENEWED'])
      assert.equal((await get(narrow, '/touch', cookie)).statusCode, 500)
    })
  }
})
