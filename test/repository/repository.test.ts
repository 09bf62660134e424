// The files of the repository that are no code, but that somebody relies on.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { anchors, localLinks } from '../docs/markdown.ts'
import { ROOT } from '../docs/workspace.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json')) as { version: string, scripts: Record<string, string> }

for (const page of ['SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/README.md', 'examples/asvs-level-2/README.md', 'examples/everywhere/README.md']) {
  describe(page, () => {
    it('links to pages and headings that exist', () => {
      for (const link of localLinks(read(page))) {
        const [path = '', anchor] = link.split('#')
        assert.ok(existsSync(join(ROOT, dirname(page), path)), link)
        if (anchor !== undefined) assert.ok(anchors(read(join(dirname(page), path))).includes(anchor), link)
      }
    })

    it('names only scripts that package.json has, and files that are there', () => {
      const text = read(page)
      for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) assert.ok(script in manifest.scripts, script)
      for (const [, path = ''] of text.matchAll(/`((?:\.ci|\.github|docs|scripts|test)\/[^` ]*)`/g)) assert.ok(existsSync(join(ROOT, path)), path)
    })
  })
}

describe('llms.txt', () => {
  const text = read('llms.txt')

  it('has the form that assistants read: a title, a summary, then sections of links with a line each', () => {
    const [title, , summary] = text.split('\n')
    assert.equal(title, '# fastify-sealed-session')
    assert.match(summary ?? '', /^> \S/)
    const sections = text.split(/^## .+$/m).slice(1)
    assert.ok(sections.length > 1)
    for (const line of sections.flatMap(section => section.split('\n')).filter(line => line !== '')) assert.match(line, /^- \[[^\]]+\]\([^)]+\): \S/)
  })

  it('links to pages that exist and are in the package', () => {
    const links = localLinks(text)
    assert.ok(links.length > 20)
    for (const link of links) {
      assert.ok(existsSync(join(ROOT, link)), link)
      assert.match(link, /^(?:README\.md|docs\/.+\.md)$/)
    }
  })

  it('sets up an app as the README does', () => {
    const setup = [...text.matchAll(/^ {4}(.+)$/gm)].map(([, line = '']) => line)
    assert.ok(setup.length > 5)
    const readme = read('README.md')
    assert.deepEqual(setup.filter(line => !readme.includes(line)), [])
  })

  it('is linked from the README and from the index of the documentation', () => {
    assert.ok(localLinks(read('README.md')).includes('llms.txt'))
    assert.ok(localLinks(read('docs/README.md')).includes('../llms.txt'))
  })
})

describe('examples/README.md', () => {
  it('has each example, and no other', () => {
    const listed = [...read('examples/README.md').matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name)
    const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => name)
    assert.deepEqual(listed.sort(), folders.sort())
  })
})

describe('CONTRIBUTING.md', () => {
  it('has the five commands that a contributor needs', () => {
    const [, commands = ''] = /```text\n(.*?)```/s.exec(read('CONTRIBUTING.md')) ?? []
    assert.equal(commands.trim().split('\n').filter(line => line.startsWith('npm ')).length, 5)
  })
})

describe('src/', () => {
  it('asks of no built-in with instanceof, which says no to those of another realm, as Jest and jsdom have them', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(file => /\.c?[jt]s$/.test(file))
    const builtIns = new Set([...Object.getOwnPropertyNames(globalThis), ...Object.keys(globalThis)])
    const asked = files.flatMap(file => [...read(join('src', file)).matchAll(/\binstanceof\s+([\w$]+)/g)].map(([, name = '']) => ({ file, name })))
    assert.ok(asked.length > 0)
    assert.deepEqual(asked.filter(({ name }) => builtIns.has(name)), [])
  })
})

describe('what a user installs', () => {
  interface Locked { dev?: boolean, hasInstallScript?: boolean }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)

  it('runs no script of ours', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.ok(!(name in manifest.scripts), name)
  })

  it('runs no script of what comes with it', () => {
    assert.ok(installed.some(([path]) => path === 'node_modules/sodium-native'))
    assert.deepEqual(installed.filter(([, { hasInstallScript }]) => hasInstallScript === true), [])
  })
})

const workflows = join('.github', 'workflows')
for (const name of readdirSync(join(ROOT, workflows))) {
  describe(`the workflow ${name}`, () => {
    const text = read(join(workflows, name))

    it('runs actions at a commit, which nobody can move, never at a tag', () => {
      const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
      assert.ok(used.length > 0)
      for (const action of used) assert.match(action, /@[0-9a-f]{40}$/)
    })

    it('may read the code and, unless a job says otherwise, nothing else', () => {
      assert.match(text, /^permissions:\n {2}contents: read\n/m)
    })
  })
}

describe('scripts/check-release.js', () => {
  const check = (tag: string): { status: number | null, stderr: string } =>
    spawnSync(process.execPath, [join(ROOT, 'scripts', 'check-release.js'), tag], { encoding: 'utf8' })
  const isDescribed = read('CHANGELOG.md').includes(`\n## ${manifest.version}`)

  it('refuses a tag that is not the version of package.json', () => {
    const { status, stderr } = check('v999.0.0')
    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`the tag is v999.0.0, and the version in package.json is ${manifest.version}`))
  })

  it('refuses a version that CHANGELOG.md does not describe, and takes one that it does', () => {
    const { status, stderr } = check(`v${manifest.version}`)
    assert.equal(status, isDescribed ? 0 : 1)
    assert.equal(stderr, isDescribed ? '' : `CHANGELOG.md has no "## ${manifest.version}"\n`)
  })
})
