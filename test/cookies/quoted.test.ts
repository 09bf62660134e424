// A cookie's value in double quotes: RFC 6265, section 4.1.1. And what clients make of cookies that they
// were sent: Python, curl, Node.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { createSessionCodec, type SecureSessionPluginOptions } from '../../src/index.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { get, logged, ofFastify, readyApp, type AppSetup, type Handler } from '../support/app.ts'

const run = promisify(execFile)
const text = (length: number): string => 'x'.repeat(length)

const routes: Record<string, Handler> = {
  '/set/:length': ({ session, params }) => session.set('text', text(Number((params as { length: string }).length))),
  '/get': ({ session }) => String(session.get<string>('text')?.length),
  '/delete': ({ session }) => session.delete()
}

const secret = 'a secret of the app, for signing'
const ways: Record<string, AppSetup> = {
  'on its own': {},
  'where request.cookies was read before': { after: app => app.addHook('onRequest', async request => { assert.ok(request.cookies) }) },
  "with the app's @fastify/cookie": { before: app => app.register(cookiePlugin, { secret }) },
  "with the app's @fastify/cookie and hook: false": { before: app => app.register(cookiePlugin, { secret, hook: false }) }
}
const kinds: Record<string, object> = {
  secretbox: {},
  sealed: { format: 'sealed' },
  'secretbox, signed': { cookie: { path: '/', signed: true } },
  'sealed, signed': { format: 'sealed', cookie: { path: '/', signed: true } }
}

/** The pairs of a session's cookies, as a browser sends them. */
async function pairsOf (app: FastifyInstance, length: number): Promise<string[]> {
  return setCookies(await get(app, `/set/${length}`)).map(line => line.split(';', 1)[0] ?? '')
}

const quote = (pair: string): string => pair.replace(/=(.*)$/, '="$1"')

for (const [kind, options] of Object.entries(kinds)) {
  for (const [way, setup] of Object.entries(ways)) {
    it(`a value in double quotes opens, whole and split: ${kind}, ${way}`, 'before' in setup ? ofFastify() : {}, async () => {
      const { lines, server } = logged()
      const app = await readyApp({ ...setup, server, session: { key: newKey(), cookie: { path: '/' }, ...options }, routes })
      for (const length of [10, 100, 4500]) {
        const pairs = await pairsOf(app, length)
        assert.equal(pairs.length, length === 4500 ? 2 : 1)
        assert.equal((await get(app, '/get', pairs.map(quote).join('; '))).body, String(length))
        assert.equal((await get(app, '/get', pairs.map((pair, index) => index === 0 ? pair : quote(pair)).join('; '))).body, String(length))
        // Clients decode a value before they quote it, or do not.
        assert.equal((await get(app, '/get', pairs.map(pair => quote(pair.replaceAll('%2F', '/').replaceAll('%3D', '='))).join(';'))).body, String(length))
      }
      assert.deepEqual(lines.filter(({ msg }) => msg.startsWith('@fastify/secure-session')), [], 'nothing was refused on the way')
    })
  }

  it(`a value in double quotes opens with a codec, whole and split: ${kind}`, async () => {
    const config = { key: newKey(), cookie: { path: '/' }, ...options }
    const app = await readyApp({ session: config, routes })
    const codec = await createSessionCodec<{ text: string }>(config as SecureSessionPluginOptions)
    for (const length of [10, 4500]) {
      const header = (await pairsOf(app, length)).map(quote).join('; ')
      const opened = codec.openCookies(header, kind.endsWith('signed') ? app.unsignCookie : undefined)
      assert.equal(opened?.ok === true && opened.data.text.length, length)
    }
  })
}

describe('a deletion', () => {
  it('drops the parts of a session that come in double quotes', async () => {
    const app = await readyApp({ session: { key: newKey(), cookie: { path: '/' } }, routes })
    const header = (await pairsOf(app, 4500)).map(quote).join('; ')
    assert.deepEqual(setCookies(await get(app, '/delete', header)).map(line => line.split(';', 1)[0]), ['session=', 'session.1='])
  })
})

/** Whether a program can be run. */
async function has (program: string, argument: string): Promise<boolean> {
  return await run(program, [argument]).then(() => true, () => false)
}

// Reads the Set-Cookie lines of each response, and prints the Cookie header for them: with the values as they came, with the
// same that it was given, and with decoded ones, as frameworks do, which http.cookies quotes if it has to.
const PYTHON = `
import json, sys
from http.cookies import SimpleCookie
from urllib.parse import unquote
show = lambda cookies: cookies.output(attrs=[], header='', sep=';').strip()
def answers(lines):
    jar, again, decoded = SimpleCookie(), SimpleCookie(), SimpleCookie()
    for line in lines: jar.load(line)
    for m in jar.values():
        again[m.key] = m.coded_value
        decoded[m.key] = unquote(m.value).replace(';', '%3B')
    return ['; '.join(m.key + '=' + m.coded_value for m in jar.values()), show(again), show(decoded)]
print(json.dumps([answers(lines) for lines in json.load(sys.stdin)]))
`

async function askPython (responses: ReadonlyArray<readonly string[]>): Promise<string[][]> {
  const child = run('python3', ['-c', PYTHON])
  child.child.stdin?.end(JSON.stringify(responses))
  return JSON.parse((await child).stdout) as string[][]
}

const hasPython = await has('python3', '--version')
const hasCurl = await has('curl', '--version')

/** What is used of tough-cookie. */
interface Tough {
  CookieJar: new () => { setCookieSync: (line: string, url: string) => unknown, getCookieStringSync: (url: string) => string }
}

const tough = await import('tough-cookie' as string).catch(() => null) as Tough | null

for (const [kind, options] of Object.entries(kinds)) {
  describe(`clients: ${kind}`, () => {
    it('http.cookies of Python sends what it was sent, without quotes', { skip: !hasPython && 'there is no python3' }, async () => {
      const app = await readyApp({ session: { key: newKey(), cookie: { path: '/' }, ...options }, routes })
      const lengths = [10, 50, 100, 200, 4500]
      const answers = await askPython(await Promise.all(lengths.map(async length => setCookies(await get(app, `/set/${length}`)))))
      for (const [index, length] of lengths.entries()) {
        const [sent = '', again = '', decoded = ''] = answers[index] ?? []
        assert.doesNotMatch(sent + again, /"/)
        for (const header of [sent, again, decoded]) assert.equal((await get(app, '/get', header)).body, String(length), header)
      }
    })

    it('curl keeps it in a jar and sends it', { skip: !hasCurl && 'there is no curl' }, async t => {
      const app = await readyApp({ session: { key: newKey(), cookie: { path: '/' }, ...options }, routes })
      const folder = await mkdtemp(join(tmpdir(), 'sealed-session-'))
      t.after(async () => { await app.close(); await rm(folder, { recursive: true }) })
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      for (const length of [10, 100, 4500]) {
        const curl = async (path: string): Promise<string> => (await run('curl', ['-sS', '--noproxy', '*', '-b', join(folder, 'jar'), '-c', join(folder, 'jar'), url + path])).stdout
        await curl(`/set/${length}`)
        assert.equal(await curl('/get'), String(length))
      }
    })

    it('tough-cookie keeps it in a jar and sends it', { skip: tough === null && 'tough-cookie is not installed' }, async () => {
      const app = await readyApp({ session: { key: newKey(), cookie: { path: '/' }, ...options }, routes })
      for (const length of [10, 100, 4500]) {
        const jar = new tough!.CookieJar() // or this is skipped
        for (const line of setCookies(await get(app, `/set/${length}`))) jar.setCookieSync(line, 'http://localhost/')
        assert.equal((await get(app, '/get', jar.getCookieStringSync('http://localhost/'))).body, String(length))
      }
    })
  })
}
