// examples/nestjs, compiled the way its header says, as its clients see it.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { blocks } from '../docs/markdown.ts'
import { newKey } from '../support/helpers.ts'
import { Example, cookieOf, runTests, tamperedWith } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'nestjs-example'
const UNAUTHORIZED = { message: 'Unauthorized', statusCode: 401 }

const FOLDER = fileURLToPath(new URL('../../examples/nestjs/', import.meta.url))
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

/** The example, and beside it what is only there to be checked. */
function programOf (): ts.Program {
  const onError = (): never => assert.fail('the tsconfig.json cannot be read')
  const config = ts.getParsedCommandLineOfConfigFile(join(FOLDER, 'tsconfig.json'), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: onError })
  assert.ok(config !== undefined)
  const options = { ...config.options, paths: { '@fastify/secure-session': [DECLARATIONS] } }
  const host = ts.createCompilerHost(options)
  const { readFile, writeFile } = host
  host.readFile = path => path === RENAMED ? UNDER_PEERS_NAME : readFile(path)
  host.writeFile = (path, ...rest) => { if (!path.endsWith('renamed.js')) writeFile(path, ...rest) }
  return ts.createProgram([...config.fileNames, RENAMED], options, host)
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
    example = await Example.start('nestjs/dist/main.js', { SESSION_KEY: KEY })
  })
  after(async () => await example.stop())

  const newCodec = async (): Promise<SessionCodec<object>> => await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE })

  /** What the session holds that a response sets. */
  async function sessionIn (response: Response): Promise<object> {
    const opened = (await newCodec()).openCookies(cookieOf(response.headers.get('set-cookie') ?? ''))
    assert.ok(opened?.ok)
    return { ...opened.data }
  }

  it('is the code that docs/guide/nestjs.md prints', () => {
    const page = blocks(readFileSync(new URL('../../docs/guide/nestjs.md', import.meta.url), 'utf8'))
    const printed = page.filter(({ language }) => language === 'ts').map(({ prelude, code }) => ({ file: prelude.replace(/^file /, ''), code }))
    const files = readdirSync(FOLDER).filter(name => name.endsWith('.ts') && !['app.module.ts', 'users.service.ts'].includes(name))
    assert.deepEqual(printed.map(({ file }) => file).sort(), files.sort())
    for (const { file, code } of printed) assert.equal(code, readFileSync(join(FOLDER, file), 'utf8'), file)
  })

  it('passes its own end-to-end test, with @nestjs/testing and sessionCookies', async () => {
    await runTests(join(FOLDER, 'dist/app.e2e.js'))
  })

  it('logs in with a cookie that no script sees, and shows the profile of whoever sends it', async () => {
    const line = await example.logIn('Grace')
    assert.match(line, /^nestjs-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    const response = await example.get('/profile', cookieOf(line))
    assert.deepEqual(await response.json(), { name: 'Grace', visits: 1 })
    const next = await example.get('/profile', cookieOf(response.headers.get('set-cookie') ?? ''))
    assert.deepEqual(await next.json(), { name: 'Grace', visits: 2 })
  })

  it('answers 401 to whoever is not logged in, and says no more', async () => {
    const codec = await newCodec()
    for (const cookie of [undefined, `${COOKIE}=garbage`, tamperedWith(cookieOf(await example.logIn())), `${COOKIE}=${codec.seal({})}`]) {
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
      body: '{"name":"Ada"}'
    })
    assert.deepEqual(await sessionIn(response), { name: 'Ada' })
  })

  it('tells the browser to drop the cookie at a logout', async () => {
    const response = await example.post('/logout', '{}')
    assert.equal(response.status, 204)
    assert.match(response.headers.get('set-cookie') ?? '', /^nestjs-example=; Max-Age=0; Path=\/;.* HttpOnly; SameSite=Lax$/)
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
    for (const body of ['{', '{}', '{"name":1}', '{"name":""}', JSON.stringify({ name: 'x'.repeat(41) })]) {
      const response = await example.post('/login', body)
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [400, null], body)
    }
  })

  it('sends the cookie with server-sent events', async () => {
    const { headers } = await example.get('/profile', cookieOf(await example.logIn('Grace')))
    const response = await example.get('/events', cookieOf(headers.get('set-cookie') ?? ''))
    assert.match(await response.text(), /^data: Hello Grace$/m)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    assert.deepEqual(await sessionIn(response), { name: 'Grace', visits: 0 })
  })

  it('removes an account only soon after a login, and ends the session with it', async () => {
    const remove = async (cookie: string): Promise<Response> => await fetch(`${example.url}/account`, { method: 'DELETE', headers: { cookie } })
    const old = cookieOf(await example.logIn())
    await example.wait(300)
    const refused = await remove(old)
    assert.deepEqual([refused.status, (await refused.json() as { code: string }).code], [403, 'FRESH_LOGIN_REQUIRED'])
    const removed = await remove(cookieOf(await example.logIn()))
    assert.deepEqual([removed.status, /Max-Age=0/.test(removed.headers.get('set-cookie') ?? '')], [204, true])
    assert.equal((await remove('')).status, 401)
  })

  it('answers 401 once the session has expired', async () => {
    const cookie = cookieOf(await example.logIn())
    await example.wait(15 * 60)
    assert.equal((await example.get('/profile', cookie)).status, 401)
  })

  it('has the same types where the package is installed under the name of the peer', () => {
    assert.deepEqual(messages(program.getSemanticDiagnostics(program.getSourceFile(RENAMED))), [])
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), null, 'Nest ends the process with the signal itself, after its hooks')
  })
})
