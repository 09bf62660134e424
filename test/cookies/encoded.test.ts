// One cookie that we wrote is opened without being decoded first. Nobody must be able to tell.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import fc from 'fast-check'
import { sessionInfo } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { cookieWith, readyApp, tokenWith, type Handler } from '../support/app.ts'

const key = newKey()
const routes: Record<string, Handler> = {
  '/': ({ session }) => ({ data: session.data(), info: sessionInfo(session) })
}

/** Two apps: in one of them a hook has the header parsed, so that cookies come decoded. */
async function apps (options: object): Promise<{ send: (cookie: string) => Promise<unknown[]>, token: (data: object) => string, line: string }> {
  const direct = await readyApp({ session: { key, ...options }, routes })
  const decoded = await readyApp({
    session: { key, ...options },
    after: app => { app.addHook('onRequest', async request => { assert.ok(request.cookies) }) },
    routes
  })
  return {
    send: async cookie => await Promise.all([direct, decoded].map(async app => (await app.inject({ url: '/', headers: { cookie } })).json<unknown>())),
    token: data => tokenWith(direct, data),
    line: cookieWith(direct, {})
  }
}

/** Ways to spell a token in a cookie, most of which nobody honest uses. */
const spellings: Record<string, (token: string) => string> = {
  'as we do': token => token.replaceAll('/', '%2F').replaceAll('=', '%3D').replace(';', '%3B'),
  'as version 0.1.0 did': token => token.replaceAll('=', '%3D').replace(';', '%3B'),
  'in double quotes': token => `"${encodeURIComponent(token)}"`,
  'in double quotes, as it is but for the semicolon': token => `"${token.replace(';', '%3B')}"`,
  'with one double quote': token => `"${encodeURIComponent(token)}`,
  'in two pairs of double quotes': token => `""${encodeURIComponent(token)}""`,
  'as the peer does': encodeURIComponent,
  'in lower case': token => token.replaceAll('=', '%3d').replace(';', '%3b'),
  'with some of it escaped': token => token.replaceAll('=', '%3D').replace(';', '%3B').replace('A', '%41'),
  'with its padding as it is': token => token.replace(';', '%3B'),
  'with more padding': token => token.replaceAll('=', '%3D').replace(';', '%3D%3B'),
  'with three of four characters of padding': token => token.replaceAll('=', '').replace(';', '%3D%3D%3D%3B'),
  'without padding': token => token.replaceAll('=', '').replace(';', '%3B'),
  'with a third part': token => `${token.replaceAll('=', '%3D').replace(';', '%3B')}%3B%20Path%3D%2F`,
  'with an empty third part': token => `${token.replaceAll('=', '%3D').replace(';', '%3B')}%3B`,
  'in the alphabet of base64url': token => token.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '%3D').replace(';', '%3B'),
  'with a broken escape': token => `${token.replaceAll('=', '%3D').replace(';', '%3B')}%`,
  'without a nonce': token => `${token.replaceAll('=', '%3D').replace(/;.*/, '%3B')}`,
  'without a ciphertext': token => `%3D%3B${token.replace(/.*;/, '')}`
}

const OPENED = ['as we do', 'as version 0.1.0 did', 'in double quotes', 'in double quotes, as it is but for the semicolon', 'as the peer does', 'in lower case', 'with some of it escaped', 'with its padding as it is', 'with a third part', 'with an empty third part']

describe('a cookie that is opened as it stands in the header', async () => {
  let clock: FakeTimers.Clock
  before(() => { clock = FakeTimers.install({ toFake: ['Date'], now: Date.now() }) }) // sessionInfo() shows the time
  after(() => { clock.uninstall() })

  const { send, token } = await apps({})

  for (const [name, spell] of Object.entries(spellings)) {
    it(`${OPENED.includes(name) ? 'opens' : 'is refused'} ${name}, whether it was decoded before or not`, async () => {
      for (const length of [0, 1, 2]) { // all paddings
        const data = { note: 'x'.repeat(length), more: 'A' }
        let sealed = token(data)
        // Each alphabet has its own characters only if the token has one of them; an A to be escaped.
        while (!/[+/].*;/.test(sealed) || !/A.*;/.test(sealed)) sealed = token(data)
        const [direct, decoded] = await send(`session=${spell(sealed)}`)
        assert.deepEqual(direct, decoded)
        const isPadded = sealed.includes('=')
        const opens = OPENED.includes(name) || (name === 'without padding' && !isPadded)
        assert.deepEqual((direct as { data: object }).data, opens ? data : {}, sealed)
      }
    })
  }

  for (const format of ['secretbox', 'sealed']) {
    it(`format ${format}: whatever is changed in it, says the same as one that was decoded before`, async () => {
      const { send, token } = await apps({ format, accept: ['secretbox', 'sealed'] })
      const spelt = spellings['as we do']!(token({ a: 1 })) // it is there
      const change = fc.record({ at: fc.nat(spelt.length), take: fc.nat(4), put: fc.constantFrom('', 'A', '%', '%3D', '%3B', '%3b', '=', '%25', '~', '2~', 'é', '%C3', '"', ' ', '-', '_', '+', '/', '%2F', '%2f', '%2B', '%2', '%2G') })
      await fc.assert(fc.asyncProperty(fc.array(change, { maxLength: 3 }), async changes => {
        const changed = changes.reduce((text, { at, take, put }) => text.slice(0, at) + put + text.slice(at + take), spelt)
        const [direct, decoded] = await send(`session=${changed}`)
        assert.deepEqual(direct, decoded)
      }), { numRuns: 1000 })
    })
  }
})
