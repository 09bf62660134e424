// docs/reference/platforms.md says where there is a binary of libsodium, that nothing runs at installation, and
// what is tested on which runtime.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tableUnder } from './markdown.ts'
import { ROOT } from './workspace.ts'

const PAGE = readFileSync(join(ROOT, 'docs/reference/platforms.md'), 'utf8')
const NODE_NAMES = new Map([['Linux with glibc', 'linux'], ['macOS (`darwin`)', 'darwin'], ['Windows (`win32`)', 'win32'], ['Android', 'android']])

describe('docs/reference/platforms.md', () => {
  it('lists the binaries that there are, but for iOS, which has no Node.js', () => {
    const listed = tableUnder(PAGE, '## Where there is a binary').flatMap(([system = '', processors = '']) =>
      [...processors.matchAll(/`(\w+)`/g)].map(([, processor]) => `${NODE_NAMES.get(system)}-${processor}`))
    const present = readdirSync(join(ROOT, 'node_modules/sodium-native/prebuilds')).filter(name => !name.startsWith('ios'))
    assert.deepEqual(listed.sort(), present.sort())
  })

  it('is right that neither package runs anything when it is installed', () => {
    for (const name of ['sodium-native', 'libsodium-wrappers-sumo', 'libsodium-sumo', 'require-addon', 'bare-assert', 'which-runtime']) {
      const folder = join(ROOT, 'node_modules', name)
      const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts?: object }
      assert.deepEqual(Object.keys(scripts).filter(script => /^(?:pre|post)?install$/.test(script)), [], name)
      assert.ok(!existsSync(join(folder, 'binding.gyp')), `npm would compile ${name}`)
    }
  })

  it('lists the targets of npm run test:matrix, which refuses any other', () => {
    const listed = tableUnder(PAGE, '## Runtimes').flatMap(([targets = '']) => [...targets.matchAll(/`(\w+)`/g)].map(([, target]) => target))
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/matrix.js'), 'node1'], { encoding: 'utf8' })
    assert.equal(status, 1)
    const [, targets = ''] = /no such target: node1\. There are (.+)/.exec(stderr) ?? []
    assert.deepEqual(targets.split(', '), listed)
  })
})
