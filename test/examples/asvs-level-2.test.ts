// examples/asvs-level-2 in Chromium, behind a proxy that has TLS: each item of OWASP ASVS that its README.md names.
import assert from 'node:assert/strict'
import { connect, type AddressInfo } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser, Response as PageResponse } from 'playwright-core'
import { createClient } from 'redis'
import { otherSite, pageAt, planting } from '../browser/other-site.ts'
import { read, titlesOf } from '../docs/source.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'
import { Visitor, launch, listen, noBrowser, tls } from '../support/browser.ts'
import { Example } from './example.ts'
import { Provider } from './provider.ts'

const COOKIE = '__Host-session'
const MINUTE = 60
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const pathOf = ({ page }: Visitor): string => new URL(page.url()).pathname

/** Sends a form of the page, the first one with this action. @returns the answer after all redirects */
async function submit ({ page }: Visitor, action: string, fields: Record<string, string> = {}): Promise<PageResponse> {
  const form = page.locator(`form[action="${action}"]`).first()
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value)
  const [response] = await Promise.all([page.waitForNavigation(), form.locator('button').click()])
  return response ?? assert.fail('no answer')
}

/** Sends a form that the page does not have, as a user can who is up to no good. @returns the status of the answer */
async function forge ({ page }: Visitor, action: string, fields: Record<string, string>): Promise<number | undefined> {
  const sending = page.evaluate(`{
    const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(action)} })
    for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.append(Object.assign(document.createElement('input'), { name, value }))
    document.body.append(form)
    form.submit()
  }`)
  const [response] = await Promise.all([page.waitForNavigation(), sending])
  return response?.status()
}

describe('examples/asvs-level-2', { skip: noBrowser || noRedis }, () => {
  let redis: RedisServer
  let example: Example
  let proxy: Server
  let browser: Browser
  let attacker: FastifyInstance
  let visitors: Visitor[]
  let origin: string
  /** Pages of another site, and of a subdomain. */
  let others: [site: string, subdomain: string]
  const passwords = { ada: 'analytical engine', grace: 'a nanosecond of wire' }

  before(async () => {
    redis = await RedisServer.create()
    example = await Example.start('asvs-level-2/server.js', { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
    proxy = await terminator(Number(new URL(example.url).port))
    origin = `https://app.test:${(proxy.address() as AddressInfo).port}`
    attacker = otherSite()
    const port = await listen(attacker)
    others = [`https://other.test:${port}`, `https://sub.app.test:${port}`]
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await attacker?.close()
    proxy?.close()
    await example?.stop()
    await redis?.remove()
  })
  beforeEach(async () => {
    visitors = []
    await example.wait(1) // its clock stands still, and the revocations of the last test count until its time
  })
  afterEach(async () => {
    for (const visitor of visitors) await visitor.leave()
    const client = await createClient({ url: `redis://127.0.0.1:${redis.port}` }).connect()
    await client.flushAll() // the next test has no sessions of this one
    client.destroy()
  })

  /** Somebody with a browser of their own. */
  async function enter (userAgent?: string): Promise<Visitor> {
    const visitor = await Visitor.enter(browser)
    if (userAgent !== undefined) await visitor.context.setExtraHTTPHeaders({ 'user-agent': userAgent })
    visitors.push(visitor)
    return visitor
  }

  /** Opens a page. @returns the path where the browser arrives */
  async function go (visitor: Visitor, path = '/'): Promise<string> {
    await visitor.page.goto(origin + path)
    return pathOf(visitor)
  }

  /** @returns the status of the answer */
  async function logIn (visitor: Visitor, name: keyof typeof passwords = 'ada', password = passwords[name]): Promise<number> {
    await go(visitor, '/login')
    return (await submit(visitor, '/login', { name, password })).status()
  }

  async function loggedIn (name: keyof typeof passwords = 'ada', userAgent?: string): Promise<Visitor> {
    const visitor = await enter(userAgent)
    assert.equal(await logIn(visitor, name), 200)
    assert.match(await visitor.text(), new RegExp(`Hello ${name}`))
    return visitor
  }

  async function confirm (visitor: Visitor, password = passwords.ada): Promise<number> {
    await go(visitor, '/confirm')
    return (await submit(visitor, '/confirm', { password })).status()
  }

  const tokenOf = async (visitor: Visitor): Promise<string | undefined> => (await visitor.cookies()).get(COOKIE)?.value

  async function heldToken (visitor: Visitor): Promise<string> {
    return await tokenOf(visitor) ?? assert.fail('no session')
  }

  /** True if somebody with this copy of a cookie, who needs no browser, sees the page of a user. */
  async function opens (token: string): Promise<boolean> {
    const response = await fetch(example.url, { headers: { cookie: `${COOKIE}=${token}` }, redirect: 'manual' })
    if (response.status === 200) assert.match(await response.text(), /Hello /)
    else assert.equal(response.headers.get('location'), '/login')
    return response.status === 200
  }

  const sessions = async (visitor: Visitor): Promise<string[]> => {
    await go(visitor)
    return await visitor.page.locator('li').allInnerTexts()
  }

  it('is one app of under 80 lines, with all that concerns its sessions', () => {
    const program = read('examples/asvs-level-2/server.js')
    assert.ok(program.trimEnd().split('\n').length < 80)
    for (const name of ['sessionRevocation', 'sessionRegistry', 'crossOriginProtection', 'requireSession', 'requireFresh', 'authenticated']) {
      assert.ok(program.includes(`${name}(`) || program.includes(`app.register(${name}`), name)
    }
    for (const file of ['pages.js', 'database.js']) assert.doesNotMatch(read(`examples/asvs-level-2/${file}`), /\bapp\.(?!register\(formbody|setErrorHandler)|from 'fastify-sealed-session/)
  })

  it('has a test for each item that its README.md names', () => {
    const items = [...read('examples/asvs-level-2/README.md').matchAll(/^\| (\d+\.\d+\.\d+) \|/gm)].map(([, item]) => item)
    const tested = titlesOf(read('test/examples/asvs-level-2.test.ts')).flatMap(title => /^\d+\.\d+\.\d+/.exec(title) ?? [])
    assert.ok(items.length > 0)
    assert.deepEqual(items, tested)
  })

  it('3.3.1: the cookie is Secure, with a __Host- name', async () => {
    const visitor = await enter()
    const answer = visitor.page.waitForResponse(response => response.request().method() === 'POST')
    await logIn(visitor)
    assert.match(await (await answer).headerValue('set-cookie') ?? '', /^__Host-session=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    const { name, secure, path, domain } = await visitor.cookie()
    assert.deepEqual({ name, secure, path, domain }, { name: COOKIE, secure: true, path: '/', domain: 'app.test' })
  })

  it('3.3.2: the cookie is SameSite=Lax, so that it comes with a link of another site, and with no form', async () => {
    const visitor = await loggedIn()
    assert.equal((await visitor.cookie()).sameSite, 'Lax')
    await visitor.go(pageAt(others[0], '/link', `${origin}/`))
    await Promise.all([visitor.page.waitForNavigation(), visitor.page.locator('a').click()])
    assert.match(await visitor.text(), /Hello ada/)
    await visitor.go(pageAt(others[0], '/form', `${origin}/logout`))
    const request = visitor.page.waitForRequest(`${origin}/logout`)
    await visitor.page.locator('button').click()
    assert.equal((await (await request).allHeaders()).cookie, undefined)
  })

  it('3.3.3: a subdomain cannot plant a session, although it plants other cookies', async () => {
    const thief = await loggedIn('grace')
    const visitor = await enter()
    const ends = 'Secure; Path=/; Domain=app.test'
    await visitor.go(planting(others[1], `${COOKIE}=${await heldToken(thief)}; ${ends}`, `probe=1; ${ends}`))
    assert.deepEqual([...(await visitor.cookies()).keys()], ['probe'])
    assert.equal(await go(visitor), '/login')
  })

  it('3.3.4: no script of the page reads the cookie, and no page has the token', async () => {
    const visitor = await loggedIn()
    assert.equal((await visitor.cookie()).httpOnly, true)
    assert.equal(await visitor.documentCookie(), '')
    for (const path of ['/', '/confirm', '/login']) {
      await go(visitor, path)
      assert.ok(!(await visitor.page.content()).includes(await heldToken(visitor)), path)
    }
  })

  it('3.3.5: name and value of the cookie have less than 4096 bytes', async () => {
    const { name, value } = await (await loggedIn()).cookie()
    assert.ok(name.length + value.length < 4096)
  })

  it('3.5.1: no form or script of another site or of a subdomain gets anything done, and a form of the app does', async () => {
    const [visitor, second] = [await loggedIn(), await loggedIn()]
    for (const other of others) {
      for (const path of ['/logout', '/end', '/end-others', '/password', '/confirm', '/admin/end']) {
        await visitor.go(pageAt(other, '/form', origin + path))
        const [response] = await Promise.all([visitor.page.waitForNavigation(), visitor.page.locator('button').click()])
        assert.equal(response?.status(), 403, path)
      }
      await visitor.go(other)
      const answer = visitor.page.waitForResponse(`${origin}/end-others`)
      await visitor.page.evaluate(async url => { await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }) }, `${origin}/end-others`)
      assert.equal((await answer).status(), 403)
    }
    assert.deepEqual([await go(visitor), await go(second)], ['/', '/'])
    await submit(visitor, '/end-others')
    assert.deepEqual([await go(visitor), await go(second)], ['/', '/login'])
  })

  it('7.1.2: the sixth login ends the session that began first, and a confirmed password counts as a beginning', async () => {
    const all: Visitor[] = []
    for (let i = 0; i < 5; i++) all.push(await loggedIn())
    const [first, second, third] = all as [Visitor, Visitor, Visitor] // there are five
    const copy = await heldToken(first)
    assert.equal((await sessions(first)).length, 5)
    await logIn(third) // in a browser that has a session: no further one
    assert.equal((await sessions(first)).length, 5)
    await loggedIn()
    assert.deepEqual([await go(first), await opens(copy), await go(second)], ['/login', false, '/'])
    assert.equal(await confirm(second), 200)
    await loggedIn()
    assert.deepEqual([await go(second), (await sessions(second)).length, await go(all[3]!)], ['/', 5, '/login']) // as above
  })

  it('7.2.1: a token that was changed, cut or made up opens nothing', async () => {
    const token = await heldToken(await loggedIn())
    assert.equal(await opens(token), true)
    for (let at = 0; at < token.length; at += 7) {
      // A digit that differs in its high bits: the last one may have bits that count for nothing.
      assert.equal(await opens(token.slice(0, at) + (token[at] === 'Q' ? 'g' : 'Q') + token.slice(at + 1)), false, `at ${at}`)
    }
    for (const forged of [token.slice(0, -4), 'A'.repeat(token.length), '']) assert.equal(await opens(forged), false)
  })

  it('7.2.2: each login has a token of its own', async () => {
    const visitor = await loggedIn()
    const tokens = [await heldToken(visitor), await heldToken(await loggedIn())]
    await logIn(visitor)
    assert.equal(new Set([...tokens, await heldToken(visitor)]).size, 3)
  })

  it('7.2.3: the ids that the page shows have 128 bits and open nothing', async () => {
    const visitor = await loggedIn()
    for (let i = 0; i < 2; i++) await loggedIn()
    await go(visitor)
    const ids = await visitor.page.locator('[name=id]').evaluateAll(inputs => inputs.map(input => input.getAttribute('value') ?? ''))
    assert.equal(new Set(ids).size, 2)
    for (const id of ids) assert.deepEqual([Buffer.from(id, 'base64url').length, await opens(id)], [16, false])
  })

  it('7.2.4: a login and a confirmed password make a new token and end the one before, also one that somebody planted', async () => {
    const visitor = await loggedIn()
    const first = await heldToken(visitor)
    await logIn(visitor)
    const second = await heldToken(visitor)
    assert.deepEqual([await opens(first), await opens(second)], [false, true])
    assert.equal(await confirm(visitor), 200)
    assert.deepEqual([await opens(second), await opens(await heldToken(visitor))], [false, true])

    const planted = await heldToken(await loggedIn('grace'))
    const victim = await enter()
    await victim.context.addCookies([{ name: COOKIE, value: planted, url: origin }])
    await logIn(victim)
    assert.deepEqual([await opens(planted), await opens(await heldToken(victim))], [false, true])
    const stranger = await enter()
    assert.deepEqual([await logIn(stranger, 'ada', 'wrong'), await tokenOf(stranger)], [401, undefined])
  })

  it('7.3.1: a session ends 60 minutes after the login, or 30 to 60 minutes after the last request', async () => {
    const visitor = await loggedIn()
    const copy = await heldToken(visitor)
    await example.wait(59 * MINUTE + 58) // times in tokens are whole seconds
    assert.equal(await opens(copy), true)
    await example.wait(4)
    assert.deepEqual([await opens(copy), await go(visitor)], [false, '/login'])
    assert.match(await visitor.text(), /expired/)

    await logIn(visitor)
    await example.wait(29 * MINUTE)
    assert.equal(await go(visitor), '/') // too early to be renewed
    await example.wait(32 * MINUTE)
    assert.equal(await go(visitor), '/login')

    await logIn(visitor)
    for (let i = 0; i < 3; i++) {
      await example.wait(31 * MINUTE)
      assert.equal(await go(visitor), '/')
    }
    await example.wait(59 * MINUTE)
    assert.equal(await go(visitor), '/')
  })

  it('7.3.2: a session that is used all the time ends 12 hours after the login', async () => {
    const visitor = await loggedIn()
    for (let minutes = 40; minutes < 12 * 60; minutes += 40) {
      await example.wait(40 * MINUTE)
      assert.equal(await go(visitor), '/', `after ${minutes} minutes`)
    }
    const copy = await heldToken(visitor)
    await example.wait(40 * MINUTE - 2)
    assert.equal(await opens(copy), true)
    await example.wait(4)
    assert.deepEqual([await opens(copy), await go(visitor)], [false, '/login'])
  })

  it('7.4.1: after a logout no copy of the cookie works, and the back button shows nothing', async () => {
    const [visitor, second] = [await loggedIn(), await loggedIn()]
    const old = await heldToken(visitor)
    await example.wait(31 * MINUTE)
    await go(visitor) // renews it
    const copy = await heldToken(visitor)
    assert.notEqual(copy, old)
    assert.equal((await sessions(second)).length, 2)
    await go(visitor)
    await submit(visitor, '/logout')
    assert.deepEqual([await tokenOf(visitor), await opens(copy), await opens(old)], [undefined, false, false])
    await visitor.page.goBack()
    assert.doesNotMatch(await visitor.text(), /Hello/)
    assert.equal((await sessions(second)).length, 1)
  })

  it('7.4.2: all sessions of an account end when an administrator disables it', async () => {
    const [first, second, admin] = [await loggedIn(), await loggedIn(), await loggedIn('grace')]
    const copy = await heldToken(first)
    await submit(admin, '/admin/end', { name: 'ada' })
    assert.deepEqual([await go(first), await go(second), await opens(copy), await go(admin)], ['/login', '/login', false, '/'])
  })

  it('7.4.3: a new password ends all other sessions, and so does a button', async () => {
    const [visitor, second, bystander] = [await loggedIn(), await loggedIn(), await loggedIn('grace')]
    const copies = [await heldToken(visitor), await heldToken(second)]
    await submit(visitor, '/password', { next: 'difference engine' })
    assert.deepEqual([await go(visitor), await go(second), await go(bystander)], ['/', '/login', '/'])
    for (const copy of copies) assert.equal(await opens(copy), false)
    assert.equal(await logIn(second), 401)
    passwords.ada = 'difference engine'
    assert.equal(await logIn(second), 200)

    const copy = await heldToken(second)
    await submit(second, '/end-others')
    assert.deepEqual([await go(second), await go(visitor), await opens(copy)], ['/', '/login', false])
    assert.equal((await sessions(second)).length, 1)
  })

  it('7.4.4: each page behind the login has a button that logs out', async () => {
    const visitor = await loggedIn()
    for (const path of ['/', '/confirm']) {
      await go(visitor, path)
      assert.equal(await visitor.page.getByRole('button', { name: 'Log out', exact: true }).count(), 1, path)
    }
    await submit(visitor, '/logout')
    assert.equal(await go(visitor), '/login')
  })

  it('7.4.5: an administrator ends the sessions of everybody, and nobody else can', async () => {
    const [visitor, admin] = [await loggedIn(), await loggedIn('grace')]
    const copies = [await heldToken(visitor), await heldToken(admin)]
    assert.equal(await visitor.page.locator('form[action="/admin/end"]').count(), 0)
    assert.equal(await forge(visitor, '/admin/end', { name: '' }), 403)
    assert.equal(await go(admin), '/')
    await submit(admin, '/admin/end', { name: '' })
    assert.deepEqual([await go(visitor), await go(admin)], ['/login', '/login'])
    for (const copy of copies) assert.equal(await opens(copy), false)
    assert.equal(await logIn(visitor), 200)
  })

  it('7.5.1: the password is changed only by a user who has just given the old one', async () => {
    const visitor = await loggedIn()
    const copy = await heldToken(visitor)
    await example.wait(5 * MINUTE)
    for (const password of [undefined, 'wrong']) {
      if (password !== undefined) assert.equal(await confirm(visitor, password), 401)
      await go(visitor)
      await submit(visitor, '/password', { next: 'stolen engine' })
      assert.equal(pathOf(visitor), '/confirm')
    }
    assert.equal(await logIn(await enter(), 'ada', 'stolen engine'), 401)
    await confirm(visitor)
    assert.equal(await opens(copy), false)
    await submit(visitor, '/password', { next: 'jacquard loom' })
    passwords.ada = 'jacquard loom'
    assert.equal(await logIn(await enter()), 200)
  })

  it('7.5.2: users see their own sessions only, and end one after they have given the password again', async () => {
    const [visitor, firefox, grace] = [await loggedIn(), await loggedIn('ada', FIREFOX), await loggedIn('grace')]
    const copy = await heldToken(firefox)
    const list = await sessions(visitor)
    assert.equal(list.length, 2)
    assert.match(list.find(text => text.includes('This session')) ?? '', /^Chrome, Linux 127\.0\.0\.1\s+Since .* GMT, last seen .* GMT/)
    assert.match(list.find(text => !text.includes('This session')) ?? '', /^Firefox, Linux 127\.0\.0\.1/)

    const id = await visitor.page.locator('[name=id]').inputValue()
    assert.equal(await forge(grace, '/end', { id }), 200)
    assert.equal(await opens(copy), true, 'an id of somebody else ends nothing')
    await example.wait(5 * MINUTE)
    await submit(visitor, '/end')
    assert.deepEqual([pathOf(visitor), await opens(copy)], ['/confirm', true])
    await confirm(visitor)
    await submit(visitor, '/end')
    assert.deepEqual([await opens(copy), await go(firefox), (await sessions(visitor)).length], [false, '/login', 1])
  })

  it('7.5.3: a password counts for five minutes, however much the user does', async () => {
    const visitor = await loggedIn()
    await example.wait(5 * MINUTE - 2)
    await submit(visitor, '/end-others') // gives the session a new id
    assert.equal(pathOf(visitor), '/')
    await example.wait(2)
    for (const minutes of [0, 31]) { // after which it is renewed
      await example.wait(minutes * MINUTE)
      await go(visitor)
      await submit(visitor, '/end-others')
      assert.equal(pathOf(visitor), '/confirm', `${minutes} minutes later`)
    }
    await submit(visitor, '/confirm', { password: passwords.ada })
    await submit(visitor, '/end-others')
    assert.equal(pathOf(visitor), '/')
  })

  it('7.6.2: no session begins before the user logs in, and no other site logs the user in', async () => {
    const visitor = await enter()
    for (const path of ['/', '/login']) await go(visitor, path)
    for (const other of others) {
      await visitor.go(pageAt(other, '/form', `${origin}/login`))
      const [response] = await Promise.all([visitor.page.waitForNavigation(), visitor.page.locator('button').click()])
      assert.equal(response?.status(), 403)
    }
    assert.deepEqual([(await visitor.cookies()).size, await go(visitor)], [0, '/login'])
  })

  it('16.3.1: logins are logged with their method, failed ones too, without names, passwords and tokens', async () => {
    const from = example.output.length
    const visitor = await enter()
    await logIn(visitor, 'ada', 'a wrong password')
    await logIn(visitor)
    const token = await heldToken(visitor)
    await submit(visitor, '/logout')
    await example.printed(/"event":"ended"[^]*"cause":"logout"/)
    const lines = example.output.slice(from).trim().split('\n').map(line => JSON.parse(line) as { msg: string, event?: string, method?: string, path?: string, statusCode?: number })
    assert.deepEqual(lines.filter(({ msg }) => msg === 'refused').map(({ path, statusCode }) => [path, statusCode]), [['/login', 401]])
    assert.deepEqual(lines.flatMap(({ event, method }) => event === 'authenticated' ? [method] : []), ['password'])
    for (const secret of ['a wrong password', passwords.ada, '"ada"', token]) assert.ok(!example.output.slice(from).includes(secret))
  })
})

describe('examples/oidc-logout', { skip: noBrowser }, () => {
  it('7.6.1: a logout at the provider ends the session here, and a session here ends after 8 hours', async t => {
    const provider = await Provider.startWithLogout(true, async (path, init) => await fetch(example.url + path, init))
    t.after(async () => { await provider.stop() })
    const example = await Example.start('oidc-logout/server.js', provider.environment)
    t.after(async () => { await example.stop() })
    const browser = await launch()
    t.after(async () => { await browser.close() })
    const visitor = await Visitor.enter(browser)
    const began = Date.now()
    /** The clock of the example, which stands still, must not be behind that of the provider. */
    const catchUp = async (): Promise<void> => { await example.wait(Math.ceil((Date.now() - began) / 1000)) }

    await visitor.go(`${example.url}/login`)
    await logInAt(visitor, example.url, catchUp)
    assert.equal(await visitor.text(), 'Hello ada')
    await visitor.go(`${provider.issuer}/session/end`)
    await Promise.all([visitor.page.waitForNavigation(), visitor.page.locator('button').click()])
    assert.equal(await visitor.go(example.url), 'Nobody is logged in.')

    await visitor.go(`${example.url}/login`)
    await logInAt(visitor, example.url, catchUp)
    assert.equal(await visitor.text(), 'Hello ada')
    await example.wait(8 * 60 * MINUTE)
    assert.equal(await visitor.go(example.url), 'Nobody is logged in.')
  })
})

/** Logs in at the provider that the browser was sent to, agrees to all that it asks, and comes back. */
async function logInAt ({ page }: Visitor, home: string, beforeItComesBack: () => Promise<void>): Promise<void> {
  while (!page.url().startsWith(home)) {
    const login = page.locator('[name=login]')
    if (await login.count() > 0) {
      await login.fill('ada')
      await page.locator('[name=password]').fill('any')
    }
    await beforeItComesBack()
    await Promise.all([page.waitForNavigation(), page.locator('button[type=submit]').click()])
  }
}

/** A proxy that has TLS, and passes on what it hears to a port of this machine. */
async function terminator (port: number): Promise<Server> {
  const server = createServer((tls() as { https: TlsOptions }).https, socket => {
    const passed = connect(port, '127.0.0.1')
    for (const end of [socket, passed]) end.on('error', () => { socket.destroy(); passed.destroy() }) // browsers break connections off
    socket.pipe(passed).pipe(socket)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return server
}
