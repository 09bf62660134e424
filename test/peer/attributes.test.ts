// The lines that set and delete a session's cookie have the attributes that the peer gives them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { DIRECTIONS, SIDES, attributesOf, bothSides, sessionNamed, type Options, type PeerSetup, type Server, type Work } from '../support/peer.ts'

const KEY = newKey()
const IN_A_YEAR = new Date(Date.UTC(2027, 0, 1))

const WORKS: Record<string, Work> = {
  'is set': session => { session.n = 1 },
  'is touched': session => { session.touch() },
  'is deleted': session => { session.delete() },
  'is regenerated': session => { session.regenerate() },
  'is set with options': session => { session.n = 1; session.options({ maxAge: 77, path: '/here', sameSite: 'none', secure: true }) },
  'is set with options that come first': session => { session.options({ domain: 'example.org', httpOnly: false }); session.n = 1 },
  'is set with two calls of options': session => { session.options({ maxAge: 77 }); session.options({ path: '/here' }); session.n = 1 },
  'is set with an expiry date in options': session => { session.options({ expires: IN_A_YEAR }); session.n = 1 },
  'is set with an option that nobody knows': session => { session.options({ unheardOf: 1 } as object); session.n = 1 },
  'is touched with options': session => { session.options({ maxAge: 77 }); session.touch() },
  'is deleted with options': session => { session.delete(); session.options({ path: '/here', maxAge: 77, expires: IN_A_YEAR }) }
}

const COOKIES: Record<string, Options> = {
  'no options': {},
  'a path': { path: '/' },
  'a path and a domain': { path: '/app', domain: 'example.com' },
  'an age': { maxAge: 3600 },
  'an age of 0': { maxAge: 0 },
  'an age of undefined': { maxAge: undefined },
  'an expiry date': { expires: IN_A_YEAR },
  'an expiry date as a number': { expires: IN_A_YEAR.getTime() },
  'both an age and an expiry date': { maxAge: 3600, expires: IN_A_YEAR },
  'httpOnly off': { httpOnly: false },
  'httpOnly undefined': { httpOnly: undefined },
  secure: { secure: true },
  'secure off': { secure: false },
  'secure: auto': { secure: 'auto' },
  'sameSite: strict': { sameSite: 'strict' },
  'sameSite: true': { sameSite: true },
  'sameSite: false': { sameSite: false },
  'sameSite: undefined': { sameSite: undefined },
  'sameSite: none': { sameSite: 'none', secure: true },
  partitioned: { partitioned: true, secure: true, path: '/' },
  priority: { priority: 'high' },
  signed: { signed: true, path: '/' },
  everything: { path: '/', domain: 'example.com', maxAge: 60, expires: IN_A_YEAR, httpOnly: true, secure: true, sameSite: 'lax', priority: 'low' }
}

const SETUPS: ReadonlyArray<PeerSetup & { title: string }> = [
  ...Object.entries(COOKIES).map(([title, cookie]) => ({ title, options: { key: KEY, cookie } })),
  { title: 'attributes under cookieOptions', options: { key: KEY, cookieOptions: { path: '/', maxAge: 5 } } },
  { title: 'cookieOptions beside cookie', options: { key: KEY, cookieOptions: { maxAge: 5 }, cookie: { path: '/', maxAge: 6 } } },
  { title: 'a name of its own', options: { key: KEY, cookieName: '__Host-s', cookie: { path: '/', secure: true } } },
  { title: "the app's @fastify/cookie", options: { key: KEY, cookie: { path: '/' } }, cookie: {} },
  {
    title: "attributes from the app's @fastify/cookie",
    options: { key: KEY, cookie: { maxAge: 5 } },
    cookie: { parseOptions: { path: '/of-app', domain: 'example.com', sameSite: 'strict', maxAge: 9, secure: true } }
  }
]

/** The lines of a visit by a browser that has a session already. */
async function linesOf ({ visit }: Server, work: Work, headers: Record<string, string>): Promise<string[][]> {
  const cookie = cookiesOf(await visit(session => { session.set('had', true) }))
  return setCookies(await visit(work, cookie, headers)).map(attributesOf)
}

describe('the line of the cookie is as with the peer', () => {
  for (const { title, ...setup } of SETUPS) {
    for (const [proto, headers] of [['http', {}], ['https', { 'x-forwarded-proto': 'https' }]] as const) {
      it(`with ${title}, over ${proto}`, async () => {
        const servers = await bothSides(setup)
        for (const [what, work] of Object.entries(WORKS)) {
          const expected = await linesOf(servers.peer, work, headers)
          assert.equal(expected.length, 1)
          assert.deepEqual(await linesOf(servers.ours, work, headers), expected, `when it ${what}`)
        }
      })
    }
  }

  it('where several sessions are set and deleted in one response, in the same order', async () => {
    const servers = await bothSides({
      options: [
        { sessionName: 'a', key: newKey(), cookie: { path: '/', maxAge: 3600 } },
        { sessionName: 'b', cookieName: 'b-cookie', key: newKey(), cookie: { domain: 'example.com', signed: true } },
        { sessionName: 'c', key: newKey(), cookie: { sameSite: 'strict' } },
        { sessionName: 'unused', key: newKey() }
      ]
    })
    const work: Work = (_, request) => {
      sessionNamed(request, 'c').set('n', 1)
      sessionNamed(request, 'b').delete()
      sessionNamed(request, 'a').touch()
      sessionNamed(request, 'a').options({ maxAge: 1 })
      assert.equal(sessionNamed(request, 'unused').n, undefined)
    }
    const [peer, ours] = await Promise.all(SIDES.map(async side => setCookies(await servers[side].visit(work)).map(attributesOf)))
    assert.deepEqual(peer?.map(([name]) => name), ['a', 'b-cookie', 'c'])
    assert.deepEqual(ours, peer)
  })

  it('where the app sets cookies of its own in the same response, which are kept', async () => {
    const servers = await bothSides({ options: { key: KEY, cookie: { path: '/' } } })
    const work: Work = (session, _, reply) => {
      session.n = 1
      reply.header('set-cookie', 'raw=1; Path=/raw').setCookie('mine', 'x', { path: '/mine', signed: true })
    }
    const [peer, ours] = await Promise.all(SIDES.map(async side => setCookies(await servers[side].visit(work)).map(attributesOf).sort()))
    assert.deepEqual(peer?.map(([name]) => name), ['mine', 'raw', 'session'])
    assert.deepEqual(ours, peer)
  })
})

describe('the line that deletes a cookie', () => {
  for (const [deleter, reader] of DIRECTIONS) {
    for (const cookie of [{}, { signed: true }]) {
      it(`from ${deleter} ends the session at ${reader} too, ${cookie.signed === true ? 'signed' : 'not signed'}`, async () => {
        const servers = await bothSides({ options: { key: KEY, cookie } })
        const begun = cookiesOf(await servers[reader].visit(session => { session.n = 1 }))
        const deleted = await servers[deleter].visit(session => session.delete(), begun)
        assert.match(setCookies(deleted).join(), /Max-Age=0;.*Expires=Thu, 01 Jan 1970 00:00:00 GMT/)
        // A client that ignores the attributes sends what is left of the value.
        const after = await servers[reader].visit(session => session.data(), cookiesOf(deleted))
        assert.deepEqual(after.json(), {})
        assert.deepEqual(setCookies(after), [])
      })
    }
  }
})
