// What people get wrong when they set this up, from key files to names: each error says what to do.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { openRaw, rejection } from '../support/configurations.ts'

const SECRET = 'a passphrase of more than thirty-two bytes'

describe('an error says what to do', () => {
  const typo = `${newKey().toString('hex').slice(0, 20)}g${newKey().toString('hex').slice(0, 43)}`
  const mistakes: Record<string, [options: object, code: string, message: RegExp, hint: RegExp]> = {
    'no key': [{}, 'KEY_MISSING', /^key or secret must specified$/, /Create a key with "npx fastify-sealed-session keygen --out secret-key" and pass it: key: readFileSync\("secret-key"\)/],
    'a 31-byte key': [{ key: newKey().subarray(1) }, 'KEY_LENGTH', /^key must be 32 bytes, got 31$/, /Create a key with "npx .* keygen/],
    'a hex string with a typo': [{ key: typo }, 'KEY_TEXT', /^key must be 32 bytes: 64 hex characters/, /Character 21 is not a hex digit\. Copy the key again/],
    'a hex string that lacks a character': [{ key: typo.slice(21).padStart(63, '0') }, 'KEY_TEXT', /got 63 characters/, /These are 63 hex digits, not 64\. Copy the key again/],
    'a hex string in quotes': [{ key: `"${newKey().toString('hex')}"` }, 'KEY_TEXT', /got 66 characters/, /The quotes around the key are part of the text here: remove them\. .*Copy the key again/],
    'a hex string with a prefix': [{ key: `0x${newKey().toString('hex')}` }, 'KEY_TEXT', /got 66 characters/, /Character 2 is not a hex digit/],
    'a base64 string with a typo': [{ key: newKey().toString('base64').replace(/./, '*') }, 'KEY_TEXT', /^key must be 32 bytes/, /Character 1 is none of/],
    'a secret of 20 characters': [{ secret: 'twenty characters...' }, 'SECRET_LENGTH', /^secret must be at least 32 bytes$/, /It has 20 bytes\. Choose a longer passphrase, or better a random key/],
    'a salt of 15 bytes': [{ secret: SECRET, salt: Buffer.alloc(15) }, 'SALT_LENGTH', /^salt must be length 16$/, /It has 15 bytes\. Pass exactly 16 bytes/],
    'a salt of 15 characters': [{ secret: SECRET, salt: 'fifteen bytes..' }, 'SALT_LENGTH', /^salt must be length 16$/, /It has 15 bytes\. Pass exactly 16 bytes/],
    "expiry: '60'": [{ key: newKey(), expiry: '60' }, 'DURATION', /^option "expiry" must be a finite positive number of seconds, got a string$/, /A value from the environment is text: write Number\(/],
    'a near-miss option name': [{ key: newKey(), expirey: 60 }, 'OPTION_UNKNOWN', /^option "expirey" is not known, did you mean "expiry"\?$/, /Correct the name/]
  }
  for (const [what, [options, code, message, hint]] of Object.entries(mistakes)) {
    it(what, async () => {
      const error = await rejection(options)
      assert.equal(error.code, `FST_SEALED_SESSION_${code}`)
      assert.match(error.message, message)
      assert.match(error.hint, hint)
    })
  }
})

describe('a key file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'key-files-'))
  after(() => rmSync(folder, { recursive: true }))

  /** What `>` of Windows PowerShell makes of a program's output: lines of text, in UTF-16 with a mark in front. */
  function redirected (output: Buffer): Buffer {
    const lines = output.toString('latin1').split(/\r\n|\r|\n/)
    return Buffer.from(`\ufeff${lines.map(line => `${line}\r\n`).join('')}`, 'utf16le')
  }

  function write (bytes: Uint8Array | string): string {
    const file = join(folder, 'secret-key')
    writeFileSync(file, bytes)
    return file
  }

  async function assertSays (key: unknown, words: RegExp, advice: RegExp): Promise<void> {
    for (const [option, label] of [[key, 'key'], [[newKey(), key], 'key[1]']] as const) {
      const error = await rejection({ key: option })
      assert.match(error.code, /^FST_SEALED_SESSION_KEY_(LENGTH|TEXT)$/)
      assert.ok(error.message.startsWith(`${label} must be 32 bytes`), error.message)
      assert.match(error.hint, words)
      assert.match(error.hint, advice)
    }
  }

  const outputs: Record<string, Buffer> = {
    'raw bytes': newKey(),
    'raw bytes with line breaks among them': Buffer.concat([newKey().subarray(0, 10), Buffer.from('\n\r\n\r'), newKey().subarray(0, 18)]),
    'raw bytes that are all letters': Buffer.alloc(32, 'k'),
    'hex text': Buffer.from(newKey().toString('hex')),
    'base64 text': Buffer.from(`${newKey().toString('base64')}\n`)
  }
  for (const [what, output] of Object.entries(outputs)) {
    for (const encoding of [null, 'utf8', 'latin1'] as const) {
      it(`that PowerShell redirection wrote is recognized: ${what}, read as ${encoding ?? 'bytes'}`, async () => {
        await assertSays(readFileSync(write(redirected(output)), encoding), /UTF-16.*PowerShell/, /keygen --out FILE/)
      })
    }
  }

  it('in UTF-16 in the other byte order is recognized', async () => {
    const key = readFileSync(write(Buffer.from(`\ufeff${newKey().toString('hex')}`, 'utf16le').swap16()))
    await assertSays(key, /UTF-16/, /keygen --out FILE/)
  })

  it('in UTF-16 that holds hex text opens where it is read as UTF-16', async () => {
    const key = newKey()
    const app = newApp({ session: { key: readFileSync(write(redirected(Buffer.from(key.toString('hex')))), 'utf16le') } })
    await app.ready()
    assert.deepEqual(Object.keys(openRaw(key, app.encodeSecureSession(app.createSecureSession()))), ['__ts'])
  })

  for (const [what, end] of Object.entries({ 'a newline': '\n', 'a newline of Windows': '\r\n' })) {
    it(`of raw bytes and ${what} is recognized`, async () => {
      const key = readFileSync(write(Buffer.concat([Buffer.alloc(31, 0xc3), Buffer.from([1]), Buffer.from(end)])))
      await assertSays(key, /A newline follows the 32 bytes/, /remove it/)
    })
  }

  const texts: Record<string, string> = {
    'hex text': newKey().toString('hex'),
    'hex text in capitals': newKey().toString('hex').toUpperCase(),
    'hex text and a newline': `${newKey().toString('hex')}\n`,
    'hex text and a newline of Windows': `${newKey().toString('hex')}\r\n`,
    'hex text after a byte order mark': `\ufeff${newKey().toString('hex')}`,
    'base64 text': newKey().toString('base64'),
    'base64url text and a newline': `${newKey().toString('base64url')}\n`
  }
  for (const [what, text] of Object.entries(texts)) {
    it(`of ${what} that is read as bytes is recognized`, async () => {
      await assertSays(readFileSync(write(text)), /This is the key as (hex|base64) text/, /readFileSync\(file, "utf8"\)/)
    })

    it(`of ${what} opens where it is read as text, as the advice says`, async () => {
      const app = newApp({ session: { key: readFileSync(write(text), 'utf8') } })
      await app.ready()
    })
  }
})
