// The demo as a visitor's browser sees it, driven over HTTP.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test'
import { assertAbout, Browser, Demo } from '../support/demo-process.ts'

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

describe('the demo', () => {
  let demo: Demo
  let url: string
  let browser: Browser

  before(async () => {
    demo = new Demo('0')
    url = await demo.url()
  })
  after(() => demo.stop())
  beforeEach(() => { browser = new Browser(url) })

  for (const [path, type] of [
    ['/', 'text/html'], ['/device', 'text/html'], ['/devices', 'text/html'], ['/thief', 'text/html'], ['/style.css', 'text/css'], ['/device.js', 'text/javascript'], ['/thief.js', 'text/javascript'],
    ['/client.js', 'text/javascript'], ['/devices.js', 'text/javascript'], ['/page.js', 'text/javascript'], ['/views.js', 'text/javascript'], ['/words.js', 'text/javascript']
  ]) {
    test(`serves ${path} as ${type}`, async () => {
      const response = await browser.fetch(path!)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`)
    })
  }

  for (const path of ['/', '/device', '/device/state', '/devices', '/devices/list', '/thief', '/state', '/nothing-here']) {
    test(`sends a strict Content-Security-Policy with ${path}`, async () => {
      assert.equal((await browser.fetch(path)).headers.get('content-security-policy'), CSP)
    })
  }

  for (const [path, script] of [['/', 'page.js'], ['/device', 'device.js'], ['/devices', 'devices.js'], ['/thief', 'thief.js']]) {
    test(`has a page at ${path} without inline scripts, inline styles or anything from elsewhere`, async () => {
      const html = await (await browser.fetch(path!)).text()
      assert.match(html, new RegExp(`<script type="module" src="${script}"></script>`))
      assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i)
      assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//i)
    })
  }

  test('shows no cookie before the login', async () => {
    const { cookies, info: { status, reason }, limits, data, keys } = await browser.state()
    assert.deepEqual({ cookies, status, reason, limits, data }, { cookies: [], status: 'new', reason: null, limits: null, data: null })
    assert.equal(keys.length, 1)
  })

  test('logs in, and shows the cookie, its size, its content and when it expires', async () => {
    const response = await browser.post('/login', { name: 'Ada' })
    assert.equal(response.status, 204)
    assert.match(browser.setCookies.join('\n'), /^sealed-demo=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)

    const { cookies: [cookie, ...others], info: { lastWriteAt, expiresAt, createdAt, id, ...info }, data, keys } = await browser.state()
    assert.deepEqual(others, [])
    assert.equal(`${cookie?.name}=${cookie?.value}`, browser.cookie)
    assert.equal(cookie?.bytes, browser.cookie?.length)
    assert.deepEqual(data, { name: 'Ada', visits: 1 })
    assert.deepEqual(info, { status: 'valid', reason: null, keyId: keys[0], format: 'sealed', authentications: {}, device: null })
    assert.match(id ?? '', /^[\w-]{22}$/)
    assertAbout(Date.parse(expiresAt!) - Date.parse(lastWriteAt!), 120_000)
    assert.ok(Math.abs(Date.parse(createdAt!) - Date.now()) < 60_000)
  })

  test('counts a visit and keeps a note, in a new cookie', async () => {
    await browser.post('/login', { name: 'Ada' })
    const first = browser.cookie
    await browser.post('/visit', { note: 'weaves algebraic patterns' })
    assert.notEqual(browser.cookie, first)
    assert.deepEqual((await browser.state()).data, { name: 'Ada', visits: 2, note: 'weaves algebraic patterns' })
  })

  test('refuses a visit without a session', async () => {
    assert.equal((await browser.post('/visit', { note: '' })).status, 401)
    assert.equal(browser.cookie, null)
  })

  test('fits the longest name and note into a cookie that browsers take', async () => {
    assert.equal((await browser.post('/login', { name: '\u0000'.repeat(40) })).status, 204)
    assert.equal((await browser.post('/visit', { note: '\u0000'.repeat(400) })).status, 204)
    assert.ok(browser.setCookies.every(line => line.length <= 4096))
    assert.equal((await browser.post('/visit', { note: 'x'.repeat(401) })).status, 400)
  })

  test('flips one bit of the cookie, which is refused with the reason in the log, until it is flipped back', async () => {
    await browser.post('/login', { name: 'Ada' })
    const original = browser.cookie!
    await browser.post('/tamper')
    const changed = [...browser.cookie!].filter((character, index) => character !== original[index])
    assert.equal(browser.cookie!.length, original.length)
    assert.equal(changed.length, 1)

    const { info: { status, reason, keyId }, data, log } = await browser.state()
    assert.deepEqual({ status, reason, keyId, data }, { status: 'rejected', reason: 'not-authentic', keyId: null, data: null })
    assert.equal(log.at(-1)?.level, 'debug')
    assert.match(log.at(-1)?.text ?? '', /unable to decrypt/)

    await browser.post('/tamper')
    assert.equal(browser.cookie, original)
    assert.equal((await browser.state()).info.status, 'valid')
  })

  test('has nothing to tamper with where there is no cookie', async () => {
    assert.equal((await browser.post('/tamper')).status, 409)
  })

  test('puts an earlier cookie back', async () => {
    await browser.post('/login', { name: 'Ada' })
    const { cookie } = browser
    const { cookies } = await browser.state()
    await browser.post('/tamper')
    await browser.post('/replay', { values: cookies.map(({ value }) => value) })
    assert.equal(browser.cookie, cookie)
    assert.equal((await browser.state()).info.status, 'valid')
  })

  test('takes no attributes in the place of an earlier cookie', async () => {
    assert.equal((await browser.post('/replay', { values: ['x; Domain=example.com'] })).status, 400)
  })

  test('keeps sessions through a rotation and seals them again, and refuses old cookies once their key is retired', async () => {
    await browser.post('/login', { name: 'Ada' })
    const old = browser.cookie
    const before = await browser.state()
    assert.equal(before.keys.length, 1)

    await browser.post('/rotate')
    const first = await browser.state()
    const [newer, older] = first.keys
    assert.deepEqual([first.info.status, first.info.keyId, first.sealedAgain, older], ['valid', older, 'rotation', before.keys[0]])
    assert.equal(`sealed-demo=${first.cookies[0]?.value}`, old)
    const resealed = browser.cookie
    assert.notEqual(resealed, old)
    const second = await browser.state()
    assert.deepEqual([second.info.keyId, second.sealedAgain, second.data], [newer, null, first.data])
    assert.deepEqual({ ...second.info, keyId: older }, first.info, 'a rotation changes no time')

    await browser.post('/retire')
    const third = await browser.state()
    assert.deepEqual([third.info.status, third.keys], ['valid', [newer]])
    browser.cookie = old
    const { info: { status, reason } } = await browser.state()
    assert.deepEqual([status, reason], ['rejected', 'key-unknown'])
  })

  test('does not retire its only key', async () => {
    assert.equal((await browser.state()).keys.length, 1)
    assert.equal((await browser.post('/retire')).status, 409)
    assert.equal((await browser.state()).keys.length, 1)
  })

  test('has words on the page for each reason that a cookie of this browser can be refused for', async () => {
    const script = await (await browser.fetch('/words.js')).text()
    const [words = ''] = /const REASONS = \{[^]*?\n\}/.exec(script) ?? []
    for (const reason of ['not-authentic', 'key-unknown', 'expired', 'revoked', 'chunk-missing', 'format-not-accepted']) {
      assert.match(words, new RegExp(`^  '?${reason}'?: '`, 'm'))
    }
  })

  test('logs out', async () => {
    await browser.post('/login', { name: 'Ada' })
    await browser.post('/logout')
    assert.equal(browser.cookie, null)
    assert.equal((await browser.state()).info.status, 'new')
  })

  for (const [headers, status] of [
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://example.com' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 204]
  ] as const) {
    test(`answers a POST with ${JSON.stringify(headers)} with ${status}`, async () => {
      assert.equal((await browser.post('/login', { name: 'Ada' }, headers)).status, status)
      assert.equal(browser.cookie === null, status === 403)
    })
  }

  test('takes a POST whose Origin is its own', async () => {
    assert.equal((await browser.post('/login', { name: 'Ada' }, { origin: url })).status, 204)
  })

  test('says in its log what happens, without a key, a token or what a session holds', async () => {
    await browser.post('/login', { name: 'Grace Hopper' })
    await browser.post('/login', { name: 'Grace Hopper'.repeat(4) }) // too long
    await browser.post('/tamper')
    const { log } = await browser.state()
    await browser.post('/logout')
    await demo.printed(/logged in: [^]*must NOT have more than 40 characters[^]*unable to decrypt[^]*logged out: /)

    // The lines of the log start with the time; what Node itself may print does not.
    const printed = demo.output.split('\n').filter(line => /^[\d:]{8} /.test(line)).map(line => line.slice(8))
    for (const text of [...printed, ...log.map(({ text }) => text)]) {
      assert.doesNotMatch(text, /Grace|Hopper/)
      assert.doesNotMatch(text, /[\w+/=-]{32}/) // as long as a key or a token, in whatever encoding
    }
  })
})

describe('the port of the demo', () => {
  test('is reported where PORT names one that is taken, and how to choose another', async t => {
    const port = await takePort(t, 0)
    const demo = new Demo(String(port))
    assert.equal(await demo.exitCode(), 1)
    assert.match(demo.output, new RegExp(`EADDRINUSE.*:${port}[^]*variable PORT`))
  })

  test('is a free one where nothing is chosen and 3000 is taken', async t => {
    const demo = await demoBeside(t, 3000)
    assert.notEqual(new URL(await demo.url()).port, '3000')
    assert.match(demo.output, /Port 3000 is taken.*variable PORT/)
  })
})

describe('the demo with --tls', () => {
  test('serves TLS with a certificate that it has made, and says how a browser is started that takes it', async t => {
    const demo = new Demo('0', ['--tls'])
    t.after(() => demo.stop())
    const { protocol, port } = new URL(await demo.url())
    assert.equal(protocol, 'https:')
    const [, hash] = /--ignore-certificate-errors-spki-list=(\S+)/.exec(demo.output) ?? []
    const socket = connect({ port: Number(port), host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerX509Certificate() ?? assert.fail('no certificate')
    socket.destroy()
    assert.equal(certificate.checkHost('localhost'), 'localhost')
    assert.equal(createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64'), hash)
  })
})

/** The demo while a port is taken. Another program that has it, such as this test in another clone, may give it back before: then once more. */
async function demoBeside (t: TestContext, port: number): Promise<Demo> {
  for (let start = 0; ; start++) {
    await takePort(t, port)
    const demo = new Demo(undefined)
    t.after(() => demo.stop())
    if (new URL(await demo.url()).port !== String(port) || start === 3) return demo
    await demo.stop()
  }
}

/** Listens at a port for the time of a test; somebody else may do so already, which is as good. */
async function takePort (t: TestContext, wanted: number): Promise<number> {
  const server = createServer()
  try {
    await once(server.listen(wanted, '127.0.0.1'), 'listening')
  } catch {
    return wanted
  }
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}
