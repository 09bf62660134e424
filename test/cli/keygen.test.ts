// The command without a command, and `keygen`.
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newApp } from '../support/app.ts'
import { GENKEY, genkey, onTerminal, output, run, temporaryFolder } from '../support/cli.ts'

const folder = temporaryFolder()

/** Whether a session can be sealed with what the command wrote. */
async function isKey (key: string | Buffer): Promise<boolean> {
  await using app = newApp({ session: { key } })
  await app.ready()
  return app.encodeSecureSession(app.createSecureSession()).length > 0
}

describe('without arguments', () => {
  test('32 bytes, and nothing else, go into a pipe', async () => {
    const key = await output()
    assert.equal(key.length, 32)
    assert.ok(await isKey(key))
  })

  test('64 hex characters and a newline go to a terminal', async () => {
    assert.match(await onTerminal(), /^[0-9a-f]{64}\n$/)
  })

  test('32 bytes come from the WebAssembly build of libsodium as well', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [GENKEY], { env: { FASTIFY_SEALED_SESSION_SODIUM: 'wasm' } })
    assert.deepEqual({ code, stderr, length: stdout.length }, { code: 0, stderr: '', length: 32 })
  })

  test('every key is another', async () => {
    const keys = await Promise.all([output(), output(), output('keygen')])
    assert.equal(new Set(keys.map(key => key.toString('hex'))).size, 3)
  })
})

describe('formats', () => {
  const formats = {
    '--hex': /^[0-9a-f]{64}\n$/,
    '--base64': /^[A-Za-z0-9+/]{43}=\n$/,
    '--raw': /^[^]{32}$/
  }

  for (const [option, pattern] of Object.entries(formats)) {
    test(`${option} is what keygen writes into a pipe, and a key`, async () => {
      const key = await output('keygen', option)
      assert.match(key.toString('latin1'), pattern)
      assert.ok(await isKey(option === '--raw' ? key : key.toString()))
    })

    test(`${option} is what keygen writes into a file, and a key`, async () => {
      const file = join(folder, `key${option}`)
      assert.equal((await output('keygen', option, '--out', file)).length, 0)
      const key = readFileSync(file)
      assert.match(key.toString('latin1'), pattern)
      assert.ok(await isKey(option === '--raw' ? key : key.toString()))
    })
  }

  test('--base64 on a terminal is base64', async () => {
    assert.match(await onTerminal('--base64'), formats['--base64'])
  })
})

describe('--out', () => {
  test('writes 32 bytes into a file that only its owner can read and write', async () => {
    const file = join(folder, 'secret-key')
    assert.equal((await output('--out', file)).length, 0)
    assert.equal(readFileSync(file).length, 32)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('writes 32 bytes on a terminal as well', async () => {
    const file = join(folder, 'from-terminal')
    assert.equal(await onTerminal('--out', file), '')
    assert.equal(readFileSync(file).length, 32)
  })

  test('never overwrites a file', async () => {
    const file = join(folder, 'precious')
    writeFileSync(file, 'precious')
    const { code, stdout, stderr } = await genkey('--out', file)
    assert.equal(code, 1)
    assert.equal(stdout.length, 0)
    assert.match(stderr, /^fastify-sealed-session: file already exists, and is never overwritten: choose another name than ".*precious"\n$/)
    assert.equal(readFileSync(file, 'utf8'), 'precious')
  })

  test('fails with a message where the file cannot be made', async () => {
    const { code, stdout, stderr } = await genkey('--out', join(folder, 'missing', 'secret-key'))
    assert.equal(code, 1)
    assert.equal(stdout.length, 0)
    assert.match(stderr, /^fastify-sealed-session: ENOENT: .*\n$/)
  })

  test('leaves no file behind where the key cannot be written', async () => {
    const file = join(folder, 'unwritten')
    // No file may grow, as on a full disk.
    const { code, stderr } = await run('sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, GENKEY, '--out', file])
    assert.equal(code, 1)
    assert.match(stderr, /^fastify-sealed-session: EFBIG: .*\n$/)
    assert.throws(() => statSync(file), { code: 'ENOENT' })
  })
})

describe('a wrong call exits with 2 and makes no file', () => {
  test('two formats', async () => {
    const file = join(folder, 'unmade')
    assert.equal((await genkey('--hex', '--raw', '--out', file)).code, 2)
    assert.throws(() => statSync(file), { code: 'ENOENT' })
  })
})
