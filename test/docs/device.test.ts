// docs/guide/device-binding.md and its neighbours say what the plugin does.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { blake2b } from '@noble/hashes/blake2.js'
import { readDeviceOptions } from '../../src/device/options.ts'
import { DeviceValues, sessionOf } from '../../src/device/values.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, only, PROOF_ONLY, SESSION_ONLY } from '../support/device.ts'
import { newKey } from '../support/helpers.ts'
import { stopClock } from '../support/configurations.ts'
import { messageOf } from '../tokens/independent-device.ts'
import { hex } from '../tokens/independent.ts'
import { codeIn, tableUnder } from './markdown.ts'
import { membersIn, membersOf, read } from './source.ts'

const page = read('docs/guide/device-binding.md')
const prose = page.replaceAll('\n', ' ')
const format = read('docs/reference/format.md')
const observability = read('docs/guide/observability.md')

const namesUnder = (markdown: string, heading: string): string[] => tableUnder(markdown, heading).flatMap(([names = '']) => [...names.matchAll(/`(\w+)[`(]/g)].map(([, name = '']) => name)).sort()

describe('docs/guide/device-binding.md', () => {
  it('has each option, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Options'), membersIn(['src/device/types.ts'], 'DeviceBindingOptions'))
  })

  it('has the defaults and bounds that the code has', () => {
    const documented = Object.fromEntries(tableUnder(page, '## Options').map(([name, , value]) => [codeIn(name), codeIn(value)]))
    const { interval, policy, grace, algorithms, unboundExpiry } = readDeviceOptions({})
    assert.deepEqual([documented.interval, documented.policy, documented.grace, documented.algorithms], [String(interval), `'${policy}'`, String(grace / 1000), `['${algorithms.join()}']`])
    assert.equal(unboundExpiry, null)
    const [, least, most] = /what stolen cookies are good for\. (\d+) to (\d+) \|/.exec(page) ?? []
    for (const interval of [Number(least), Number(most)]) assert.equal(readDeviceOptions({ interval }).interval, interval)
    for (const interval of [Number(least) - 1, Number(most) + 1]) assert.throws(() => readDeviceOptions({ interval }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
  })

  it('has each field of sessionInfo().device, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Ask for a binding only if it matters'), membersOf('DeviceInfo'))
  })

  it('has each member of a test device, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Test your app'), membersIn(['src/testing/device.ts'], 'TestDevice'))
  })

  it('says how many characters a binding adds to the cookie of the session, and the proof has', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const before = device.cookies.length
    await device.register(app, response)
    const [, more] = /session's cookie gets (\d+) characters longer/.exec(prose) ?? []
    assert.equal(only(device.cookies, ...SESSION_ONLY).length - before, Number(more))
    const [, plain, signed] = /a value of (\d+) characters, or (\d+) if cookies are signed/.exec(prose) ?? []
    assert.equal(valueIn(device.cookies), Number(plain))
    const other = await boundDevice(await appWithDevices({ session: { cookie: { path: '/', secure: true, sameSite: 'lax', signed: true } } }))
    assert.equal(decodeURIComponent(only(other.cookies, ...PROOF_ONLY)).length - 'session.device='.length, Number(signed))
  })

  it('says how much longer RS256 makes an identifier, and what headers of a registration have', async () => {
    const [es256, rs256] = [await registrationWith('ES256'), await registrationWith('RS256')]
    const [, more] = /makes the identifier (\d+) characters longer/.exec(page) ?? []
    assert.equal(rs256.identifier - es256.identifier, Number(more))
    const [, about, aboutRsa] = /a header of about (\d+) characters, with RSA about (\d+)/.exec(prose) ?? []
    for (const [actual, said] of [[es256.header, about], [rs256.header, aboutRsa]] as const) assert.ok(Math.abs(actual - Number(said)) < Number(said) / 7, `${actual}, ${said}`)
  })
})

/** Length of the value of the proof. */
function valueIn (cookies: string): number {
  return only(cookies, ...PROOF_ONLY).length - 'session.device='.length
}

async function registrationWith (algorithm: 'ES256' | 'RS256'): Promise<{ identifier: number, header: number }> {
  let header = 0
  const app = await appWithDevices({ device: { algorithms: [algorithm] } })
  const recording = {
    inject: (request: InjectOptions) => {
      header = String(request.headers?.['secure-session-response'] ?? '').length
      return app.inject(request)
    }
  } as FastifyInstance
  const device = createTestDevice({ algorithm })
  const { response } = await loggedIn(app, device)
  const answer = await device.register(recording, response)
  return { identifier: answer?.json<{ session_identifier: string }>().session_identifier.length ?? 0, header }
}

describe('what docs/reference/format.md says of a device', () => {
  const values = new DeviceValues({ current: KeySet.of([newKey()]) }, 'session')
  const binding = Buffer.alloc(16)
  const identifier = (bytes: number): string => values.sealIdentifier({ binding, created: 0, boundAt: 0, algorithm: 0, publicKey: Buffer.alloc(bytes) })
  const challenge = (purpose: 'register' | 'refresh', of: Buffer): string => values.sealChallenge({ purpose, time: 0, of })
  const actual: Record<string, string> = {
    proof: values.sealProof({ binding, created: 0, boundAt: 0, provenAt: 0, until: 0 }),
    'identifier, ES256, without its order': identifier(64),
    'identifier, RS256 with 2048 bits, without its order': identifier(256),
    'challenge for a first binding': challenge('register', sessionOf(0, null)),
    'the same, with revocation': challenge('register', sessionOf(0, binding)),
    'challenge for a refresh': challenge('refresh', binding)
  }

  it('has the message of the proof that it works out', () => {
    const [, text = ''] = /^([\da-f]{32} [\da-f]{12}(?: [\da-f]{8}){3})$/m.exec(format) ?? []
    const fields = { binding: '576bceb71095d8498e87a66067964e81', created: 1760000000123, bound: 2, proven: 3602, counts: 600 }
    assert.equal(text.replaceAll(' ', ''), hex(messageOf('proof', fields)))
  })

  it('has the order of identifiers right', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const began = Math.floor(Date.now() / 1000)
    clock.tick(61_000)
    const answer = await device.register(app, response)
    const [, order = '', sealed = ''] = /^([\da-f]{8})([\w-]{182})$/.exec(answer?.json<{ session_identifier: string }>().session_identifier ?? '') ?? []
    const [, highest] = /in small letters: (\d+) less the second/.exec(format) ?? []
    assert.equal(Number.parseInt(order, 16), Number(highest) - began - 61)
    assert.equal(Buffer.from(sealed, 'base64url')[0], 0x82)
  })

  it('has the id of a session right that is bound with revocation', async () => {
    const app = await appWithDevices({ revocation: {} })
    const { device, response } = await loggedIn(app)
    const idOf = async (): Promise<Buffer> => Buffer.from((await infoOf(app, device.cookies)).id ?? '', 'base64url')
    const before = await idOf()
    await device.register(app, response)
    const hash = blake2b(Buffer.concat([Buffer.from('bound:'), before]), { dkLen: 32 })
    assert.deepEqual(await idOf(), Buffer.from(hash.slice(0, 16)))
  })

  it('has the lengths of the values', () => {
    const start = format.indexOf('Lengths of the whole values')
    const rows = [...format.slice(start, format.indexOf('\n## ', start)).matchAll(/^\| (.+?) \| (\d+) \| (\d+) \|$/gm)].map(([, name = '', bytes, characters]) => [name, Number(bytes), Number(characters)])
    assert.deepEqual(rows, Object.entries(actual).map(([name, text]) => [name, Buffer.from(text, 'base64url').length, text.length]))
  })
})

describe('what docs/guide/observability.md says of a device', () => {
  const rows = observability.slice(observability.indexOf('\n## Devices\n'), observability.indexOf('\n## With Prometheus\n')).match(/^\| `.+$/gm) ?? []

  it('has each field of a message, and each event, and no other', () => {
    const names = rows.map(codeIn).sort()
    const [, union = ''] = /^ {2}event: ('offered'.+)$/m.exec(read('src/diagnostics.ts')) ?? []
    const events = union.split(' | ').map(event => event.slice(1, -1))
    assert.deepEqual(names, [...membersOf('SessionDeviceMessage'), ...events].sort())
  })

  it('has each reason that the endpoint gives', () => {
    const source = read('src/device/endpoint.ts')
    const given = [...source.matchAll(/(?:return|\?|:|, |#refuse\(request, |#end\(request, text, )\s*'([a-z]+)'/g)].map(([, reason = '']) => reason)
      .filter(reason => !['refresh', 'renew', 'register', 'renewed', 'registered', 'cookie', 'function'].includes(reason))
    assert.ok(given.length > 10)
    const said = [...rows.join('\n').matchAll(/`(\w+)`/g)].map(([, word]) => word)
    assert.deepEqual([...new Set(given)].filter(reason => !said.includes(reason)), [])
  })
})
