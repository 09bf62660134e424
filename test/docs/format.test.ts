// docs/reference/format.md is enough to read and write tokens: its examples and its rules are checked against the code.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sodium from 'sodium-native'
import { claimsText, writeClaims } from '../../src/token/claims.ts'
import { Codec, type CodecOptions } from '../../src/token/codec.ts'
import { customSerializer } from '../../src/data/serializer.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import { MAX_SECONDS } from '../../src/token/lifetime.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import { MAX_SIGNED_LENGTH, MAX_TOKEN_LENGTH } from '../../src/token/format.ts'
import { refusalMessage } from '../../src/messages.ts'
import { openRaw } from '../support/configurations.ts'
import { associatedDataOf, fromHex, headerOf, hex, open, seal, sealBytes, type Fields } from '../tokens/independent.ts'
import { newKey } from '../support/helpers.ts'
import { atTime } from '../support/clock.ts'
import { blocks, codeIn, tableUnder } from './markdown.ts'
import { read } from './source.ts'
import { Workspace } from './workspace.ts'
import { readyApp } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

interface Example {
  key: string
  nonce: string
  data: Record<string, unknown>
  lastWrite: number
  payloadText: string
  payload: string
  tag: string
  ciphertext: string
  ciphertextBase64: string
  nonceBase64: string
  token: string
}

type Hex = Record<'key' | 'nonce' | 'id' | 'encryptionKey' | 'identificationKey' | 'keyId' | 'associatedData' | 'header' | 'payload' | 'message' | 'ciphertext' | 'tag', string>

type SealedExample = Hex & Record<'context' | 'token', string> & Record<'created' | 'lastWrite' | 'lifetime' | 'maxAge', number> & { data: Record<string, unknown> }

const page = read('docs/reference/format.md')
const found = blocks(page)
const programs = found.filter(({ language }) => language === 'js')
const [example, sealedExample] = found.filter(({ language }) => language === 'json').map(({ code }) => JSON.parse(code)) as [Example, SealedExample]
const key = Buffer.from(example.key, 'hex')
const nonce = Buffer.from(example.nonce, 'hex')
const EXPIRY = 100

/** Seals with the example's nonce, at the time of its last write. */
function codec (options: Partial<CodecOptions> = {}, now = example.lastWrite * 1000): Codec {
  const keyring = { current: KeySet.of([key]) }
  return atTime(() => now, new Codec({ keyring, expiry: EXPIRY, format: 'secretbox', accept: ['secretbox', 'sealed'], context: 'session', ...options }, buffer => { buffer.set(nonce) }))
}

/** The tag and the ciphertext of any payload, made without our code. */
function sealed (payload: Buffer): Buffer {
  const ciphertext = Buffer.alloc(payload.length)
  const tag = Buffer.alloc(16)
  sodium.crypto_secretbox_detached(ciphertext, tag, payload, nonce, key)
  return Buffer.concat([tag, ciphertext])
}

/** An authentic token with any payload. */
function tokenOf (payload: string): string {
  return `${sealed(Buffer.from(payload)).toString('base64')};${example.nonceBase64}`
}

/** What the program that comes n-th on the page prints. */
function printedBy (index: number): string {
  const workspace = new Workspace()
  try {
    workspace.write('seal.js', programs[index]?.code ?? '')
    return workspace.run('seal.js').stdout.trim()
  } finally {
    workspace.remove()
  }
}

describe('the secretbox token that docs/reference/format.md works out', () => {
  it('has intermediate values that belong together', () => {
    const bytes = Buffer.from(example.tag + example.ciphertext, 'hex')
    assert.equal(Buffer.from(example.payloadText).toString('hex'), example.payload)
    assert.deepEqual(sealed(Buffer.from(example.payload, 'hex')), bytes)
    assert.equal(bytes.toString('base64'), example.ciphertextBase64)
    assert.equal(nonce.toString('base64'), example.nonceBase64)
    assert.equal(`${example.ciphertextBase64};${example.nonceBase64}`, example.token)
  })

  it('is what sealing its data gives', () => {
    assert.equal(codec().seal({ data: example.data, writtenAt: example.lastWrite * 1000, createdAt: null, lifetime: null, cookieMaxAge: null, id: null }), example.token)
  })

  it('is opened again', () => {
    const opened = codec().open(example.token)
    assert.ok(opened.ok)
    assert.deepEqual({ ...opened.record.data }, example.data)
    assert.equal(opened.record.writtenAt, example.lastWrite * 1000)
  })

  it('is opened by the peer', async () => {
    const app = await readyApp({ plugin: PLUGINS.peer, session: { key, expiry: 1e9 } })
    assert.deepEqual(app.decodeSecureSession(example.token)?.data(), example.data)
  })

  it('is what its program prints', () => {
    assert.equal(printedBy(0), example.token)
  })
})

describe('the sealed token that docs/reference/format.md works out', () => {
  const { context, created, lastWrite, lifetime, maxAge, data, token } = sealedExample
  const fields: Fields = { created, lastWrite, lifetime, maxAge, id: fromHex(sealedExample.id) }
  const at = created + lastWrite * 1000
  const record: SessionRecord = { data, createdAt: created, writtenAt: at, lifetime, cookieMaxAge: maxAge, id: Buffer.from(sealedExample.id, 'hex') }
  const own = codec({ format: 'sealed', context }, at)

  it('has the key and the nonce of the example above', () => {
    assert.deepEqual([sealedExample.key, sealedExample.nonce], [example.key, example.nonce])
  })

  it('has the intermediate values that the page tells how to compute', () => {
    const steps = seal({ ...fields, key, nonce, context, data })
    for (const [name, value] of Object.entries(steps)) {
      assert.equal(sealedExample[name as keyof SealedExample], typeof value === 'string' ? value : hex(value), name)
    }
    assert.equal(sealedExample.message, sealedExample.header + sealedExample.payload)
  })

  it('has the intermediate values that libsodium computes', () => {
    const [first, second] = [Buffer.alloc(32), Buffer.alloc(16)]
    sodium.crypto_kdf_derive_from_key(first, 1, Buffer.from('fsealses'), key)
    sodium.crypto_kdf_derive_from_key(second, 2, Buffer.from('fsealses'), key)
    assert.deepEqual([first.toString('hex'), second.toString('hex')], [sealedExample.encryptionKey, sealedExample.identificationKey])
    const message = Buffer.from(sealedExample.message, 'hex')
    const output = Buffer.alloc(message.length + 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(output, message, Buffer.from(sealedExample.associatedData, 'hex'), null, nonce, first)
    assert.equal(output.toString('hex'), sealedExample.ciphertext + sealedExample.tag)
    assert.equal(Buffer.from(`01${sealedExample.keyId}${sealedExample.nonce}${output.toString('hex')}`, 'hex').toString('base64url'), token)
  })

  it('has the subkeys that this package derives', () => {
    const { encryption, id } = new DerivedKey(key)
    assert.deepEqual([encryption.toString('hex'), id], [sealedExample.encryptionKey, sealedExample.keyId])
  })

  it('is what sealing its session gives', () => {
    assert.equal(own.seal(record), token)
  })

  it('is opened again', () => {
    assert.deepEqual(own.open(token), { ok: true, record, format: 'sealed', key: new DerivedKey(key), stale: false })
  })

  it('is, without its optional fields, what its program prints', () => {
    const printed = printedBy(1)
    assert.equal(printed, seal({ key, nonce, context, data, created, lastWrite, lifetime: null, maxAge: null, id: null }).token)
    assert.equal(own.open(printed).ok, true)
  })
})

describe('docs/reference/format.md', () => {
  it('lists the names under __ that a secretbox token carries', () => {
    const names = Object.keys(JSON.parse(example.payloadText)).filter(name => name.startsWith('__'))
    names.push('__life', '__claims') // only where something is to be said
    const record = { data: {}, writtenAt: example.lastWrite * 1000, createdAt: null, lifetime: null, cookieMaxAge: null, id: null }
    const serialized = openRaw(key, codec({ serializer: customSerializer(JSON) }).seal(record))
    const ofSerializer = Object.keys(serialized).filter(name => name.startsWith('__') && !names.includes(name))
    assert.deepEqual(tableUnder(page, '### The payload').map(([name]) => codeIn(name)), [...names, ...ofSerializer])
  })

  it('has the example of a claim right, in both formats', () => {
    const claims = new Map([[1, Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')]])
    const bytes = Buffer.alloc(21)
    writeClaims(bytes, 0, claims)
    const [, entries = ''] = /^(0013 01 0010 \w+)$/m.exec(page) ?? []
    assert.equal(entries.replaceAll(' ', ''), bytes.toString('hex'))
    assert.ok(page.includes(`"__claims":"${claimsText(claims)}"`))
  })

  it('says how long a token may be', () => {
    assert.equal(page.split(`it has at most ${MAX_TOKEN_LENGTH} characters`).length, 3)
  })

  it('says how much JSON is sealed', () => {
    const [, most] = /seals at most (\d+) bytes of JSON/.exec(page) ?? []
    const own = codec({ format: 'sealed' })
    const record = (bytes: number): SessionRecord => ({
      data: { a: 'x'.repeat(bytes - '{"a":""}'.length) }, createdAt: example.lastWrite * 1000, writtenAt: example.lastWrite * 1000, lifetime: EXPIRY, cookieMaxAge: 1, id: Buffer.alloc(16)
    })
    const token = own.seal(record(Number(most)))
    assert.equal(token.length, MAX_TOKEN_LENGTH)
    assert.equal(own.open(token).ok, true)
    assert.throws(() => own.seal(record(Number(most) + 1)), { code: 'FST_SEALED_SESSION_TOO_LARGE' })
  })

  it('says how much JSON is sealed in the secretbox format', () => {
    const [, most] = /seals (\d+) bytes of JSON at most/.exec(page) ?? []
    const record = (bytes: number): SessionRecord => ({
      data: { a: 'x'.repeat(bytes - '{"a":""}'.length) }, createdAt: example.lastWrite * 1000 + 1, writtenAt: example.lastWrite * 1000 + 1, lifetime: MAX_SECONDS, cookieMaxAge: MAX_SECONDS, id: Buffer.alloc(16)
    })
    const own = codec({ absoluteTimeout: EXPIRY })
    const token = own.seal(record(Number(most)))
    assert.ok(token.length <= MAX_TOKEN_LENGTH)
    assert.equal(own.open(token).ok, true)
    assert.throws(() => own.seal(record(Number(most) + 1)), { code: 'FST_SEALED_SESSION_TOO_LARGE' })
  })

  it('says how long a signed value may be', () => {
    assert.ok(page.includes(`The signed value has at most ${MAX_SIGNED_LENGTH} characters`))
  })

  it('says how many bytes a sealed token has beside its payload', () => {
    const [, bytes] = /has (\d+) bytes beside its payload/.exec(page) ?? []
    const token = codec({ format: 'sealed' }).seal({ data: {}, createdAt: 1, writtenAt: 1000, lifetime: null, cookieMaxAge: null, id: null })
    assert.equal(Buffer.from(token, 'base64url').length, Number(bytes) + '{}'.length)
  })

  it('says that a second ";" and what follows is ignored, which it is', () => {
    assert.ok(codec().open(`${example.token}; Path=/`).ok)
  })
})

const NOW = example.lastWrite
const FIELDS: Fields = { created: NOW * 1000, lastWrite: 0, lifetime: null, maxAge: null, id: null }

/** An authentic sealed token with any content. */
function sealedToken ({ header = headerOf(FIELDS), payload = '{}', ...rest }: { header?: Uint8Array, payload?: string, version?: number, key?: Uint8Array, context?: string } = {}): string {
  return sealBytes({ key, nonce, context: 'session', header, payload: Buffer.from(payload), ...rest }).token
}

const withTimes = (times: Partial<Fields>): Uint8Array => headerOf({ ...FIELDS, ...times })

// Each of these breaks its own rule, and some of those that come later.
const REFUSED: Record<'secretbox' | 'sealed', Record<string, string>> = {
  secretbox: {
    'format-not-accepted': `${'A'.repeat(MAX_TOKEN_LENGTH)};`,
    'too-long': `${'A'.repeat(MAX_TOKEN_LENGTH)};`,
    'ciphertext-length': 'AAAA;AAAA',
    'nonce-length': `${example.ciphertextBase64}!;AAAA`,
    malformed: `${example.ciphertextBase64.replace('L', 'M')} ;${example.nonceBase64}`,
    'not-authentic': example.token.replace('L', 'M'),
    'payload-invalid': tokenOf('["__ts"]'),
    'time-missing': tokenOf('{"__ts":"1760000000"}'),
    'time-in-future': tokenOf(`{"__ts":${NOW + 61}}`),
    expired: tokenOf(`{"__ts":${NOW - EXPIRY}}`)
  },
  sealed: {
    'format-not-accepted': 'A'.repeat(MAX_TOKEN_LENGTH + 1),
    'too-long': `${'A'.repeat(MAX_TOKEN_LENGTH)}=`,
    malformed: `${sealedToken({ version: 2 })}=`,
    'version-unknown': sealedToken({ version: 2, key: newKey() }),
    'key-unknown': sealedToken({ key: newKey(), context: 'other' }),
    'not-authentic': sealedToken({ context: 'other', header: Buffer.alloc(11, 0xff) }),
    'header-invalid': sealedToken({ header: Buffer.alloc(11, 0xff), payload: '[]' }),
    'payload-invalid': sealedToken({ header: withTimes({ lastWrite: 61 }), payload: '[]' }),
    'time-in-future': sealedToken({ header: withTimes({ lastWrite: 61, lifetime: 0 }) }),
    expired: sealedToken({ header: withTimes({ created: (NOW - EXPIRY) * 1000 }) })
  }
}

const rows = tableUnder(page, '## Refusals')

for (const [column, format] of [[1, 'secretbox'], [2, 'sealed']] as const) {
  describe(`what docs/reference/format.md says of refusing a ${format} token`, () => {
    const own = rows.filter(row => row[column] !== '')
    const list = page.slice(page.indexOf(`### Opening a ${format} token`)).split('\n\n').find(paragraph => paragraph.startsWith('1. ')) ?? ''
    const steps = [...list.matchAll(/^\d+\. /gm)].length

    it('names the reasons in the order of the checks, one for each', () => {
      assert.deepEqual(own.map(([reason]) => codeIn(reason)), Object.keys(REFUSED[format]))
      assert.deepEqual(own.map(row => row[column]), ['first', ...Array.from({ length: steps }, (_, index) => String(index + 1))])
    })

    for (const [name, , , line] of own) {
      it(`is right about ${codeIn(name)}`, () => {
        const reason = codeIn(name)
        const other = format === 'sealed' ? 'secretbox' : 'sealed'
        const options: Partial<CodecOptions> = reason === 'format-not-accepted' ? { format: other, accept: [other] } : {}
        const opened = codec(options).open(REFUSED[format][reason] ?? '')
        assert.ok(!opened.ok)
        assert.equal(opened.reason, reason)
        assert.equal(codeIn(line), refusalMessage(opened.reason))
      })
    }
  })
}

describe('what docs/reference/format.md says of opening', () => {
  it('is right that spelling is checked after lengths and before decryption in the secretbox format', () => {
    for (const anyKey of [Buffer.from(newKey()), key]) {
      const opened = codec({ keyring: { current: KeySet.of([anyKey]) } }).open(`${example.ciphertextBase64} ;${example.nonceBase64}`)
      assert.deepEqual(opened, { ok: false, reason: 'malformed' })
    }
  })

  it('is right about the bounds of time in the secretbox format', () => {
    assert.ok(codec().open(tokenOf(`{"__ts":${NOW + 60}}`)).ok)
    assert.ok(codec().open(tokenOf(`{"__ts":${NOW - EXPIRY + 1}}`)).ok)
  })

  it('is right about the bounds of time in the sealed format', () => {
    for (const times of [{ lastWrite: 60 }, { created: (NOW - EXPIRY) * 1000 + 1 }, { created: NOW * 1000 - 4999, lifetime: 5 }, { created: NOW * 1000 - EXPIRY * 5000, lifetime: EXPIRY * 6 }]) {
      assert.equal(codec().open(sealedToken({ header: withTimes(times) })).ok, true, JSON.stringify(times))
    }
    for (const times of [{ created: NOW * 1000 - 5000, lifetime: 5 }, { lifetime: 0 }]) {
      assert.deepEqual(codec().open(sealedToken({ header: withTimes(times) })), { ok: false, reason: 'expired' }, JSON.stringify(times))
    }
    assert.deepEqual(codec().open(sealedToken({ header: withTimes({ created: NOW * 1000 + 60_001 }) })), { ok: false, reason: 'time-in-future' })
  })

  it('is right that a context is taken as it is, without normalization', () => {
    const [composed, decomposed] = ['\u00e9', 'e\u0301'] as const
    assert.notDeepEqual(associatedDataOf(nonce.subarray(0, 4), composed), associatedDataOf(nonce.subarray(0, 4), decomposed))
    assert.deepEqual(codec({ context: decomposed }).open(sealedToken({ context: composed })), { ok: false, reason: 'not-authentic' })
  })

  it('is right that a reader replaces what is not UTF-8, and that of two properties with one name the last one counts', () => {
    const token = sealBytes({ key, nonce, context: 'session', header: headerOf(FIELDS), payload: Buffer.from('{"a":1,"a":"\xff"}', 'latin1') }).token
    const opened = codec().open(token)
    assert.ok(opened.ok)
    assert.deepEqual(opened.record.data, { a: '\ufffd' })
    assert.deepEqual(open(token, { keys: [key], context: 'session', now: NOW * 1000, expiry: EXPIRY }), { ok: true, fields: FIELDS, data: { a: '\ufffd' }, keyId: sealedExample.keyId })
  })
})

describe('what docs/reference/format.md says of sealing again', () => {
  const secretbox: SessionRecord = { data: { a: 1 }, writtenAt: NOW * 1000, createdAt: null, lifetime: null, cookieMaxAge: null, id: null }
  const full: SessionRecord = { data: { a: 1 }, writtenAt: NOW * 1000 - 500, createdAt: NOW * 1000 - 7500, lifetime: 50, cookieMaxAge: 60, id: Buffer.alloc(16, 1) }
  const formats = ['secretbox', 'sealed'] as const
  const records = { secretbox, sealed: full }
  const expected: Record<string, SessionRecord> = {
    'sealed to sealed': full,
    'secretbox to secretbox': secretbox,
    'secretbox to sealed': { ...secretbox, createdAt: NOW * 1000 },
    'sealed to secretbox': full
  }

  it('has a row for each way', () => {
    assert.deepEqual(tableUnder(page, '## Sealed again').map(([from, to]) => `${from} to ${to}`).sort(), Object.keys(expected).sort())
  })

  for (const from of formats) {
    for (const to of formats) {
      it(`is right about ${from} to ${to}`, () => {
        const first = codec({ format: from }).open(codec({ format: from }).seal(records[from]))
        assert.ok(first.ok)
        const second = codec({ format: to }).open(codec({ format: to }).seal(first.record))
        assert.ok(second.ok)
        assert.deepEqual(second.record, expected[`${from} to ${to}`])
      })
    }
  }
})
