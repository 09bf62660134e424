// Keys rotate on one side or on both, while the other side wrote the session or has to read it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { DIRECTIONS, serverOf, sessionNamed } from '../support/peer.ts'

const OLD = newKey()
const NEW = newKey()
const SIGNED = { signed: true }
const APP_COOKIE = { secret: 'of the app' }

const CASES = [
  { title: 'buffers', before: { key: OLD }, during: { key: [NEW, OLD] }, after: { key: NEW } },
  {
    title: 'base64 strings',
    before: { key: OLD.toString('base64') },
    during: { key: [NEW.toString('base64'), OLD.toString('base64')] },
    after: { key: NEW.toString('base64') }
  },
  { title: 'the third key of an array', before: { key: OLD }, during: { key: [NEW, newKey(), OLD] }, after: { key: [NEW, newKey()] } },
  {
    title: 'a cookie that the app signs',
    before: { key: OLD, cookie: SIGNED },
    during: { key: [NEW, OLD], cookie: SIGNED },
    after: { key: NEW, cookie: SIGNED },
    cookie: APP_COOKIE
  }
]

describe('a session sealed with an older key by one side', () => {
  for (const { title, before, during, after, cookie } of CASES) {
    for (const [writer, rotator] of DIRECTIONS) {
      it(`${title}: ${rotator} opens what ${writer} wrote, and ${writer} opens what ${rotator} sealed again`, async () => {
        const setup = cookie === undefined ? {} : { cookie }
        const old = await serverOf(writer, { ...setup, options: before })
        const rotating = await serverOf(rotator, { ...setup, options: during })
        const next = await serverOf(writer, { ...setup, options: after })

        const written = await old.visit(session => session.set('n', 1))
        const resealed = await rotating.visit(({ changed, data }) => ({ changed, data: data() }), cookiesOf(written))
        assert.deepEqual(resealed.json(), { changed: true, data: { n: 1 } })
        assert.equal(setCookies(resealed).length, 1)

        const moved = await next.visit(session => session.data(), cookiesOf(resealed))
        assert.deepEqual(moved.json(), { n: 1 })
        const again = await rotating.visit(({ changed, data }) => ({ changed, data: data() }), cookiesOf(resealed))
        assert.deepEqual(again.json(), { changed: false, data: { n: 1 } })
        assert.deepEqual(setCookies(again), [])
        // The old key alone opens nothing that was sealed again.
        assert.deepEqual((await old.visit(session => session.data(), cookiesOf(resealed))).json(), {})
      })
    }
  }

  it('is opened, signed by the peer with a hash of its key, and goes back signed with the new one', async () => {
    const peerBefore = await serverOf('peer', { options: { key: OLD, cookie: SIGNED } })
    const ours = await serverOf('ours', { options: { key: [NEW, OLD], cookie: SIGNED } })
    const peerAfter = await serverOf('peer', { options: { key: NEW, cookie: SIGNED } })

    const written = await peerBefore.visit(session => session.set('n', 1))
    const resealed = await ours.visit(session => session.data(), cookiesOf(written))
    assert.deepEqual(resealed.json(), { n: 1 })
    assert.deepEqual((await peerAfter.visit(session => session.data(), cookiesOf(resealed))).json(), { n: 1 })
  })

  it('among several sessions is the only one that is sealed again', async () => {
    const both = (key: unknown): object[] => [{ sessionName: 'kept', key: OLD }, { sessionName: 'rotated', cookieName: 'r', key }]
    for (const [writer, rotator] of DIRECTIONS) {
      const old = await serverOf(writer, { options: both(OLD) as never })
      const rotating = await serverOf(rotator, { options: both([NEW, OLD]) as never })
      const next = await serverOf(writer, { options: both(NEW) as never })

      const written = await old.visit((_, request) => {
        sessionNamed(request, 'kept').k = 1
        sessionNamed(request, 'rotated').r = 2
      })
      const resealed = await rotating.visit((_, request) =>
        [sessionNamed(request, 'kept').data(), sessionNamed(request, 'rotated').data()], cookiesOf(written))
      assert.deepEqual(resealed.json(), [{ k: 1 }, { r: 2 }])
      assert.deepEqual(setCookies(resealed).map(line => line.split('=')[0]), ['r'])

      const moved = await next.visit((_, request) => sessionNamed(request, 'rotated').data(), cookiesOf(resealed))
      assert.deepEqual(moved.json(), { r: 2 })
    }
  })
})
