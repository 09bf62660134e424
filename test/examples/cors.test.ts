// examples/cors as browsers see it that open pages of several origins.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Example, cookieOf } from './example.ts'

const PAGE = 'http://127.0.0.1:8080' // another origin than the API, on the same site: ports do not count
const OTHERS = ['http://127.0.0.1:8081', 'https://127.0.0.1:8080', `${PAGE}.example.com`, 'null']

describe('examples/cors', () => {
  let example: Example
  before(async () => { example = await Example.start('cors/server.js', { PAGE_ORIGIN: PAGE }) })
  after(async () => await example.stop())

  async function post (path: string, origin: string, cookie = ''): Promise<Response> {
    return await fetch(example.url + path, {
      method: 'POST',
      headers: { origin, cookie, 'content-type': 'application/json' },
      body: '{"name":"Ada"}'
    })
  }

  async function preflight (origin: string): Promise<Response> {
    return await fetch(`${example.url}/login`, {
      method: 'OPTIONS',
      headers: { origin, cookie: 'cors-example=garbage', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
    })
  }

  const allowed = ({ headers }: Response): Array<string | null> =>
    [headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]

  it('lets a page of the allowed origin log in and read, with the cookie', async () => {
    const login = await post('/login', PAGE)
    assert.deepEqual([login.status, ...allowed(login)], [204, PAGE, 'true'])
    assert.match(login.headers.get('vary') ?? '', /\borigin\b/i)
    const line = login.headers.get('set-cookie') ?? ''
    assert.match(line, /^cors-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    const profile = await example.get('/profile', cookieOf(line), { origin: PAGE })
    assert.deepEqual([await profile.json(), ...allowed(profile)], [{ name: 'Ada' }, PAGE, 'true'])
    assert.equal(profile.headers.get('cache-control'), 'no-store')
  })

  it('lets that page read errors as well', async () => {
    const response = await example.get('/profile', undefined, { origin: PAGE })
    assert.deepEqual([response.status, ...allowed(response)], [401, PAGE, 'true'])
  })

  it('answers a preflight without opening or setting a cookie', async () => {
    const opens = await example.opensDuring(async () => {
      const response = await preflight(PAGE)
      assert.deepEqual([response.status, ...allowed(response)], [204, PAGE, 'true'])
      assert.equal(response.headers.get('access-control-allow-headers'), 'content-type')
      assert.equal(response.headers.get('set-cookie'), null)
    })
    assert.equal(opens, 0)
  })

  it('allows no other origin, neither in a preflight nor to read', async () => {
    const cookie = cookieOf((await post('/login', PAGE)).headers.get('set-cookie') ?? '')
    for (const origin of OTHERS) {
      for (const response of [await preflight(origin), await example.get('/profile', cookie, { origin })]) {
        assert.equal(allowed(response)[0], null, origin)
      }
    }
  })

  it('does nothing for a page of another origin, not even what needs no preflight', async () => {
    const cookie = cookieOf((await post('/login', PAGE)).headers.get('set-cookie') ?? '')
    for (const origin of OTHERS) {
      for (const path of ['/login', '/logout']) {
        const response = await post(path, origin, cookie)
        assert.deepEqual([response.status, response.headers.get('set-cookie')], [403, null], `${path} from ${origin}`)
      }
    }
  })

  it('tells the browser to drop the cookie at a logout', async () => {
    const response = await post('/logout', PAGE)
    assert.match(response.headers.get('set-cookie') ?? '', /^cors-example=; Max-Age=0; Path=\/;.* HttpOnly; SameSite=Lax$/)
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})
