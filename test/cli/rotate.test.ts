// `rotate FILE`: what becomes of the keys and of the text around them.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Keyring, createSessionCodec } from '../../src/index.ts'
import { parseKeyFile } from '../../src/keys/key-file.ts'
import { newKey } from '../support/helpers.ts'
import { until } from '../support/keys.ts'
import { GENKEY, assertNoKey, genkey, run, temporaryFolder, type Outcome, type Surroundings } from '../support/cli.ts'

const [a, b, c] = [newKey(), newKey(), newKey()] as [Buffer, Buffer, Buffer]
const folder = temporaryFolder()
let files = 0

/** A key file with this content. */
function keyFile (content: string | Buffer): string {
  const path = join(folder, `keys-${files++}`)
  writeFileSync(path, content)
  return path
}

interface Rotated extends Outcome {
  text: string
  keys: Buffer[]
  added: Buffer
}

/** Rotates a file, which must succeed, show no key and leave nothing beside it. */
async function rotate (path: string, args: string[] = [], surroundings: Surroundings = {}): Promise<Rotated> {
  const before = parseKeyFile(readFileSync(path), path)
  const outcome = await run(process.execPath, [GENKEY, 'rotate', path, ...args], surroundings)
  assert.equal(outcome.code, 0, outcome.stderr)
  const content = readFileSync(path)
  const keys = parseKeyFile(content, path)
  assertNoKey(outcome, [...before, ...keys])
  assert.deepEqual(readdirSync(folder).filter(name => name.endsWith('.rotating')), [])
  return { ...outcome, text: content.toString('latin1'), keys, added: keys[0]! }
}

function idOf (key: Buffer): string {
  return new Keyring(key).ids[0]!
}

describe('rotate', () => {
  test('puts a new key first, as hex with the date, and keeps all others', async () => {
    const before = new Date().toISOString().slice(0, 10)
    const { text, keys, added, stderr } = await rotate(keyFile(`${a.toString('hex')}\n${b.toString('base64')}\n`))
    const after = new Date().toISOString().slice(0, 10)
    assert.deepEqual(keys.slice(1), [a, b])
    assert.ok(![a, b].some(key => key.equals(added)))
    const expected = (date: string): string => `${added.toString('hex')}  # ${date}\n${a.toString('hex')}\n${b.toString('base64')}\n`
    assert.ok([before, after].map(expected).includes(text), 'the line, and the older lines as they were')
    assert.equal(stderr, '')
  })

  test('makes another key each time', async () => {
    const path = keyFile(a.toString('hex'))
    const first = await rotate(path)
    const second = await rotate(path)
    assert.ok(!second.added.equals(first.added))
    assert.deepEqual(second.keys.slice(1), [first.added, a])
  })

  test('says which ids were added and kept, and nothing of removed ones where there are none', async () => {
    const path = keyFile(`${a.toString('hex')}\n${b.toString('hex')}`)
    const { stdout, added } = await rotate(path)
    assert.equal(stdout.toString(), `added ${idOf(added)} as the first key of ${path}\nkept ${idOf(a)}, ${idOf(b)}: what they sealed still opens\n`)
  })

  test('writes what Keyring.fromFile reads, with the ids that it says', async () => {
    const path = keyFile(`${a.toString('hex')}\n`)
    const { stdout } = await rotate(path)
    const { ids } = await Keyring.fromFile(path)
    assert.deepEqual(stdout.toString().match(/\b[0-9a-f]{8}\b/g), ids)
  })

  test('has a token that was sealed before open after it, as a stale one', async () => {
    const path = keyFile(a)
    for (const format of ['secretbox', 'sealed'] as const) {
      const token = (await createSessionCodec({ key: readFileSync(path).length === 32 ? a : await Keyring.fromFile(path), format })).seal({ userId: 42 })
      await rotate(path)
      const opened = (await createSessionCodec({ key: await Keyring.fromFile(path), format })).open(token)
      assert.ok(opened.ok)
      assert.deepEqual({ ...opened.data }, { userId: 42 })
      assert.equal(opened.stale, true)
    }
  })

  test('works with the WebAssembly build of libsodium', async () => {
    const { keys } = await rotate(keyFile(a.toString('hex')), [], { env: { FASTIFY_SEALED_SESSION_SODIUM: 'wasm' } })
    assert.deepEqual(keys.slice(1), [a])
  })
})

describe('the text of the file', () => {
  const line = (key: Buffer): string => key.toString('hex')
  const texts: Record<string, [before: string | Buffer, after: (added: string) => string]> = {
    'keeps comments and blank lines': [
      `# keys of the shop\n\n${line(a)} # first\n\n# old:\n  ${line(b)}\n\n# end\n`,
      added => `# keys of the shop\n\n${added}\n${line(a)} # first\n\n# old:\n  ${line(b)}\n\n# end\n`
    ],
    'keeps Windows line ends': [`# keys\r\n${line(a)}\r\n`, added => `# keys\r\n${added}\r\n${line(a)}\r\n`],
    'keeps Windows line ends where the last line has none': [`# keys\r\n${line(a)}`, added => `# keys\r\n${added}\r\n${line(a)}`],
    'keeps comments in any encoding': [Buffer.from(`# Schl\xfcssel\n${line(a)}\n`, 'latin1'), added => `# Schl\xfcssel\n${added}\n${line(a)}\n`],
    'loses a byte order mark, which would stand before the second key': [`\ufeff${line(a)}\n`, added => `${added}\n${line(a)}\n`],
    'may end without a newline': [line(a), added => `${added}\n${line(a)}`]
  }

  for (const [title, [before, after]] of Object.entries(texts)) {
    test(title, async () => {
      const { text, added, keys } = await rotate(keyFile(before))
      const [addedLine = ''] = new RegExp(`${line(added)}  # [0-9-]{10}`).exec(text) ?? []
      assert.equal(text, after(addedLine))
      assert.ok(keys.length >= 2)
    })
  }
})

describe('--keep N', () => {
  const content = `# keys\n${a.toString('hex')} # newest\n# middle\n${b.toString('hex')}\n${c.toString('hex')} # oldest`
  const kept: Array<[keep: string, keys: Buffer[]]> = [['0', []], ['1', [a]], ['2', [a, b]], ['3', [a, b, c]], ['99', [a, b, c]], ['01', [a]]]

  for (const [keep, keys] of kept) {
    test(`${keep} keeps ${keys.length} of three older keys, the newest`, async () => {
      const path = keyFile(content)
      const rotated = await rotate(path, ['--keep', keep])
      assert.deepEqual(rotated.keys.slice(1), keys)
      const removed = [a, b, c].filter(key => !keys.includes(key))
      const [, ...lines] = rotated.stdout.toString().trimEnd().split('\n')
      assert.deepEqual(lines.map(line => line.replace(/:.*/, '')), [
        ...(keys.length > 0 ? [`kept ${keys.map(idOf).join(', ')}`] : []),
        ...(removed.length > 0 ? [`removed ${removed.map(idOf).join(', ')}`] : [])
      ])
    })
  }

  test('leaves the comments that have a line of their own', async () => {
    const { text } = await rotate(keyFile(content), ['--keep', '0'])
    assert.match(text, /^# keys\n[0-9a-f]{64} {2}# [0-9-]{10}\n# middle$/)
  })

  test('counts a repeated key once, and removes all of its lines', async () => {
    const { keys } = await rotate(keyFile([a, b, a, b, c].map(key => key.toString('hex')).join('\n')), ['--keep', '1'])
    assert.deepEqual(keys.slice(1), [a, a])
  })

  test('that is no whole number changes nothing', async () => {
    const path = keyFile(content)
    for (const keep of ['-1', '1.5', '', 'all']) {
      const outcome = await genkey('rotate', path, `--keep=${keep}`)
      assert.equal(outcome.code, 2)
      assert.match(outcome.stderr, /^fastify-sealed-session: --keep must be a whole number, 0 or more\n/)
    }
    assert.equal(readFileSync(path, 'utf8'), content)
  })
})

describe('a file of 32 raw bytes', () => {
  test('becomes a text with the new key and the old one in hex, which is said on stderr', async () => {
    const path = keyFile(a)
    const { text, stderr, keys } = await rotate(path)
    assert.match(text, /^[0-9a-f]{64} {2}# [0-9-]{10}\n[0-9a-f]{64}\n$/)
    assert.deepEqual(keys.slice(1), [a])
    assert.equal(stderr, `fastify-sealed-session: "${path}" had 32 raw bytes and is a text now: what reads it as bytes must read it with Keyring.fromFile()\n`)
  })

  test('may be followed by an app, which it logs nobody out of: what was sealed before the rotation opens, by any process', async t => {
    const path = keyFile(a)
    const before = await createSessionCodec({ key: readFileSync(path) }) // as an app of the peer reads it
    const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: 0.02 })
    t.after(() => { keyring.close() })
    const codec = await createSessionCodec({ key: keyring })
    const token = before.seal({ userId: 42 })

    const { added } = await rotate(path)
    await until(() => keyring.ids.length === 2, 'the new key is read')
    assert.deepEqual(keyring.ids, [idOf(added), idOf(a)])
    assert.equal(codec.open(token).ok, true)
    assert.equal(before.open(codec.seal({})).ok, true, 'the new key must not seal yet, for processes that have not read it')
    assert.equal((await createSessionCodec({ key: await Keyring.fromFile(path) })).open(token).ok, true)
  })

  test('becomes a text with the new key alone with --keep 0', async () => {
    const { text, stdout } = await rotate(keyFile(a), ['--keep', '0'])
    assert.match(text, /^[0-9a-f]{64} {2}# [0-9-]{10}\n$/)
    assert.match(stdout.toString(), new RegExp(`^removed ${idOf(a)}: what it sealed no longer opens$`, 'm'))
  })
})
