// The documentation is true: every fenced block of the README, of docs/ and of bench/ is run as it stands.
// The package under test is the built one, as a reader has it: `npm test` builds first.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { randomBytes } from 'node:crypto'
import { createSessionCodec } from '../../src/index.ts'
import { compile } from './compile.ts'
import { anchors, blocks, localLinks, type Block } from './markdown.ts'
import { expectedOutput, isServer, programOf } from './programs.ts'
import { startServer, visit } from './server.ts'
import { pagesBelow } from './source.ts'
import { PostgresServer, noPostgres } from '../revocation/postgres-server.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'
import { ROOT, Workspace } from './workspace.ts'

interface Manifest {
  name: string
  scripts: Record<string, string>
  peerDependencies: Record<string, string>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const pages = ['README.md', ...pagesBelow('docs'), ...pagesBelow('bench')]
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

interface Needed {
  skip: string | false
  create: () => Promise<RedisServer | PostgresServer>
  variables: (server: { port: number }) => Record<string, string>
}

/** Servers that blocks need, by their prelude. */
const SERVERS: Record<string, Needed> = {
  'with app and Redis': { skip: noRedis, create: async () => await RedisServer.create(), variables: ({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }) },
  'a store in Redis': { skip: noRedis, create: async () => await RedisServer.create(), variables: ({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }) },
  'with app and PostgreSQL': { skip: noPostgres, create: async () => await PostgresServer.create(), variables: ({ port }) => ({ DATABASE_URL: `postgresql://postgres@127.0.0.1:${port}/postgres` }) }
}

for (const page of pages) {
  const markdown = read(page)
  describe(page, () => {
    it('links to pages and headings that exist', () => {
      for (const link of localLinks(markdown)) {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : join(page, '..', path)
        assert.ok(existsSync(join(ROOT, target)), link)
        if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), link)
      }
    })
    const found = blocks(markdown)
    it('has no fenced block that is missed here', () => {
      assert.equal(found.length * 2, (markdown.match(/^```/gm) ?? []).length)
    })
    describeBlocks(found, markdown)
  })
}

/** Each block runs in the folder that those before it left behind, as a reader works through a page. */
function describeBlocks (found: readonly Block[], markdown: string): void {
  // Blocks for a bundle and for the edge need more than this folder has: test/package/bundles.test.ts and
  // test/edge/page.test.ts run them. Files of a project are run as one, by test/testing/guide.test.ts and
  // test/examples/nestjs.test.ts. Parts of an example are compared with it: test/docs/frameworks.test.ts. Code for a vault
  // meets one in test/docs/key-vaults.test.ts.
  const isElsewhere = (prelude: string): boolean => ['in a bundle', 'at the edge', 'at the edge, on your machine', 'in a vault'].includes(prelude) || /^(?:file|part of) /.test(prelude)
  const runnable = found.filter(({ language, prelude }) => !['text', 'json', 'yaml'].includes(language) && !isElsewhere(prelude))
  if (runnable.length === 0) return
  const workspace = new Workspace()
  after(() => workspace.remove())
  // A page that does not tell how to make the key expects its reader to have it.
  if (!markdown.includes('keygen --out secret-key')) workspace.write('secret-key', randomBytes(32))

  for (const block of runnable) {
    it(`line ${block.line}: the ${block.language} block works`, { skip: SERVERS[block.prelude]?.skip ?? false }, async () => {
      const quickStart = found.find(isServer)
      if (block.prelude === 'while the quick start runs') await runBeside(block, quickStart, workspace)
      else if (block.language === 'sh') await runShell(block, workspace)
      else if (block.prelude === 'beside the quick start') runTest(block, quickStart, workspace, markdown)
      else await runProgram(block, workspace)
    })
  }
}

async function runShell ({ code, prelude }: Block, workspace: Workspace): Promise<void> {
  const lines = code.trim().split('\n')
  // npm would fetch from a registry what has yet to be published, and `npm test` would start this
  // test again. What these lines name is compared with package.json instead.
  const npm = lines.filter(line => line.startsWith('npm '))
  for (const command of npm.flatMap(line => line.split(' && '))) assertNpm(command)
  const commands = lines.filter(line => !npm.includes(line)).join('\n')
  if (prelude === 'with a cookie') return await inspectCookie(commands, workspace)
  assert.equal(prelude, '')
  workspace.shell(commands)
}

/** The commands find a cookie of the quick start in a variable, and show its session. */
async function inspectCookie (commands: string, workspace: Workspace): Promise<void> {
  const { seal } = await createSessionCodec<{ userId: number }>({ key: readFileSync(join(workspace.folder, 'secret-key')), cookieName: '__Host-session', format: 'sealed' })
  assert.match(workspace.shell(commands, { COOKIE: seal({ userId: 42 }) }), /"userId": 42/)
}

function assertNpm (command: string): void {
  const [, verb = '', ...names] = command.split(' ')
  if (verb === 'install' || verb === 'i') {
    const known = [manifest.name, ...Object.keys(manifest.peerDependencies), `@fastify/secure-session@npm:${manifest.name}`]
    for (const name of names) assert.ok(known.includes(name), command)
    return
  }
  const script = manifest.scripts[verb === 'run' ? names[0] ?? '' : verb]
  assert.ok(script !== undefined, `package.json has no script for "${command}"`)
  for (const [file] of script.matchAll(/\S+\.js\b/g)) assert.ok(existsSync(join(ROOT, file)), `${file} does not exist`)
}

async function runProgram (block: Block, workspace: Workspace): Promise<void> {
  assert.ok(block.language === 'js' || block.language === 'ts', `how is ${block.language} run?`)
  const file = workspace.write(`line-${block.line}.${block.language}`, programOf(block))
  assert.deepEqual(compile(file, workspace.folder), [], 'has no type errors')

  const program = file.replace(/\.ts$/, '.js')
  if (isServer(block)) return await useServers(block, program, workspace)
  const { status, stdout, stderr } = await withServer(block, variables => workspace.run(program, variables))
  assert.equal(status, 0, stderr)
  const expected = expectedOutput(block)
  if (expected.length > 0) assert.equal(stdout.trim(), expected.join('\n'))
}

/** Runs commands that talk to the quick start. The comment behind each of them is its answer. */
async function runBeside ({ code }: Block, quickStart: Block | undefined, workspace: Workspace): Promise<void> {
  const program = workspace.write('running.mjs', programOf(quickStart!)) // the page has one, or this block has no place there
  const server = await startServer(workspace, program)
  try {
    const lines = code.trim().split('\n')
    const answers = lines.map(line => workspace.shell(line.replace('http://localhost:3000', server.url)))
    assert.deepEqual(answers, lines.map(line => line.split(' # ')[1]))
  } finally {
    await server.stop()
  }
}

/** Runs a test of the quick start, whose last line is replaced as the page says, by the command that the page has for it. */
function runTest ({ code, line }: Block, quickStart: Block | undefined, workspace: Workspace, markdown: string): void {
  assert.match(quickStart?.code ?? '', /^await app\.listen\(.*\)\n$/m)
  workspace.write('app.mjs', quickStart!.code.replace(/^await app\.listen\(.*\)$/m, 'export { app }')) // it is there, see above
  const file = workspace.write('profile.test.mjs', code)
  assert.deepEqual(compile(file, workspace.folder), [], 'has no type errors')
  const [, command = ''] = /`(node [^`]*--test)`/.exec(markdown) ?? []
  const output = workspace.shell(`${command} 2>&1 || true`) // a test that fails is told by its output
  assert.match(output, /^(?:#|ℹ) pass 2$/m, `line ${line}: ${output}`)
  assert.doesNotMatch(output, /warning/i)
}

/** Runs a block beside the server that it needs, if it needs one. */
async function withServer<Result> ({ prelude }: Block, run: (variables: Record<string, string>) => Result): Promise<Result> {
  const needed = SERVERS[prelude]
  if (needed === undefined) return run({})
  const server = await needed.create()
  try {
    return run(needed.variables(server))
  } finally {
    await server.remove()
  }
}

const FULL = '__Host-session=…; Path=/; HttpOnly; Secure; SameSite=Lax'
const AT_HOME = 'session=…; Path=/; HttpOnly; SameSite=Lax'

/** A server with `sealedSession` is started at home and in production. */
async function useServers ({ code }: Block, program: string, workspace: Workspace): Promise<void> {
  if (!code.includes('sealedSession')) return await useServer(program, workspace, FULL)
  await useServer(program, workspace, AT_HOME)
  await useServer(program, workspace, FULL, { NODE_ENV: 'production' })
}

/** What the quick start promises, in whichever language. */
async function useServer (program: string, workspace: Workspace, cookie: string, variables: Record<string, string> = {}): Promise<void> {
  const server = await startServer(workspace, program, variables)
  try {
    const { setCookie, cookieAfterLogout, ...rest } = await visit(server)
    assert.deepEqual(rest, { stranger: 401, forged: 401, profile: { userId: 42 }, cacheControl: 'no-store' })
    assert.equal(setCookie.replace(/=[^;]+/, '=…'), cookie)
    assert.ok(cookieAfterLogout.startsWith(`${cookie.split('=')[0]}=; Max-Age=0; Path=/`))
    assert.deepEqual(server.complaints, [], 'starts and runs without a warning')
  } finally {
    await server.stop()
  }
}
