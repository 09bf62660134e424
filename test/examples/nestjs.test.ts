// examples/nestjs, compiled the way its header says, as its clients see it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { newKey } from '../helpers.ts'
import { Example, cookieOf, tamperedWith } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'nestjs-example'
const UNAUTHORIZED = { message: 'Unauthorized', statusCode: 401 }

/** Compiles a project. @returns what the compiler has to say */
function compile (tsconfig: string): string[] {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (): never => assert.fail('the tsconfig.json cannot be read') }
  const config = ts.getParsedCommandLineOfConfigFile(tsconfig, {}, host)
  assert.ok(config !== undefined)
  const program = ts.createProgram(config.fileNames, config.options)
  const { diagnostics } = program.emit()
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('examples/nestjs', () => {
  let example: Example
  before(async () => {
    assert.deepEqual(compile(fileURLToPath(new URL('../../examples/nestjs/tsconfig.json', import.meta.url))), [])
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

  it('answers 401 once the session has expired', async () => {
    const cookie = cookieOf(await example.logIn())
    await example.wait(15 * 60)
    assert.equal((await example.get('/profile', cookie)).status, 401)
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), null, 'Nest ends the process with the signal itself, after its hooks')
  })
})
