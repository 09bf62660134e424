// The ways in which 32 bytes can be given as a key, and the accidents of key files.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Keyring, createSessionCodec } from '../../src/index.ts'
import { assertKeyType, isConstant, readKey } from '../../src/keys/key.ts'
import { newApp } from '../support/app.ts'

// Its base64 has both characters in which base64url differs, and a padding.
const key = Buffer.from('fbefbe3e3f3ffbf0000102030405060708090a0b0c0d0e0f1011121314151617', 'hex')
const hex = key.toString('hex')
const base64 = key.toString('base64')
const base64url = key.toString('base64url')

describe('readKey', () => {
  const spellings: Array<[title: string, key: string | Uint8Array]> = [
    ['a Buffer', key],
    ['a Uint8Array', new Uint8Array(key)],
    ['a part of a larger buffer', Buffer.concat([Buffer.alloc(3), key, Buffer.alloc(3)]).subarray(3, 35)],
    ['hex', hex],
    ['hex in capitals', hex.toUpperCase()],
    ['base64', base64],
    ['base64 without padding', base64.replace('=', '')],
    ['base64url', base64url],
    ['base64url with padding', `${base64url}=`],
    ['hex with a newline, as a file has it', `${hex}\n`],
    ['base64 in white space', ` \t${base64}\r\n`],
    ['hex after a byte order mark', `\ufeff${hex}`]
  ]
  for (const [title, spelling] of spellings) {
    it(`takes ${title}`, () => assert.deepEqual(readKey(spelling, 'key'), key))
  }

  it('takes any 32 bytes in any of these encodings', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes => {
      const key = Buffer.from(bytes)
      for (const text of ['hex', 'base64', 'base64url'] as const) assert.deepEqual(readKey(key.toString(text), 'key'), key)
    }))
  })

  it('copies the bytes', () => {
    const source = Buffer.from(key)
    const read = readKey(source, 'key')
    source.fill(0)
    assert.deepEqual(read, key)
  })

  it('refuses bytes of any other length, and names it', () => {
    for (const length of [0, 1, 16, 31, 33, 48, 64]) {
      assert.throws(() => readKey(Buffer.alloc(length, 'é'), 'key[2]'), {
        code: 'FST_SEALED_SESSION_KEY_LENGTH', message: `key[2] must be 32 bytes, got ${length}`
      })
    }
  })

  const texts: Array<[title: string, text: string, length: number]> = [
    ['nothing', '', 0],
    ['white space', ' \n', 0],
    ['hex of 31 bytes', hex.slice(2), 62],
    ['hex of 33 bytes', `${hex}00`, 66],
    ['base64 of 31 bytes', key.subarray(1).toString('base64'), 44],
    ['base64 of 33 bytes', Buffer.concat([key, key]).subarray(0, 33).toString('base64'), 44],
    ['base64 with two =', `${base64}=`, 45],
    ['both alphabets of base64 in one text', `+_${base64.slice(2)}`, 44],
    ['32 characters, which are no bytes', 'x'.repeat(32), 32],
    ['white space within', `${hex.slice(0, 32)} ${hex.slice(32)}`, 65]
  ]
  for (const [title, text, length] of texts) {
    it(`refuses ${title} as text, and names its length`, () => {
      assert.throws(() => readKey(text, 'key'), {
        code: 'FST_SEALED_SESSION_KEY_TEXT',
        message: `key must be 32 bytes: 64 hex characters, or 43 or 44 of base64, got ${length} characters`
      })
    })
  }
})

describe('a key text that was cut off', () => {
  const cut: Array<[title: string, text: string, lengths: number[]]> = [
    ['hex', hex, lengthsTo(63)],
    ['hex in capitals', hex.toUpperCase(), lengthsTo(63)],
    ['base64', base64, lengthsTo(42)],
    ['base64url', base64url, lengthsTo(42)]
  ]
  for (const [title, text, lengths] of cut) {
    it(`is refused at every length, at its end or its beginning: ${title}`, () => {
      for (const length of lengths) {
        for (const rest of [text.slice(0, length), text.slice(-length)]) {
          assert.throws(() => readKey(rest, 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT', message: new RegExp(`got ${length} characters$`) }, `${length} characters`)
        }
      }
    })
  }

  it('is refused at every length for any key in hex', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 1, max: 63 }), (bytes, length) => {
      assert.throws(() => readKey(Buffer.from(bytes).toString('hex').slice(0, length), 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT' })
    }))
  })

  it('is refused at every length by a Keyring, rotate(), a session and a codec', async () => {
    const keyring = new Keyring(key)
    for (let length = 1; length < 64; length++) {
      const text = hex.slice(0, length)
      const refusal = { code: 'FST_SEALED_SESSION_KEY_TEXT' }
      assert.throws(() => new Keyring(text), refusal)
      assert.throws(() => { keyring.rotate(text) }, refusal)
      await assert.rejects(createSessionCodec({ key: [key, text] }), refusal)
    }
    await assert.rejects(async () => { await newApp({ session: { key: hex.slice(0, 43) } }).ready() }, { code: 'FST_SEALED_SESSION_KEY_TEXT', hint: /^These are 43 hex digits, not 64\./ })
  })
})

function lengthsTo (last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

describe('the hint says what happened to', () => {
  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')
  const accidents: Array<[title: string, key: string | Buffer, hint: RegExp]> = [
    ['a file that PowerShell wrote', utf16(hex), /UTF-16.*PowerShell.*keygen --out/],
    ['raw bytes that PowerShell wrote', utf16(key.toString('latin1')), /UTF-16.*PowerShell/],
    ['a file in big-endian UTF-16', utf16(hex).swap16(), /UTF-16/],
    ['a file in UTF-16 that was read as UTF-8', utf16(hex).toString('utf8'), /UTF-16/],
    ['a file in UTF-16 that was read as UTF-16', `${utf16(hex).toString('utf16le')}\0`, /UTF-16/],
    ['hex that was read as bytes', Buffer.from(hex), /hex text.*readFileSync\(file, "utf8"\)/],
    ['a file of keys that was read as bytes', Buffer.from(`# newest first\n${hex}  # 2026-11-25\n${base64}\n`), /^This is a file of keys.*Keyring\.fromFile\(path\)/],
    ['hex with a newline that was read as bytes', Buffer.from(`${hex}\r\n`), /hex text/],
    ['base64 that was read as bytes', Buffer.from(base64), /base64 text.*readFileSync\(file, "utf8"\)/],
    ['base64url that was read as bytes', Buffer.from(`${base64url}\n`), /base64 text/],
    ['bytes that a newline follows', Buffer.concat([key, Buffer.from('\n')]), /newline/],
    ['bytes that a Windows newline follows', Buffer.concat([key, Buffer.from('\r\n')]), /newline/],
    ['raw bytes that were read as text', Buffer.alloc(32, 0xff).toString('utf8'), /raw bytes as a Buffer/],
    ['hex with a digit too few', hex.slice(1), /63 hex digits, not 64/],
    ['hex with a digit too many', `${hex}0`, /65 hex digits, not 64/],
    ['hex with a letter that is no digit', `${hex.slice(0, 9)}g${hex.slice(10)}`, /Character 10 is not a hex digit/],
    ['a stray character', `${base64.slice(0, 5)}!${base64.slice(6)}`, /Character 6 is none of hex, base64 or base64url/]
  ]
  for (const [title, key, hint] of accidents) {
    it(title, () => assert.throws(() => readKey(key, 'key'), { hint }))
  }

  const quoted: Array<[title: string, text: string]> = [
    ['hex in double quotes', `"${hex}"`],
    ['base64 in double quotes', `"${base64}"`],
    ['base64 in single quotes', `'${base64}'`],
    ['base64url in backticks', `\`${base64url}\``],
    ['base64 in typographic quotes', `\u201c${base64}\u201d`],
    ['base64 with one quote', `${base64}"`]
  ]
  for (const [title, text] of quoted) {
    it(`a key whose quotes are part of it: ${title}`, () => {
      assert.throws(() => readKey(text, 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT', hint: /^The quotes around the key .* remove them\..*docker --env-file/ })
    })
  }

  const listed: Array<[title: string, text: string]> = [
    ['a comma behind hex', `${hex},`],
    ['a semicolon behind base64', `${base64};`],
    ['a comma behind quotes, as a line of JSON has it', `"${base64url}",`],
    ['a semicolon before a quote', `'${hex};'`],
    ['a comma before it', `, ${hex}`]
  ]
  for (const [title, text] of listed) {
    it(`a key with ${title}`, () => {
      assert.throws(() => readKey(text, 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT', hint: /^The comma or semicolon beside the key is part of the text here: remove it, and quotes, if there are any\./ })
    })
  }

  it('several keys in one text: to give them as an array', () => {
    for (const text of [`${hex},${base64}`, `"${hex}"; "${base64}";`]) {
      assert.throws(() => readKey(text, 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT', hint: /^These are 2 keys in one text: give an array of them, / })
    }
  })

  const assignments: Array<[title: string, text: string]> = [
    ['hex', `SESSION_KEY=${hex}`],
    ['base64', `SESSION_KEY=${base64}`],
    ['base64 in quotes', `SESSION_KEY="${base64}"`],
    ['with export', `export SESSION_KEY=${hex}`],
    ['with export and a semicolon', `export SESSION_KEY='${base64url}';`],
    ['with the name in small letters and spaces around =', `session-key = ${hex}`],
    ['of PowerShell', `$env:SESSION_KEY = "${hex}"`],
    ['of the Windows command line', `set SESSION_KEY=${base64}`],
    ['of YAML', `sessionKey: ${base64}`],
    ['of JSON', `"key": "${hex}",`]
  ]
  for (const [title, text] of assignments) {
    it(`a whole line NAME=value, without showing it: ${title}`, () => {
      assert.throws(() => readKey(text, 'key'), (error: Error & { code: string, hint: string }) => {
        assert.equal(error.code, 'FST_SEALED_SESSION_KEY_TEXT')
        assert.match(error.hint, /^This is a whole line NAME=value: give the value alone, without quotes\. /)
        for (const secret of [hex, base64, base64url]) assert.ok(!`${error.message} ${error.hint}`.includes(secret.slice(0, 6)))
        return true
      })
    })
  }

  it('a whole line NAME=value whose value is no key: also where a passphrase belongs', () => {
    for (const text of ['SESSION_SECRET=correct horse battery staple', 'export APP_SECRET="keyboard cat"']) {
      assert.throws(() => readKey(text, 'key'), { hint: /^This looks like a whole line NAME=value: give the value alone, without quotes\. If it is a passphrase, give it as "secret"/ })
    }
  })

  it('a text with = in it that is no line NAME=value: nothing of one', () => {
    for (const text of [`${base64}=`, `${base64}${base64}`, base64.slice(1), 'C:\\keys\\secret', 'my=passphrase of many words and more']) {
      assert.throws(() => readKey(text, 'key'), (error: Error & { hint: string }) => !error.hint.includes('NAME=value'))
    }
  })

  it('a line NAME=value, or a key with a comma, that was read as bytes', () => {
    assert.throws(() => readKey(Buffer.from(`SESSION_KEY=${hex}\n`), 'key'), { code: 'FST_SEALED_SESSION_KEY_LENGTH', hint: /^This is a whole line NAME=value/ })
    assert.throws(() => readKey(Buffer.from(`"${base64}",\n`), 'key'), { code: 'FST_SEALED_SESSION_KEY_LENGTH', hint: /^The comma or semicolon beside the key/ })
    assert.throws(() => readKey(Buffer.from(`"${base64}"\n`), 'key'), { code: 'FST_SEALED_SESSION_KEY_LENGTH', hint: /^The quotes around the key/ })
  })

  for (const text of [
    'complex_password_at_least_32_characters_long', 'correct horse battery staple', 'keyboard cat', 'secret', 'a-passphrase-of-many-words-for-the-session-of-our-shop',
    'xK9#mPq2$vL8!nR4@wT6^yB3&cD5*fG7', 'Ein Satz mit Umlauten: Käse für die Mäuse'
  ]) {
    it(`a passphrase, which belongs into "secret" with a "salt": ${text}`, () => {
      assert.throws(() => readKey(text, 'key'), { code: 'FST_SEALED_SESSION_KEY_TEXT', hint: /If it is a passphrase, give it as "secret" in place of "key", with a "salt" of 16 bytes\./ })
    })
  }

  it('a key that has lost a character: nothing of passphrases', () => {
    for (const text of [hex.slice(1), base64.slice(1, 43), `${hex.slice(0, 40)}g${hex.slice(41)}`]) {
      assert.throws(() => readKey(text, 'key'), (error: Error & { hint: string }) => !error.hint.includes('passphrase'))
    }
  })

  for (const path of ['./secret-key', '../secret-key', '/run/secrets/key', '/run/secrets/fastify-shop-production/session-key', '~/secret-key', 'C:\\keys\\secret', 'secret.key', 'keys/app.txt']) {
    it(`a path that was given for its content: ${path}, without showing it`, () => {
      assert.throws(() => readKey(path, 'key'), (error: Error & { hint: string }) => {
        assert.match(error.hint, /^This looks like the path of a file.*readFileSync\(path\).*await Keyring\.fromFile\(path\)/)
        assert.ok(!`${error.message} ${error.hint}`.includes(path))
        return true
      })
    })
  }

  for (const name of ['secret-key', 'keys/secret', 'session-keys']) {
    it(`a short text, which may be the name of a file: ${name}, without showing it`, () => {
      assert.throws(() => readKey(name, 'key'), (error: Error & { hint: string }) => {
        assert.match(error.hint, /^In base64 this is \d+ bytes\. If it is the path of a file.*readFileSync\(path\).*await Keyring\.fromFile\(path\)/)
        assert.ok(!`${error.message} ${error.hint}`.includes(name))
        return true
      })
    })
  }

  it('a URL that was given for its content', () => {
    assert.throws(() => assertKeyType(new URL('file:///secret-key'), 'key'), { hint: /^This looks like the path of a file/ })
  })

  it('a key in base64 that begins like a path and has lost a character: not that it is a path', () => {
    assert.throws(() => readKey(`/${base64.slice(1, 42)}`, 'key'), { hint: /^In base64 this is 31 bytes\. Copy the key again/ })
  })

  it('nothing where it does not know', () => {
    assert.throws(() => readKey(Buffer.alloc(31, 0x80), 'key'), { hint: /^Create a key/ })
  })

  it('text that could be base64, by the bytes that it holds', () => {
    assert.throws(() => readKey(base64.slice(0, 42), 'key'), { hint: /^In base64 this is 31 bytes\. Copy the key again/ })
  })
})

describe('isConstant', () => {
  it('is true where all bytes are equal', () => {
    for (const byte of [0, 1, 0x61, 255]) assert.equal(isConstant(Buffer.alloc(32, byte)), true)
  })

  it('is false where one differs, wherever it is', () => {
    for (let at = 0; at < 32; at++) assert.equal(isConstant(Buffer.alloc(32).fill(1, at, at + 1)), false)
  })
})

describe('assertKeyType', () => {
  for (const key of ['', 'text', Buffer.alloc(0), new Uint8Array(1)]) {
    it(`${inspect(key)} can be a key, whatever it holds`, () => assert.doesNotThrow(() => assertKeyType(key, 'key')))
  }

  const others: Array<[value: unknown, kind: string]> = [
    [undefined, 'undefined'], [null, 'null'], [1, 'a number'], [{}, 'an object'], [[], 'an array'], [new ArrayBuffer(32), 'an object'],
    [new Uint16Array(16), 'an object'], [() => '', 'a function'], [Symbol('key'), 'a symbol'], [1n, 'a bigint']
  ]
  for (const [value, kind] of others) {
    it(`${Object.prototype.toString.call(value)} is refused in the peer's words, as ${kind}`, () => {
      assert.throws(() => assertKeyType(value, 'key'), {
        code: 'FST_SEALED_SESSION_KEY_TYPE', message: 'key must be a string or a Buffer', hint: new RegExp(`^It is ${kind}\\. `)
      })
      assert.throws(() => assertKeyType(value, 'key[1]'), {
        code: 'FST_SEALED_SESSION_KEY_ITEM_TYPE', message: `Key must be string or buffer: key[1] is ${kind}`
      })
    })
  }
})
