// What all commands share: help, version, and what follows a wrong call.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { newKey } from '../support/helpers.ts'
import { genkey, output, temporaryFolder } from '../support/cli.ts'

const folder = temporaryFolder()

/** What the help of each command, and of none, has to tell. */
const HELP: Record<string, string[]> = {
  '': ['keygen', '--hex', '--base64', '--raw', '--out FILE', 'rotate FILE', '--keep N', 'inspect TOKEN', '--key-file FILE', '--name NAME', '--help', '--version'],
  keygen: ['--hex', '--base64', '--raw', '--out FILE', '--help'],
  rotate: ['FILE', '--keep N', '--help'],
  inspect: ['TOKEN', '--key-file FILE', '--name NAME', '--help']
}

describe('help', () => {
  for (const [command, names] of Object.entries(HELP)) {
    for (const option of ['--help', '-h']) {
      const args = [command, option].filter(word => word !== '')
      test(`${args.join(' ')} shows the usage, every option of it, on a terminal of 80 by 24`, async () => {
        const help = (await output(...args)).toString()
        assert.ok(help.startsWith('Usage: fastify-sealed-session '))
        for (const name of names) assert.ok(help.includes(name), name)

        const lines = help.trimEnd().split('\n')
        assert.ok(lines.length < 24, 'there is room for the prompt')
        assert.deepEqual(lines.filter(line => line.length > 80), [])
      })
    }
  }

  test('is shown whatever else is on the line', async () => {
    assert.deepEqual(await output('rotate', 'missing', '--keep', '1', '--help'), await output('rotate', '--help'))
  })
})

describe('version', () => {
  for (const args of [['--version'], ['-v'], ['rotate', '--version']]) {
    test(`${args.join(' ')} shows the version of the package`, async () => {
      assert.equal((await output(...args)).toString(), `${manifest.version}\n`)
    })
  }
})

describe('a wrong call exits with 2, shows the usage on stderr and writes nothing to stdout', () => {
  const calls: Array<[usage: string, ...args: string[]]> = [
    ['[command]', 'frobnicate'], ['[command]', 'frobnicate', '--help'],
    ['[command]', '--frobnicate'], ['[command]', '-x'], ['[command]', ''],
    ['[command]', '--out'], ['[command]', '--hex=yes'], ['[command]', '--hex', '--raw'], ['[command]', '--base64', '--hex'],
    ['[keygen]', 'keygen', 'frobnicate'], ['[keygen]', 'keygen', '--keep', '1'],
    ['rotate', 'rotate'], ['rotate', 'rotate', 'a', 'b'], ['rotate', 'rotate', 'a', '--out', 'b'],
    ['inspect', 'inspect'], ['inspect', 'inspect', 'token'], ['inspect', 'inspect', '--key-file', 'a'],
    ['inspect', 'inspect', '--key-file', 'a', 'token', 'token'], ['inspect', 'inspect', '--key-file', 'a', '--frobnicate', 'token'],
    ...['-1', '', ' ', '1.5', '1e3', '0x10', 'two', '+1'].map((keep): [string, ...string[]] => ['rotate', 'rotate', 'a', `--keep=${keep}`])
  ]

  for (const [usage, ...args] of calls) {
    test(args.map(word => word === '' ? '""' : word).join(' '), async () => {
      const { code, stdout, stderr } = await genkey(...args)
      assert.equal(code, 2)
      assert.equal(stdout.length, 0)
      assert.match(stderr, /^fastify-sealed-session: .+\n/)
      assert.ok(stderr.includes(`\n\nUsage: fastify-sealed-session ${usage} `), stderr)
    })
  }
})

describe('an argument that has commands for the terminal in it is shown without them, as an', () => {
  const ESCAPES = '\u001b]0;title\u0007\u001b[2J\u009b31m\r\u202e'
  const calls: Array<[title: string, ...args: string[]]> = [
    ['unknown command', `${ESCAPES}x`],
    ['unknown option', `--${ESCAPES}`],
    ['argument too many', 'keygen', ESCAPES],
    ['file that is not there, of rotate', 'rotate', ESCAPES],
    ['file that is not there, of inspect', 'inspect', '--key-file', ESCAPES, 'token'],
    ['file in a folder that is not there, of keygen', 'keygen', '--out', `missing/${ESCAPES}`],
    ['name of a cookie', 'inspect', '--key-file', 'package.json', '--name', ESCAPES, 'token']
  ]
  for (const [title, ...args] of calls) {
    test(title, async () => {
      const { code, stdout, stderr } = await genkey(...args)
      assert.notEqual(code, 0)
      assert.doesNotMatch(`${stdout.toString()}${stderr}`, /(?![\n\t])[\p{Cc}\u202e]/u)
    })
  }

  test('name of a file that rotate and keygen have found', async () => {
    const path = join(folder, 'a\u001b[2Jb')
    writeFileSync(path, `${newKey().toString('hex')}\n`, { mode: 0o600 })
    const rotated = await genkey('rotate', path)
    assert.equal(rotated.code, 0, rotated.stderr)
    assert.match(rotated.stdout.toString(), /first key of .*a\\u001b\[2Jb\n/)
    const refused = await genkey('keygen', '--out', path)
    assert.match(refused.stderr, /already exists.*a\\u001b\[2Jb"\n$/)
    for (const text of [rotated.stdout.toString(), rotated.stderr, refused.stderr]) assert.ok(!text.includes('\u001b'))
  })
})
