// What all commands share: help, version, and what follows a wrong call.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { genkey, output } from './support.ts'

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
