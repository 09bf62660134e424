// All combinations of what decides when a session ends, against a model that follows the documentation only.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { cookieOf, newKey } from '../support/helpers.ts'
import { get, linesOf, readyApp, type Handler } from '../support/app.ts'

const START = 1_800_000_000_000
const EXPIRY = 100
const MAX_AGE = 90
const OWN = { expiry: 200, maxAge: 180 }

const ROUTES: Record<string, Handler> = {
  '/login': ({ session }) => { session.set('user', 1) },
  '/remember': ({ session }) => { session.set('user', 1); session.options(OWN) },
  '/read': ({ session }) => session.get('user') ?? 'nobody',
  '/write': ({ session }) => { session.set('n', 1) },
  '/touch': ({ session }) => { session.touch() },
  '/regenerate': ({ session }) => { session.regenerate('user') }
}

const ACTIONS = ['read', 'write', 'touch', 'regenerate', 'rotated key', 'migrated format'] as const
type Action = typeof ACTIONS[number]

interface Case {
  format: 'secretbox' | 'sealed'
  rolling: boolean
  absoluteTimeout: number | undefined
  isOwn: boolean
  action: Action
  /** When the action takes place, in seconds after the login. */
  second: number
}

/** All of them; a cross product, so that none is forgotten. */
function cases (format: Case['format']): Case[] {
  let all: Case[] = [{ format, rolling: false, absoluteTimeout: undefined, isOwn: false, action: 'read', second: 0 }]
  const over = <K extends keyof Case>(name: K, values: ReadonlyArray<Case[K]>): void => {
    all = all.flatMap(one => values.map(value => ({ ...one, [name]: value })))
  }
  over('rolling', [false, true])
  over('absoluteTimeout', [undefined, 95, 150])
  over('isOwn', [false, true])
  over('action', ACTIONS)
  over('second', [40, 50, 51, 94])
  return all
}

interface Expected {
  sent: boolean
  /** Of the cookie that is sent. */
  maxAge: number
  /** Seconds after the login. */
  end: number
}

/** What is promised. All sessions are still alive when the action takes place. */
function promised ({ rolling, absoluteTimeout = Infinity, isOwn, action, second }: Case): Expected {
  if (action === 'regenerate') return { sent: true, maxAge: MAX_AGE, end: second + Math.min(EXPIRY, absoluteTimeout) }
  const lifetime = isOwn ? OWN.expiry : EXPIRY
  const maxAge = isOwn ? OWN.maxAge : MAX_AGE
  const before = Math.min(lifetime, absoluteTimeout)
  const renewed = Math.min(second + lifetime, absoluteTimeout)
  if (action === 'write' || action === 'touch') return { sent: true, maxAge, end: renewed }
  const rolls = rolling && second > lifetime / 2 && renewed > before
  const end = rolls ? renewed : before
  // Nobody asked for this one, so the cookie lasts no longer than what is left.
  return { sent: rolls || action !== 'read', maxAge: Math.min(maxAge, end - second), end }
}

let clock: FakeTimers.Clock
before(() => { clock = FakeTimers.install({ toFake: ['Date'], now: START }) })
after(() => clock.uninstall())

function at (second: number, milliseconds = 0): void {
  clock.setSystemTime(START + second * 1000 + milliseconds)
}

/** The app at the login, and the one from the action on. */
async function appsOf ({ format, rolling, absoluteTimeout, action }: Case): Promise<[FastifyInstance, FastifyInstance]> {
  const key = newKey()
  const shared = { expiry: EXPIRY, rolling, absoluteTimeout, cookie: { maxAge: MAX_AGE }, accept: ['secretbox', 'sealed'] }
  const other = format === 'sealed' ? 'secretbox' : 'sealed'
  const first = { ...shared, key, format: action === 'migrated format' ? other : format }
  const then = { ...shared, key: action === 'rotated key' ? [newKey(), key] : key, format }
  return [await readyApp({ session: first, routes: ROUTES }), await readyApp({ session: then, routes: ROUTES })]
}

async function check (one: Case): Promise<void> {
  const expected = promised(one)
  const [first, app] = await appsOf(one)
  at(0)
  let cookie = cookieOf(await get(first, one.isOwn ? '/remember' : '/login'))
  at(one.second)
  const isCall = one.action === 'write' || one.action === 'touch' || one.action === 'regenerate'
  const response = await get(app, isCall ? `/${one.action}` : '/read', cookie)
  const title = JSON.stringify(one)
  if (!isCall) assert.equal(response.body, '1', title)
  const [line] = linesOf(response)
  assert.equal(line !== undefined, expected.sent, `Set-Cookie: ${title}`)
  if (line !== undefined) {
    assert.equal(Number(/Max-Age=(\d+)/.exec(line)?.[1]), expected.maxAge, `Max-Age: ${title}`)
    cookie = cookieOf(response)
  }
  const read = async (): Promise<string> => (await get(app, '/read', cookie)).body
  at(expected.end - 1)
  assert.equal(await read(), '1', `a second before its end: ${title}`)
  at(expected.end, -1)
  assert.equal(await read(), '1', `a millisecond before its end: ${title}`)
  at(expected.end)
  assert.equal(await read(), 'nobody', `at its end: ${title}`)
}

for (const format of ['secretbox', 'sealed'] as const) {
  describe(`a session in the ${format} format, in every combination of rolling, absoluteTimeout and its own lifetime`, () => {
    for (const action of ACTIONS) {
      it(`is sent, kept and ended as promised after: ${action}`, async () => {
        for (const one of cases(format).filter(one => one.action === action)) await check(one)
      })
    }
  })
}
