// The file that keys come from: one a line, newest first, or 32 raw bytes.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, promises, renameSync, symlinkSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Keyring, createSessionCodec } from '../../src/index.ts'
import { exposureOf } from '../../src/keys/key-file.ts'
import { newApp } from '../support/app.ts'
import { captureLog, newKey, warnings, withKeyFile } from '../support/helpers.ts'

// Its base64 has both characters in which base64url differs, and a padding.
const a = Buffer.from('fbefbe3e3f3ffbf0000102030405060708090a0b0c0d0e0f1011121314151617', 'hex')
const [b, c] = [newKey(), newKey()]
const [hexA, hexB, hexC] = [a, b, c].map(key => key.toString('hex')) as [string, string, string]

/** The ids of a file's keys. */
async function idsIn (content: string | Uint8Array): Promise<string[]> {
  return await withKeyFile(content, async path => (await Keyring.fromFile(path)).ids)
}

const idsOf = (...keys: Buffer[]): string[] => new Keyring(keys).ids

interface KeyFileError extends Error {
  code: string
  hint: string
}

/** What reading a file rejects with; says nothing of what is in it. */
async function refusal (content: string | Uint8Array): Promise<KeyFileError & { path: string }> {
  return await withKeyFile(content, async path => {
    const error = await Keyring.fromFile(path).then(() => assert.fail('the file was accepted'), (error: KeyFileError) => error)
    assert.equal(error.code, 'FST_SEALED_SESSION_KEY_FILE', error.message)
    assert.ok(error.message.startsWith(`the key file ${path} `), error.message)
    return Object.assign(error, { path })
  })
}

describe('a key file may hold', () => {
  const files: Array<[title: string, content: string | Uint8Array, keys: Buffer[]]> = [
    ['one key in hex', `${hexA}\n`, [a]],
    ['hex in capitals', hexA.toUpperCase(), [a]],
    ['a key without a line break after it', hexA, [a]],
    ['base64', `${a.toString('base64')}\n`, [a]],
    ['base64 without padding', `${a.toString('base64').replace('=', '')}\n`, [a]],
    ['base64url', `${a.toString('base64url')}\n`, [a]],
    ['several keys in several encodings, newest first', `${hexC}\n${b.toString('base64')}\n${a.toString('base64url')}\n`, [c, b, a]],
    ['comments and blank lines', `# the newest\n\n${hexB}\n   \n\t# the one before\n${hexA}\n\n#`, [b, a]],
    ['a comment after a key', `${hexB} # since May\n${hexA}#since April\n`, [b, a]],
    ['a comment with what looks like a line break in it', `${hexB} # since\u2028May\u2029or so\n${hexA}\n`, [b, a]],
    ['white space around keys', `  ${hexB}\t\n\t${hexA}  \n`, [b, a]],
    ['line breaks of Windows', `# keys\r\n${hexB}\r\n\r\n${hexA} # old\r\n`, [b, a]],
    ['a byte order mark, as Windows editors write it', `\ufeff${hexB}\r\n${hexA}\r\n`, [b, a]],
    ['a byte order mark before a comment', `\ufeff# keys\n${hexA}\n`, [a]],
    ['a key twice, which counts once', `${hexB}\n${hexA}\n${b.toString('base64')}\n${hexB}\n`, [b, a]],
    ['32 raw bytes', a, [a]],
    ['32 raw bytes with line breaks and # in them', rawWith('\n#\r\n##\n\n'), [rawWith('\n#\r\n##\n\n')]],
    ['32 raw bytes that begin with #', rawWith('#'), [rawWith('#')]],
    ['32 raw bytes that begin like a byte order mark', rawWith('\xef\xbb\xbf'), [rawWith('\xef\xbb\xbf')]],
    ['32 raw bytes that end with a line break', Buffer.from([...rawWith('').subarray(1), 10]), [Buffer.from([...rawWith('').subarray(1), 10])]]
  ]
  for (const [title, content, keys] of files) {
    it(title, async () => assert.deepEqual(await idsIn(content), idsOf(...keys)))
  }

  it('any 32 random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 31, maxLength: 31 }), async bytes => {
      const key = Buffer.from([0x80, ...bytes])
      assert.deepEqual(await idsIn(key), idsOf(key))
    }), { numRuns: 50 })
  })

  it('any keys in any of the encodings, with whatever comments and blank lines', async () => {
    const comment = fc.string().map(text => `#${text.replaceAll('\n', ' ')}`)
    const line = fc.record({
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes)),
      encoding: fc.constantFrom('hex', 'base64', 'base64url'),
      before: fc.array(fc.oneof(comment, fc.constantFrom('', ' ', '\t'))),
      after: fc.oneof(comment, fc.constant('')),
      lineBreak: fc.constantFrom('\n', '\r\n')
    })
    await fc.assert(fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 5 }), async lines => {
      const text = lines.map(({ key, encoding, before, after, lineBreak }) =>
        [...before, key.toString(encoding as BufferEncoding) + after, ''].join(lineBreak))
      assert.deepEqual(await idsIn(text.join('')), idsOf(...lines.map(({ key }) => key)))
    }), { numRuns: 50 })
  })
})

/** 32 bytes that are no text, and begin with some. */
function rawWith (beginning: string): Buffer {
  return Buffer.concat([Buffer.from(beginning, 'latin1'), Buffer.alloc(32, 0xc1)]).subarray(0, 32)
}

describe('a key file is refused', () => {
  it('where it is empty or has only blank lines and comments', async () => {
    for (const content of ['', '\n', ' \r\n\t', '# nothing here yet\n', '\ufeff', '\ufeff# nothing\r\n#\r\n']) {
      const { message, path, hint } = await refusal(content)
      assert.equal(message, `the key file ${path} has no key in it`)
      assert.match(hint, /one key a line/)
    }
  })

  it('where it is a comment of 32 characters, which is no key', async () => {
    const { message, path } = await refusal('# keys of the shop, newest first')
    assert.equal(message, `the key file ${path} has no key in it`)
  })

  // 32 characters of hex or base64 are what is there of a line that is being written.
  for (const text of [hexA.slice(0, 32), a.toString('base64').slice(0, 32), 'a passphrase of 32 characters!!!', `${'x'.repeat(31)}\n`]) {
    it(`where it is text of 32 bytes such as "${text.trim().replace(/^[0-9A-Za-z+/]{31,}$/, match => `${match.slice(0, 4)}…`)}", which is not random`, async () => {
      const { message, path } = await refusal(text)
      assert.ok(message.startsWith(`the key file ${path} is not valid in line 1: the key must be 32 bytes`), message)
    })
  }

  const bad: Array<[title: string, line: string, hint: RegExp]> = [
    ['a hex digit is missing', hexB.slice(1), /^These are 63 hex digits, not 64\./],
    ['a character is none of any encoding', `${hexB.slice(0, 10)}!${hexB.slice(11)}`, /^Character 11 is none of/],
    ['a character is no hex digit', `${hexB.slice(0, 10)}x${hexB.slice(11)}`, /^Character 11 is not a hex digit\./],
    ['two keys are in one line', `${hexB} ${hexC}`, /^Character 65 is none of/],
    ['it is a passphrase', 'correct horse battery staple', /^Character 8 is none of/],
    ['it is base64 of 31 bytes', b.subarray(1).toString('base64'), /^In base64 this is 31 bytes\./],
    ['it is an assignment', `SESSION_KEY=${hexB}`, /^This is a whole line NAME=value: give the value alone/],
    ['it is an assignment of a shell', `export SESSION_KEY='${b.toString('base64')}'`, /^This is a whole line NAME=value: give the value alone/],
    ['a comma follows the key', `${hexB},`, /^The comma or semicolon beside the key/],
    ['two keys with a comma between are in one line', `${hexB},${hexC}`, /^These are 2 keys in one text/]
  ]
  for (const [title, line, expected] of bad) {
    it(`where ${title}: the error names the line, and nothing that is in it`, async () => {
      const { message, hint, path } = await refusal(`# keys\n\n${hexA}\n${line}\n${hexC}\n`)
      assert.ok(message.startsWith(`the key file ${path} is not valid in line 4: the key must be 32 bytes`), message)
      assert.match(hint, expected)
      for (let start = 0; start + 6 <= line.length; start++) {
        assert.ok(!`${message} ${hint}`.includes(line.slice(start, start + 6)), `${message} ${hint}`)
      }
    })
  }

  it('where the last line was cut off', async () => {
    for (let length = 1; length < 64; length++) {
      const { message } = await refusal(`${hexA}\n${hexB.slice(0, length)}`)
      assert.match(message, /is not valid in line 2/)
    }
  })

  it('where it is 33 bytes, raw ones with a line break', async () => {
    const { message, hint } = await refusal(Buffer.concat([rawWith(''), Buffer.from('\n')]))
    assert.match(message, /is not valid in line 1/)
    assert.match(hint, /raw bytes/)
  })

  it('where it is two raw keys after another', async () => {
    assert.match((await refusal(Buffer.concat([rawWith(''), rawWith('')]))).message, /is not valid in line 1/)
  })

  const utf16: Array<[title: string, content: Buffer]> = [
    ['a key, written by ">" of Windows PowerShell', Buffer.from(`\ufeff${hexA}\r\n`, 'utf16le')],
    ['several lines', Buffer.from(`\ufeff${hexA}\r\n${hexB}\r\n`, 'utf16le')],
    ['a comment first', Buffer.from(`\ufeff# keys\r\n${hexA}\r\n`, 'utf16le')],
    ['no byte order mark', Buffer.from(`${hexA}\r\n`, 'utf16le')],
    ['the other byte order', Buffer.from(`\ufeff${hexA}\r\n`, 'utf16le').swap16()]
  ]
  for (const [title, content] of utf16) {
    it(`where it is UTF-16 (${title}), with a hint at what wrote it`, async () => {
      const { message, hint } = await refusal(content)
      assert.match(message, /is not valid in line 1/)
      assert.match(hint, /UTF-16.*PowerShell.*keygen --out FILE/)
    })
  }

  const unreadable: Array<[code: string, path: string, message: RegExp, hint: RegExp]> = [
    ['ENOENT', 'no-such-folder/keys', /^the key file \/.*no-such-folder\/keys cannot be read: ENOENT$/, /relative path counts from the current directory.*keygen --hex --out FILE/],
    ['EISDIR', 'src', /^the key file \/.*src cannot be read: EISDIR$/, /path of a file/],
    ['ENOTDIR', 'package.json/keys', /^the key file \/.*package\.json\/keys cannot be read: ENOTDIR$/, /./]
  ]
  for (const [code, path, message, hint] of unreadable) {
    it(`where the file system says ${code}, which is the cause, with what to do`, async () => {
      await assert.rejects(Keyring.fromFile(path), (error: KeyFileError) => {
        assert.equal(error.code, 'FST_SEALED_SESSION_KEY_FILE')
        assert.match(error.message, message)
        assert.match(error.hint, hint)
        assert.equal((error.cause as NodeJS.ErrnoException).code, code)
        return true
      })
    })
  }

  it('where it may not be read, with what to do', async t => {
    t.mock.method(promises, 'open', async () => { throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }) })
    syncBuiltinESMExports()
    t.after(() => { t.mock.restoreAll(); syncBuiltinESMExports() })
    await assert.rejects(Keyring.fromFile('keys'), { code: 'FST_SEALED_SESSION_KEY_FILE', message: /cannot be read: EACCES$/, hint: /mode and owner/ })
  })

  const base64 = a.toString('base64')
  const keysForPath: Array<[title: string, text: string]> = [
    ['a key in hex', hexA],
    ['a key in base64', base64],
    ['a key in base64url', a.toString('base64url')],
    ['a key in base64 that begins as an absolute path does', Buffer.from(a).fill(0xff, 0, 1).toString('base64')],
    ['a key and a newline', `${hexA}\n`],
    ['what a file of two keys holds', `${hexA}\n${hexB}\n`],
    ['what a file with Windows line ends holds', `${base64}\r\n${b.toString('base64')}`],
    ['what a file with a comment first holds', `# newest first\n${hexA}\n`],
    ['a key with a comment behind it', `${hexA} # of May`],
    ['a whole line NAME=value', `SESSION_KEY=${hexA}`],
    ['a whole line NAME=value of base64', `export SESSION_KEY=${base64}`],
    ['a key in quotes', `"${hexA}"`],
    ['a key in base64 and in typographic quotes', `\u201c${base64}\u201d`],
    ['a key that a comma follows', `${hexA},`],
    ['several keys with commas between', `${base64};${hexB}`],
    ['a line of YAML', `key: ${hexA}`],
    ['a line of JSON', `"key":"${hexA}",`],
    ['a key with a comment right behind it', `${base64}#of-May`],
    ['what is left of a key in hex', hexA.slice(1)],
    ['what is left of a key in base64', base64.slice(0, -3)],
    ['32 raw bytes that were read as UTF-8', a.toString('utf8')],
    ['32 raw bytes that were read as Latin-1', a.toString('latin1')]
  ]
  for (const [title, text] of keysForPath) {
    it(`where ${title} was given for a path, without showing it`, async () => {
      await assert.rejects(Keyring.fromFile(text), (error: KeyFileError) => {
        assert.match(error.message, /^the key file \(not shown: its path may be a key\) cannot be read: \w+$/)
        assert.equal(error.code, 'FST_SEALED_SESSION_KEY_FILE')
        assert.match(error.hint, /Give the path of the file, not its content\. .*new Keyring\(key\)/)
        assert.equal(error.cause, undefined) // its message has the path
        const shown = inspect(error, { depth: null })
        for (const secret of [hexA, hexB, base64, text.trim()]) assert.ok(!shown.includes(secret.slice(5, 25)))
        return true
      })
    })
  }

  for (const path of [
    '/home/deploy/services/session/production/keys',
    '/var/lib/kubelet/pods/3F2504E0-4F89-11D3-9A0C-0305E82C3301/volumes/session-keys',
    'C:\\Program Files\\Shop 2\\session keys.txt',
    '/srv/Läden/schlüssel'
  ]) {
    it(`with the path, where that is as ordinary as ${path}`, async () => {
      await assert.rejects(Keyring.fromFile(path), (error: KeyFileError) => error.message.includes(`${path} cannot be read: ENOENT`))
    })
  }

  for (const url of ['https://example.com/keys', 'file:///srv%2Fkeys']) {
    it(`where a URL such as ${url} leads to no file`, async () => {
      await assert.rejects(Keyring.fromFile(new URL(url)), {
        code: 'FST_SEALED_SESSION_OPTION_INVALID',
        message: 'option "path" must be the path of a key file, got a URL of no file'
      })
    })
  }
})

describe('a key file that others than its owner may use is warned about at registration', { skip: process.platform === 'win32' ? 'Windows has no modes' : false }, () => {
  const modes: Array<[mode: number, said: string | null]> = [
    [0o600, null], [0o400, null], [0o640, null], [0o440, null], [0o700, null],
    [0o644, '0644: every user may read it'], [0o604, '0604: every user may read it'], [0o444, '0444: every user may read it'],
    [0o660, '0660: users other than its owner may write it'], [0o620, '0620: users other than its owner may write it'],
    [0o602, '0602: users other than its owner may write it'], [0o666, '0666: users other than its owner may write it']
  ]
  for (const [mode, said] of modes) {
    it(`with the mode ${mode.toString(8)}: ${said === null ? 'no warning' : said}`, async () => {
      await withKeyFile(`${hexA}\n`, async path => {
        chmodSync(path, mode)
        const { lines, logger } = captureLog()
        const app = newApp({ server: { logger }, session: { key: await Keyring.fromFile(path) } })
        await app.ready()
        await app.close()
        const found = warnings(lines).filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_KEY_FILE_MODE')
        const expected = said === null ? [] : [`session "session": the key file ${path} has mode ${said}. Set its mode to 0600, or to 0640 if your app reads it through its group.`]
        assert.deepEqual(found.map(({ msg }) => msg), expected)
      })
    })
  }

  it('that a mounted secret links to, by the mode of the file and not of the link', async () => {
    await withKeyFile(`${hexA}\n`, async path => {
      chmodSync(path, 0o440)
      symlinkSync(path, `${path}.link`)
      const { lines, logger } = captureLog()
      const app = newApp({ server: { logger }, session: { key: await Keyring.fromFile(`${path}.link`, { watch: true }) } })
      await app.ready()
      await app.close()
      assert.deepEqual(warnings(lines).filter(({ code }) => code?.includes('KEY_FILE')), [])
    })
  })

  /** The modes that are warned about of a file in a dated folder, to which `..data` links if Kubernetes has written it. */
  async function saidOfMounted (mode: number, dated: string, below = ''): Promise<string[]> {
    return await withKeyFile(`${hexA}\n`, async path => {
      chmodSync(path, mode)
      const volume = dirname(path)
      mkdirSync(join(volume, dated, below), { recursive: true })
      renameSync(path, join(volume, dated, below, 'keys'))
      symlinkSync(dated, join(volume, '..data'))
      const [top = 'keys'] = join(below, 'keys').split('/')
      symlinkSync(join('..data', top), join(volume, top))
      const { lines, logger } = captureLog()
      const app = newApp({ server: { logger }, session: { key: await Keyring.fromFile(join(volume, below, 'keys')) } })
      await app.ready()
      await app.close()
      return warnings(lines).filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_KEY_FILE_MODE').map(({ msg }) => / has mode (\d+)/.exec(msg)?.[1] ?? msg)
    })
  }

  const DATED = '..2030_01_01_00_00_00.123456789'
  it('but not for its default mode if Kubernetes has mounted it: only its container can see it', async () => {
    assert.deepEqual(await saidOfMounted(0o644, DATED), [])
    assert.deepEqual(await saidOfMounted(0o444, DATED, 'shop/live'), [])
  })

  it('also if Kubernetes has mounted it, and others may write it', async () => {
    assert.deepEqual(await saidOfMounted(0o664, DATED), ['0664'])
  })

  it('also if it is linked to in such a way from another folder', async () => {
    assert.deepEqual(await saidOfMounted(0o644, 'release-2030_01_01'), ['0644'])
  })

  it('by the warnings of the process where a codec uses it', async t => {
    const warned: Array<Error & { code?: string }> = []
    const note = (warning: Error): void => { warned.push(warning) }
    process.on('warning', note)
    t.after(() => { process.off('warning', note) })
    await withKeyFile(`${hexA}\n`, async path => {
      chmodSync(path, 0o666)
      await createSessionCodec({ key: await Keyring.fromFile(path), format: 'sealed' })
      await new Promise(resolve => { setImmediate(resolve) })
    })
    assert.ok(warned.some(({ code }) => code === 'FST_SEALED_SESSION_WARN_KEY_FILE_MODE'))
  })

  it('but not on Windows, which says 0666 of any file', () => {
    assert.equal(exposureOf({ mode: 0o666, isMounted: false }, 'win32'), null)
    assert.notEqual(exposureOf({ mode: 0o666, isMounted: false }, 'linux'), null)
  })
})
