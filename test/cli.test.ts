// The command, as a process. It is the built one: genkey.js runs what is in dist.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import manifest from '../package.json' with { type: 'json' }
import { buildApp } from './helpers.ts'

const command = fileURLToPath(new URL('../genkey.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'cli-'))
after(() => rmSync(folder, { recursive: true }))

interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Runs a program with its output in pipes. */
async function run (file: string, args: string[]): Promise<Outcome> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

async function genkey (...args: string[]): Promise<Outcome> {
  return await run(process.execPath, [command, ...args])
}

/** Runs the command where it must succeed and keep stderr for failures. */
async function output (...args: string[]): Promise<Buffer> {
  const { code, stdout, stderr } = await genkey(...args)
  assert.equal(stderr, '')
  assert.equal(code, 0)
  return stdout
}

/**
 * Runs the command on a terminal: a real one from util-linux's `script`, which Debian always has.
 * Elsewhere Node is told that stdout is one.
 */
async function onTerminal (...args: string[]): Promise<string> {
  const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false
  const { code, stdout } = hasScript
    ? await run('script', ['-qec', [process.execPath, command, ...args].map(word => `'${word}'`).join(' '), '/dev/null'])
    : await run(process.execPath, ['--import', 'data:text/javascript,process.stdout.isTTY=true', command, ...args])
  assert.equal(code, 0)
  return stdout.toString('latin1').replaceAll('\r\n', '\n')
}

/** Whether a session can be sealed with what the command wrote. */
async function isKey (key: string | Buffer): Promise<boolean> {
  await using app = buildApp({ key })
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
})

describe('a wrong call exits with 2, shows the usage on stderr and writes nothing to stdout', () => {
  const calls = [
    ['frobnicate'], ['keygen', 'frobnicate'], ['--frobnicate'], ['-x'],
    ['--out'], ['--hex=yes'], ['--hex', '--raw'], ['--base64', '--hex']
  ]

  for (const args of calls) {
    test(args.join(' '), async () => {
      const { code, stdout, stderr } = await genkey(...args)
      assert.equal(code, 2)
      assert.equal(stdout.length, 0)
      assert.match(stderr, /^fastify-sealed-session: .+\n\nUsage: fastify-sealed-session /)
    })
  }

  test('no file is made', async () => {
    const file = join(folder, 'unmade')
    assert.equal((await genkey('--hex', '--raw', '--out', file)).code, 2)
    assert.throws(() => statSync(file), { code: 'ENOENT' })
  })
})

describe('help and version', () => {
  for (const option of ['--help', '-h']) {
    test(`${option} shows the usage, every option of it, on a terminal of 80 by 24`, async () => {
      const help = (await output(option)).toString()
      assert.match(help, /^Usage: fastify-sealed-session /)
      for (const name of ['keygen', '--hex', '--base64', '--raw', '--out FILE', '--help', '--version']) assert.ok(help.includes(name), name)

      const lines = help.trimEnd().split('\n')
      assert.ok(lines.length < 24, 'there is room for the prompt')
      assert.deepEqual(lines.filter(line => line.length > 80), [])
    })
  }

  for (const option of ['--version', '-v']) {
    test(`${option} shows the version of the package`, async () => {
      assert.equal((await output(option)).toString(), `${manifest.version}\n`)
    })
  }
})
