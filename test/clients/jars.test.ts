// Sessions in the cookie jars of other languages: aiohttp, Go, Java. For curl, tough-cookie and Python's
// http.cookies see test/cookies/quoted.test.ts.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { MemoryStore, sessionRevocation } from '../../src/revocation/index.ts'
import { newKey, type LogLine } from '../support/helpers.ts'
import { logged, readyApp, type AppSetup, type Handler } from '../support/app.ts'
import { Client, missing, programs } from './client.ts'

/** Characters of a text that fits into one cookie, and of one that takes two. */
const SHORT = 10
const LONG = 4500

const routes: Record<string, Handler> = {
  '/login': ({ session }) => { session.regenerate(); session.set('user', 'ann') },
  '/me': ({ session }) => `${session.get<string>('user') ?? 'nobody'} ${session.get<string>('text')?.length ?? 0}`,
  '/write/:length': ({ session, params }) => session.set('text', 'x'.repeat(Number((params as { length: string }).length))),
  '/logout': ({ session }) => session.delete(),
  '/header': ({ headers }) => headers.cookie ?? 'no cookie'
}

interface Options {
  format?: 'sealed'
  cookie: { path: string, signed?: boolean, maxAge?: number, httpOnly?: boolean, sameSite?: 'lax' }
}

const kinds: Record<string, Options> = {
  secretbox: { cookie: { path: '/' } },
  sealed: { format: 'sealed', cookie: { path: '/' } },
  'secretbox, signed': { cookie: { path: '/', signed: true } },
  'sealed, signed': { format: 'sealed', cookie: { path: '/', signed: true } },
  'secretbox, with maxAge': { cookie: { path: '/', maxAge: 3600, httpOnly: true, sameSite: 'lax' } },
  'sealed, signed, with maxAge': { format: 'sealed', cookie: { path: '/', maxAge: 3600, signed: true } }
}

/** The URL of a server for one test, and what the server logs. */
async function serve (t: TestContext, options: Options, setup: AppSetup = {}): Promise<{ url: string, lines: LogLine[] }> {
  const { lines, server } = logged()
  const app = await readyApp({ ...setup, server: { ...server, forceCloseConnections: true }, session: { key: newKey(), ...options }, routes })
  t.after(async () => { await app.close() })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), lines }
}

/** Fails if the log tells of a cookie that was refused, or of two sessions in one request. */
function assertAllOpened (lines: readonly LogLine[]): void {
  const told = lines.map(({ msg }) => msg).filter(msg => msg.startsWith('@fastify/secure-session'))
  assert.deepEqual(told.filter(msg => !msg.endsWith('deleting session')), [])
}

/** NAME=VALUE of each cookie that a response sets. */
function pairsOf (response: Response): string[] {
  return response.headers.getSetCookie().map(line => line.split(';', 1)[0] ?? '')
}

/** Cookies of a visitor who logged in and wrote a text: as they stand in Set-Cookie, and before they were encoded. */
async function cookiesToGive (url: string, length: number): Promise<string[][]> {
  const cookie = pairsOf(await fetch(`${url}/login`)).join('; ')
  const pairs = pairsOf(await fetch(`${url}/write/${length}`, { headers: { cookie } }))
  // No cookie can have a semicolon, and no client sends one.
  return [pairs, pairs.map(pair => pair.replaceAll('%2F', '/').replaceAll('%3D', '='))]
}

/** Fails if a header has the cookie of a name in double quotes and should not, or the other way round. */
function assertQuoted (header: string, name: string, isQuoted: boolean): void {
  assert.match(header, new RegExp(`${name}=${isQuoted ? '"[^";]+"' : '[^";]+'}(?:;|$)`))
}

for (const program of programs) {
  describe(`a session in ${program.name}`, { skip: missing(program) }, () => {
    let client: Client
    before(() => { client = new Client(program) })
    after(async () => { await client.end() })

    for (const [kind, options] of Object.entries(kinds)) {
      it(`begins, is read, written, split, made one cookie again, and ends: ${kind}`, async t => {
        const { url, lines } = await serve(t, options)
        const get = async (path: string): Promise<string> => await client.order('get', url + path)
        await client.order('new')
        assert.equal(await get('/me'), '200 nobody 0')
        assert.equal(await get('/login'), '200 done')
        assert.equal(await get('/me'), '200 ann 0')
        for (const length of [SHORT, 100, LONG, SHORT, LONG]) {
          assert.equal(await get(`/write/${length}`), '200 done')
          assert.equal(await get('/me'), `200 ann ${length}`)
          const header = await get('/header')
          assert.equal(header.includes('session.1='), length === LONG, 'a cookie that is no longer needed is gone')
          assertQuoted(header, 'session', program.quotesMaxAge && options.cookie.maxAge !== undefined)
        }
        assert.equal(await get('/logout'), '200 done')
        assert.equal(await get('/header'), '200 no cookie')
        assertAllOpened(lines)
      })

      it(`that was put there by hand opens, is written, and ends: ${kind}`, async t => {
        const { url, lines } = await serve(t, options)
        const get = async (path: string): Promise<string> => await client.order('get', url + path)
        for (const length of [SHORT, LONG]) {
          for (const given of await cookiesToGive(url, length)) {
            await client.order('new')
            await client.order('put', `${url}/`, ...given)
            assert.equal(await get('/me'), `200 ann ${length}`)
            for (const [, name = '', value = ''] of given.map(pair => /^(.*?)=(.*)$/.exec(pair) ?? [])) {
              assertQuoted(await get('/header'), name, program.quotes(value))
            }
            assert.equal(await get(`/write/${SHORT + 1}`), '200 done')
            assert.equal(await get('/me'), `200 ann ${SHORT + 1}`)
            assert.equal(await get('/logout'), '200 done')
            assert.equal(await get('/header'), '200 no cookie')
          }
        }
        assertAllOpened(lines)
      })

      if (program.takesCookies.includes('get')) {
        it(`that is given to one request opens: ${kind}`, async t => {
          const { url, lines } = await serve(t, options)
          await client.order('new')
          for (const length of [SHORT, LONG]) {
            for (const given of await cookiesToGive(url, length)) {
              assert.equal(await client.order('get', `${url}/me`, ...given), `200 ann ${length}`)
            }
          }
          assertAllOpened(lines)
        })
      }

      if (program.takesCookies.includes('new')) {
        it(`that a client begins with opens, and is written: ${kind}`, async t => {
          const { url, lines } = await serve(t, options)
          for (const length of [SHORT, LONG]) {
            for (const given of await cookiesToGive(url, length)) {
              await client.order('new', ...given)
              assert.equal(await client.order('get', `${url}/me`), `200 ann ${length}`)
              assert.equal(await client.order('get', `${url}/write/${SHORT + 1}`), '200 done')
              assert.equal(await client.order('get', `${url}/me`), `200 ann ${SHORT + 1}`)
            }
          }
          assertAllOpened(lines)
        })

        // Such a cookie is of no host, so that the client does not drop it when the server says so.
        it(`that a client begins with, and sends again after its end, is over with revocation: ${kind}`, async t => {
          const { url } = await serve(t, options, { after: app => app.register(sessionRevocation, { store: new MemoryStore() }) })
          for (const length of [SHORT, LONG]) {
            const [given = []] = await cookiesToGive(url, length)
            await client.order('new', ...given)
            assert.equal(await client.order('get', `${url}/me`), `200 ann ${length}`)
            assert.equal(await client.order('get', `${url}/logout`), '200 done')
            assert.match(await client.order('get', `${url}/header`), /session=/)
            assert.equal(await client.order('get', `${url}/me`), '200 nobody 0')
          }
        })
      }
    }
  })
}
