// examples/nestjs, compiled the way its header says, as its clients see it.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { blocks } from '../docs/markdown.ts'
import { ROOT } from '../docs/workspace.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'
import { newKey } from '../support/helpers.ts'
import { Example, FAILING_STORE, cookieOf, runRunner, runTests, tamperedWith } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'session'
const PASSWORD = 'a long password'
const UNAUTHORIZED = { message: 'Unauthorized', statusCode: 401 }

const FOLDER = fileURLToPath(new URL('../../examples/nestjs/', import.meta.url))
const PAGE = readFileSync(new URL('../../docs/guide/nestjs.md', import.meta.url), 'utf8')
const DECLARATIONS = fileURLToPath(new URL('../../dist/cjs/require.d.cts', import.meta.url))

/** What an app has to compile that comes from the peer: the names are its, the package is this one. */
const UNDER_PEERS_NAME = `
import secureSession, { type Session } from '@fastify/secure-session'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyRequest } from 'fastify'

export async function register (app: NestFastifyApplication): Promise<void> {
  await app.register(secureSession, { key: '', format: 'sealed' })
  // @ts-expect-error: an option that there is not
  await app.register(secureSession, { key: '', format: 'unheard of' })
}
export const nameOf = (session: Session, request: FastifyRequest): Array<string | undefined> => [session.name, request.session.get('name')]
`

const RENAMED = join(FOLDER, 'renamed.ts')

/** `set-up.ts` with the lines that the page has for production. The address of its proxy is the one that the tests come from. */
function setUpForProduction (): string {
  const { code = '' } = blocks(PAGE).find(({ language, code }) => language === 'text' && code.includes('trustProxy')) ?? {}
  assert.notEqual(code, '')
  let source = readFileSync(join(FOLDER, 'set-up.ts'), 'utf8')
  for (const line of code.trim().split('\n').map(line => line.trim())) {
    const begin = /^(?:const adapter =|store:) /.exec(line)
    const old = begin === null ? /^(?=import \{ Keyring)/m : new RegExp(`(?<=^ *)${begin[0]}.*$`, 'm')
    assert.match(source, old)
    source = source.replace(old, begin === null ? `${line}\n` : line.replace('10.0.0.1', '127.0.0.1'))
  }
  return source
}

/** Files that the program has beside those of the example. */
const MORE = new Map([
  [RENAMED, UNDER_PEERS_NAME],
  [join(FOLDER, 'set-up-for-production.ts'), setUpForProduction()],
  [join(FOLDER, 'responses.e2e.ts'), readFileSync(new URL('nest/responses.e2e.ts', import.meta.url), 'utf8')]
])

/** The example, and beside it what is only there to be checked. */
function programOf (): ts.Program {
  const onError = (): never => assert.fail('the tsconfig.json cannot be read')
  const config = ts.getParsedCommandLineOfConfigFile(join(FOLDER, 'tsconfig.json'), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: onError })
  assert.ok(config !== undefined)
  const options = { ...config.options, paths: { '@fastify/secure-session': [DECLARATIONS] } }
  const host = ts.createCompilerHost(options)
  const { readFile, writeFile } = host
  host.readFile = path => MORE.get(path) ?? readFile(path)
  host.writeFile = (path, ...rest) => { if (!path.endsWith('renamed.js')) writeFile(path, ...rest) }
  return ts.createProgram([...config.fileNames, ...MORE.keys()], options, host)
}

function messages (diagnostics: readonly ts.Diagnostic[]): string[] {
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('examples/nestjs', () => {
  let example: Example
  let program: ts.Program
  before(async () => {
    program = programOf()
    const own = program.getRootFileNames().filter(name => name !== RENAMED).map(name => program.getSourceFile(name))
    const found = own.flatMap(file => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    assert.deepEqual(messages([...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...found, ...program.emit().diagnostics]), [])
    example = await Example.start('nestjs/dist/main.js', { SESSION_KEYS: KEY })
    for (const name of ['Ada', 'Grace']) await signUp(name)
  })
  after(async () => await example.stop())

  const newCodec = async (): Promise<SessionCodec<object>> => await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE })

  const signUp = async (name: string): Promise<Response> => await example.post('/signup', JSON.stringify({ name, password: PASSWORD }))
  const logIn = async (name = 'Ada'): Promise<string> => await example.logIn(name, PASSWORD)
  const statusOf = async (cookie: string): Promise<number> => (await example.get('/profile', cookie)).status

  /** Sends a request without a body. */
  const send = async (method: string, path: string, cookie: string): Promise<Response> => await fetch(example.url + path, { method, headers: { cookie } })

  /** What the session holds that a response sets. */
  async function sessionIn (response: Response): Promise<object> {
    const opened = (await newCodec()).openCookies(cookieOf(response.headers.get('set-cookie') ?? ''))
    assert.ok(opened?.ok)
    return { ...opened.data }
  }

  it('is the code that docs/guide/nestjs.md prints', () => {
    const page = blocks(PAGE)
    const printed = page.filter(({ language }) => language === 'ts').map(({ prelude, code }) => ({ file: prelude.replace(/^file /, ''), code }))
    const files = readdirSync(FOLDER).filter(name => name.endsWith('.ts'))
    assert.deepEqual(printed.map(({ file }) => file).sort(), files.sort())
    for (const { file, code } of printed) assert.equal(code, readFileSync(join(FOLDER, file), 'utf8'), file)
  })

  it('passes its own end-to-end test, with @nestjs/testing and sessionCookies', async () => {
    await runTests(join(FOLDER, 'dist/app.e2e.js'))
  })

  it('brings the cookie with each kind of response of Nest', async () => {
    await runTests(join(FOLDER, 'dist/responses.e2e.js'))
  })

  it('passes its end-to-end test in the opposite order', async t => {
    const [start = '', ...tests] = readFileSync(join(FOLDER, 'dist/app.e2e.js'), 'utf8').split(/^(?=test\()/m)
    assert.ok(tests.length > 3)
    const file = join(FOLDER, 'dist/reversed.e2e.js')
    t.after(() => { rmSync(file) })
    writeFileSync(file, [start, ...tests.reverse()].join('\n'))
    await runTests(file)
  })

  it('passes its end-to-end test in the Vitest of `nest new`, with the imports that the page shows', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-'))
    t.after(() => { rmSync(folder, { recursive: true, force: true }) })
    const { code: imports = '' } = blocks(PAGE).find(({ language, code }) => language === 'text' && code.includes("'vitest'")) ?? {}
    let spec = readFileSync(join(FOLDER, 'dist/app.e2e.js'), 'utf8')
    for (const line of imports.trim().split('\n')) {
      const module = /'(?:\.\.\/src\/)?([\w.-]+)'$/.exec(line)?.[1] ?? ''
      const old = new RegExp(`^import .* from '(?:\\./${module}|${module.replace('vitest', 'node:test')})';$`, 'm')
      assert.match(spec, old)
      spec = spec.replace(old, line)
    }
    cpSync(join(FOLDER, 'dist'), join(folder, 'src'), { recursive: true, filter: source => !source.endsWith('.e2e.js') })
    mkdirSync(join(folder, 'test'))
    writeFileSync(join(folder, 'test/app.e2e-spec.js'), spec)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
    writeFileSync(join(folder, 'vitest.config.js'), "export default { test: { globals: true, include: ['**/*.e2e-spec.js'] } }")
    mkdirSync(join(folder, 'node_modules'))
    for (const name of ['@nestjs', 'reflect-metadata', 'rxjs', 'vitest', 'zod']) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
    symlinkSync(ROOT, join(folder, 'node_modules/fastify-sealed-session'))
    assert.match(await runRunner([join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run'], folder), /Tests +7 passed/)
  })

  it('logs in with a cookie that no script sees, and shows the profile of whoever sends it', async () => {
    const line = await logIn('Grace')
    assert.match(line, /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    const response = await example.get('/profile', cookieOf(line))
    assert.deepEqual(await response.json(), { name: 'Grace', visits: 1 })
    const next = await example.get('/profile', cookieOf(response.headers.get('set-cookie') ?? ''))
    assert.deepEqual(await next.json(), { name: 'Grace', visits: 2 })
  })

  it('answers 401 to whoever is not logged in, and says no more', async () => {
    const codec = await newCodec()
    for (const cookie of [undefined, `${COOKIE}=garbage`, tamperedWith(cookieOf(await logIn())), `${COOKIE}=${codec.seal({})}`]) {
      for (const path of ['/profile', '/events']) {
        const response = await example.get(path, cookie)
        assert.deepEqual([response.status, await response.json(), response.headers.get('set-cookie')], [401, UNAUTHORIZED, null])
      }
    }
  })

  it('keeps nothing of a session from before the login', async () => {
    const codec = await newCodec()
    const response = await fetch(`${example.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `${COOKIE}=${codec.seal({ visits: 41 })}` },
      body: JSON.stringify({ name: 'Ada', password: PASSWORD })
    })
    assert.deepEqual(await sessionIn(response), { name: 'Ada' })
  })

  it('tells the browser to drop the cookie at a logout', async () => {
    const response = await example.post('/logout', '{}')
    assert.equal(response.status, 204)
    assert.match(response.headers.get('set-cookie') ?? '', /^session=; Max-Age=0; Path=\/;.* HttpOnly; SameSite=Lax$/)
  })

  it('ends a session for every copy of its cookie at a logout', async () => {
    const [cookie, other] = [cookieOf(await logIn()), cookieOf(await logIn())]
    assert.equal((await send('POST', '/logout', cookie)).status, 204)
    assert.deepEqual([await statusOf(cookie), await statusOf(other)], [401, 200])
  })

  it('ends all sessions of a user at a logout everywhere, and those of no other user', async () => {
    const [laptop, phone, other] = [cookieOf(await logIn()), cookieOf(await logIn()), cookieOf(await logIn('Grace'))]
    assert.equal((await send('POST', '/logout-everywhere', '')).status, 401)
    assert.equal((await send('POST', '/logout-everywhere', laptop)).status, 204)
    assert.deepEqual([await statusOf(laptop), await statusOf(phone), await statusOf(other)], [401, 401, 200])
    assert.equal(await statusOf(cookieOf(await logIn())), 200)
  })

  it('takes neither a login nor a logout from a form, which any site can have a browser send', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
      for (const path of ['/login', '/logout']) {
        const response = await example.post(path, 'name=Eve', type)
        assert.deepEqual([response.status, response.headers.get('set-cookie')], [415, null], `${path} ${type}`)
      }
    }
  })

  it('refuses a login that is not what it expects, and begins no session', async () => {
    const wrong = [{ name: 1 }, { name: '' }, { name: 'x'.repeat(41) }, { password: 1 }, { password: 'x'.repeat(129) }]
    for (const body of ['{', '{}', '{"name":"Ada"}', ...wrong.map(part => JSON.stringify({ name: 'Ada', password: PASSWORD, ...part }))]) {
      const response = await example.post('/login', body)
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [400, null], body)
    }
  })

  it('takes a login with the password of the user only, with one answer for a wrong password and for an unknown name', async () => {
    const refused = await Promise.all([['Ada', 'another password'], ['Eve', PASSWORD]].map(async ([name, password]) => await example.post('/login', JSON.stringify({ name, password }))))
    for (const response of refused) assert.deepEqual([response.status, await response.json(), response.headers.get('set-cookie')], [401, UNAUTHORIZED, null])
  })

  it('does not give the name of a user to another one', async () => {
    assert.equal((await example.post('/signup', JSON.stringify({ name: 'Ada', password: 'another password' }))).status, 409)
    assert.equal(await statusOf(cookieOf(await logIn('Ada'))), 200)
  })

  it('sends the cookie with server-sent events', async () => {
    const { headers } = await example.get('/profile', cookieOf(await logIn('Grace')))
    const response = await example.get('/events', cookieOf(headers.get('set-cookie') ?? ''))
    assert.match(await response.text(), /^data: Hello Grace$/m)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    assert.deepEqual(await sessionIn(response), { name: 'Grace', visits: 0 })
  })

  it('removes an account only soon after a login, and ends all its sessions with it', async () => {
    await signUp('Edsger')
    const old = cookieOf(await logIn('Edsger'))
    await example.wait(300)
    const refused = await send('DELETE', '/account', old)
    assert.deepEqual([refused.status, (await refused.json() as { code: string }).code], [403, 'FRESH_LOGIN_REQUIRED'])
    const removed = await send('DELETE', '/account', cookieOf(await logIn('Edsger')))
    assert.deepEqual([removed.status, /Max-Age=0/.test(removed.headers.get('set-cookie') ?? '')], [204, true])
    assert.deepEqual([await statusOf(old), await logIn('Edsger')], [401, ''])
    assert.equal((await send('DELETE', '/account', '')).status, 401)
  })

  it('refuses what a page of another site makes a browser send', async () => {
    const cookie = cookieOf(await logIn())
    const response = await fetch(`${example.url}/logout`, { method: 'POST', headers: { cookie, 'sec-fetch-site': 'cross-site' } })
    assert.deepEqual([response.status, await statusOf(cookie)], [403, 200])
  })

  it('tells of an outage of its store in its log', async () => {
    const failing = await Example.start('nestjs/dist/main.js', { SESSION_KEYS: KEY, ...FAILING_STORE })
    try {
      await failing.post('/signup', JSON.stringify({ name: 'Ada', password: PASSWORD }))
      const cookie = cookieOf(await failing.logIn('Ada', PASSWORD))
      await failing.setStore('down')
      const response = await fetch(`${failing.url}/logout`, { method: 'POST', headers: { cookie } })
      assert.equal(response.status, 503)
      assert.match(failing.output, /"level":50.*FST_SEALED_SESSION_STORE_UNAVAILABLE/)
    } finally {
      await failing.stop()
    }
  })

  it('answers an error of a hook with its status and message, and without its code', async () => {
    const response = await fetch(`${example.url}/logout`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    assert.deepEqual(Object.keys(await response.json() as object).sort(), ['message', 'statusCode'])
  })

  it('answers 401 once the session has expired', async () => {
    const cookie = cookieOf(await logIn())
    await example.wait(15 * 60)
    assert.equal((await example.get('/profile', cookie)).status, 401)
  })

  it('has the same types where the package is installed under the name of the peer', () => {
    assert.deepEqual(messages(program.getSemanticDiagnostics(program.getSourceFile(RENAMED))), [])
  })

  it('sets the cookie __Host-session in production', async () => {
    const production = await Example.start('nestjs/dist/main.js', { SESSION_KEYS: KEY, NODE_ENV: 'production' })
    try {
      await production.post('/signup', JSON.stringify({ name: 'Ada', password: PASSWORD }))
      assert.match(await production.logIn('Ada', PASSWORD), /^__Host-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    } finally {
      await production.stop()
    }
  })

  describe('with the lines for production', { skip: noRedis }, () => {
    const production = join(FOLDER, 'dist/production')
    let redis: RedisServer
    before(async () => {
      redis = await RedisServer.create()
      const files = readdirSync(join(FOLDER, 'dist')).filter(name => name.endsWith('.js'))
      for (const file of files) cpSync(join(FOLDER, 'dist', file), join(production, file))
      cpSync(join(FOLDER, 'dist/set-up-for-production.js'), join(production, 'set-up.js'))
    })
    after(async () => {
      rmSync(production, { recursive: true, force: true })
      await redis.remove()
    })

    const start = async (): Promise<Example> => await Example.start('nestjs/dist/production/main.js', { SESSION_KEYS: KEY, NODE_ENV: 'production', REDIS_URL: `redis://127.0.0.1:${redis.port}` })

    it('keeps a logout everywhere over a restart', async () => {
      let app = await start()
      try {
        await app.post('/signup', JSON.stringify({ name: 'Ada', password: PASSWORD }))
        const [laptop, phone] = [cookieOf(await app.logIn('Ada', PASSWORD)), cookieOf(await app.logIn('Ada', PASSWORD))]
        assert.equal((await app.get('/profile', phone)).status, 200)
        await fetch(`${app.url}/logout-everywhere`, { method: 'POST', headers: { cookie: laptop } })
        await app.stop()
        app = await start()
        assert.equal((await app.get('/profile', phone)).status, 401)
      } finally {
        await app.stop()
      }
    })

    it('trusts what its proxy says: over TLS, the same name without TLS is another origin', async () => {
      const app = await start()
      const statusAt = async (url: string): Promise<number> =>
        (await fetch(`${url}/logout`, { method: 'POST', headers: { 'x-forwarded-proto': 'https', origin: url } })).status
      try {
        assert.deepEqual([await statusAt(app.url), await statusAt(example.url)], [403, 204])
      } finally {
        await app.stop()
      }
    })

    it('goes on while Redis is away, says so in its log, and ends all the same', async () => {
      const app = await start()
      let ended = false
      try {
        await app.post('/signup', JSON.stringify({ name: 'Ada', password: PASSWORD }))
        const cookie = cookieOf(await app.logIn('Ada', PASSWORD))
        await redis.stop()
        await app.printed(/"level":40.*(?:ECONNREFUSED|Socket closed)/)
        assert.equal((await app.get('/profile', cookie)).status, 503)
        assert.equal((await app.get('/profile')).status, 401)
        await app.stop()
        ended = true
      } finally {
        if (!ended) await app.stop()
        await redis.start()
      }
    })
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), null, 'Nest ends the process with the signal itself, after its hooks')
  })
})
