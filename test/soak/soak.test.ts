// The soak run finds what it is there to find: its model of a user, and what it says of an answer.
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'

interface Span { from: number, to: number }
interface Model {
  data: Record<string, unknown> | null
  isUnsure: boolean
  nextLogin: () => Record<string, unknown>
  began: (data: object, span: Span) => void
  resealed: (span: Span) => void
  ended: () => void
  expects: (span: Span) => 'open' | 'closed' | 'either'
}
interface Answer { status?: number, text?: string, cookies?: string[], failed?: string }
type Judge = (visit: object, answer: Answer, isAway: boolean) => { outcome: string, finding: string | null }

const load = async (name: string): Promise<unknown> => await import(new URL(`../../soak/${name}.js`, import.meta.url).href)
const { User } = await load('user') as { User: new (name: string) => Model }
const { judge } = await load('judge') as { judge: Judge }
const { SESSION, TOLERANCE } = await load('plan') as { SESSION: { expiry: number, absoluteTimeout: number }, TOLERANCE: number }

const START = 1_800_000_000_000
const EXPIRY = SESSION.expiry * 1000
const at = (milliseconds: number): Span => ({ from: START + milliseconds, to: START + milliseconds + 5 })
const reject = { acceptsErrors: false }
const accept = { acceptsErrors: true }
const COOKIE = ['session=abc; Path=/']
const UNAVAILABLE = { status: 503, text: '{"code":"FST_SEALED_SESSION_STORE_UNAVAILABLE"}', cookies: [] }

let user: Model
beforeEach(() => {
  user = new User('ann')
  user.began(user.nextLogin(), at(0))
})

/** What is wrong with the answer to a request. */
function finding (kind: string, answer: Answer, { span = at(1000), server = reject, isAway = false, ...rest } = {}): string | null {
  return judge({ kind, user, server, span, ...rest }, { status: 200, cookies: [], ...answer }, isAway).finding
}

describe('the model of a user', () => {
  it('knows until when a session must be open and from when on it must not be', () => {
    assert.deepEqual([at(0), at(EXPIRY - TOLERANCE - 10), at(EXPIRY), at(EXPIRY + TOLERANCE + 10)].map(user.expects, user), ['open', 'open', 'either', 'closed'])
  })

  it('counts a cookie that a read brought as a renewal where more than half of the time had passed, else as no write', () => {
    user.resealed(at(EXPIRY / 4))
    assert.equal(user.expects(at(EXPIRY + TOLERANCE + 10)), 'closed')
    user.resealed(at(EXPIRY * 0.75))
    assert.equal(user.expects(at(EXPIRY * 1.5)), 'open')
    assert.equal(user.expects(at(SESSION.absoluteTimeout * 1000 + TOLERANCE + 10)), 'closed')
  })
})

describe('what is wrong with an answer', () => {
  const own = (): string => JSON.stringify(user.data)

  it('nothing, where it holds what the session must hold', () => {
    assert.equal(finding('read', { text: own() }), null)
    assert.equal(finding('write', { text: JSON.stringify({ ...user.data, count: 1 }), cookies: COOKIE }), null)
    assert.deepEqual(user.data?.count, 1)
  })

  it('a session that is empty and must be open, but not one that may have expired', () => {
    assert.equal(finding('read', { text: '{}' }, { span: at(EXPIRY) }), null)
    user.began(user.nextLogin(), at(0))
    assert.equal(finding('read', { text: '{}' }), 'session lost')
  })

  it('a session that is open after its end, or after a logout', () => {
    assert.equal(finding('read', { text: own() }, { span: at(EXPIRY + TOLERANCE + 10) }), 'session open after its end')
    const text = own()
    assert.equal(finding('logout', { text: '{}', cookies: ['session=; Max-Age=0; Path=/'] }), null)
    assert.equal(finding('read', { text }), 'session open after its end')
  })

  it('an older state, and a session of somebody else', () => {
    const older = own()
    finding('write', { text: JSON.stringify({ ...user.data, count: 1 }), cookies: COOKIE })
    assert.equal(finding('read', { text: older }), 'wrong session')
    assert.equal(finding('read', { text: own().replace('ann', 'bob') }), 'wrong session')
  })

  it('a write whose response has no cookie, unless a logout before it had no answer', () => {
    const text = JSON.stringify({ ...user.data, count: 1 })
    assert.equal(finding('write', { text }), 'a write without a cookie')
    assert.equal(finding('logout', UNAVAILABLE, { isAway: true }), null)
    assert.equal(finding('write', { text }), null)
  })

  it('garbage that opens or is answered with a cookie', () => {
    assert.equal(finding('read', { text: '{}' }, { garbage: 'flipped' } as object), null)
    assert.equal(finding('read', { text: own() }, { garbage: 'flipped' } as object), 'garbage opened')
    assert.equal(finding('read', { text: '{}', cookies: COOKIE }, { garbage: 'flipped' } as object), 'garbage was answered with a cookie')
  })

  it('a revoked cookie that opens; with \'accept\' only the log tells whether it may', () => {
    assert.equal(finding('replay', { text: '{}' }), null)
    assert.equal(finding('replay', { text: own() }, { isAway: true }), 'revoked cookie opened')
    assert.equal(finding('replay', { text: own() }, { server: accept }), null)
  })

  it('a status that is no 200, and no answer; 503 only where no session was used', () => {
    assert.equal(finding('read', { status: 500, text: '' }), 'status 500')
    assert.equal(finding('read', { failed: 'ECONNRESET' }), 'no answer: ECONNRESET')
    assert.equal(finding('read', UNAVAILABLE, { isAway: true }), null)
    assert.equal(finding('untouched', UNAVAILABLE, { isAway: true }), 'status 503')
  })
})

describe('a revoked cookie that \'accept\' let in', () => {
  it('is wrong where the store was not failing for that process', async () => {
    const { Ledger } = await load('ledger') as { Ledger: new () => { count: (visit: object, result: object) => void, settle: (failures: object[]) => void, findings: Record<string, number> } }
    const ledger = new Ledger()
    for (const milliseconds of [0, 10_000]) {
      const visit = { kind: 'replay', server: accept, user, span: at(milliseconds) }
      ledger.count(visit, judge(visit, { status: 200, text: '{"user":"ann"}', cookies: [] }, false))
    }
    ledger.settle([{ from: START - 1000, to: START + 1000 }])
    assert.deepEqual(ledger.findings, { 'revoked cookie opened': 1 })
  })
})
