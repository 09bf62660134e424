// docs/format.md is enough to read and write tokens: its example and its rules are checked against the code.
import peer from '@fastify/secure-session'
import Fastify from 'fastify'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sodium from 'sodium-native'
import { Codec } from '../../src/codec.ts'
import { MAX_TOKEN_LENGTH } from '../../src/limits.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { refusalMessage } from '../../src/refusals.ts'
import { newKey } from '../helpers.ts'
import { blocks, codeIn, tableUnder } from './markdown.ts'
import { read } from './source.ts'
import { Workspace } from './workspace.ts'

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

const page = read('docs/format.md')
const found = blocks(page)
const example = JSON.parse(found.find(({ language }) => language === 'json')?.code ?? '') as Example
const key = Buffer.from(example.key, 'hex')
const nonce = Buffer.from(example.nonce, 'hex')

/** Seals with the example's nonce, at the time of its last write. */
function codec (keys: Buffer[] = [key]): Codec {
  const surroundings = { now: () => example.lastWrite * 1000, fillRandom: (buffer: Uint8Array) => { buffer.set(nonce) } }
  return new Codec({ keyring: { current: KeySet.of(keys) }, expiry: 100, format: 'secretbox', accept: ['secretbox', 'sealed'], context: 'session' }, surroundings)
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

describe('the worked example of docs/format.md', () => {
  it('has intermediate values that belong together', () => {
    const bytes = Buffer.from(example.tag + example.ciphertext, 'hex')
    assert.equal(Buffer.from(example.payloadText).toString('hex'), example.payload)
    assert.deepEqual(sealed(Buffer.from(example.payload, 'hex')), bytes)
    assert.equal(bytes.toString('base64'), example.ciphertextBase64)
    assert.equal(nonce.toString('base64'), example.nonceBase64)
    assert.equal(`${example.ciphertextBase64};${example.nonceBase64}`, example.token)
  })

  it('is what sealing its data gives', () => {
    assert.equal(codec().seal({ data: example.data, lastWrite: example.lastWrite, created: null, lifetime: null, maxAge: null, id: null }), example.token)
  })

  it('is opened again', () => {
    const opened = codec().open(example.token)
    assert.ok(opened.ok)
    assert.deepEqual({ ...opened.content.data }, example.data)
    assert.equal(opened.content.lastWrite, example.lastWrite)
  })

  it('is opened by the peer', async () => {
    const app = Fastify()
    app.register(peer, { key, expiry: 1e9 })
    await app.ready()
    assert.deepEqual(app.decodeSecureSession(example.token)?.data(), example.data)
  })

  it('is what its program prints', () => {
    const workspace = new Workspace()
    try {
      workspace.write('seal.js', found.find(({ language }) => language === 'js')?.code ?? '')
      assert.equal(workspace.run('seal.js').stdout.trim(), example.token)
    } finally {
      workspace.remove()
    }
  })
})

describe('docs/format.md', () => {
  it('lists the names under __ that a token carries', () => {
    const names = Object.keys(JSON.parse(example.payloadText)).filter(name => name.startsWith('__'))
    assert.deepEqual(tableUnder(page, '## The payload').map(([name]) => codeIn(name)), names)
  })

  it('says how long a token may be', () => {
    assert.ok(page.includes(`it has at most ${MAX_TOKEN_LENGTH} characters`))
  })

  it('says that a second ";" and what follows is ignored, which it is', () => {
    assert.ok(codec().open(`${example.token}; Path=/`).ok)
  })

  // Each of these breaks its own rule, and some of those that come later.
  const refused: Record<string, string> = {
    'too-long': 'A'.repeat(MAX_TOKEN_LENGTH + 1),
    malformed: 'AAAA',
    'ciphertext-length': 'AAAA;AAAA',
    'nonce-length': `${example.ciphertextBase64}!;AAAA`,
    'not-authentic': example.token.replace('L', 'M'),
    'payload-invalid': tokenOf('["__ts"]'),
    'time-missing': tokenOf('{"__ts":"1760000000"}'),
    'time-in-future': tokenOf(`{"__ts":${example.lastWrite + 61}}`),
    expired: tokenOf(`{"__ts":${example.lastWrite - 100}}`)
  }
  const rows = tableUnder(page, '### Refusals')

  it('lists the reasons to refuse a token in the order of the checks', () => {
    assert.deepEqual(rows.map(([reason]) => codeIn(reason)), Object.keys(refused))
  })

  for (const [reason, step, line] of rows) {
    it(`is right about ${codeIn(reason)}, step ${step}`, () => {
      const opened = codec().open(refused[codeIn(reason)] ?? '')
      assert.ok(!opened.ok)
      assert.equal(opened.reason, codeIn(reason))
      assert.equal(codeIn(line), refusalMessage(opened.reason))
    })
  }

  it('is right that spelling is checked after lengths and before decryption', () => {
    for (const anyKey of [Buffer.from(newKey()), key]) {
      const opened = codec([anyKey]).open(`${example.ciphertextBase64} ;${example.nonceBase64}`)
      assert.deepEqual(opened, { ok: false, reason: 'malformed' })
    }
  })

  it('is right about the bounds of time', () => {
    assert.ok(codec().open(tokenOf(`{"__ts":${example.lastWrite + 60}}`)).ok)
    assert.ok(codec().open(tokenOf(`{"__ts":${example.lastWrite - 99}}`)).ok)
  })
})
