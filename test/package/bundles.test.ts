// Bundles of apps that have installed the packed tarball, made with the commands and files of
// docs/guide/bundling.md, and run in folders where nothing else is, or only what the page says to put there.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { blocks } from '../docs/markdown.ts'
import { emptyFolder, install, packBuilt, repository, run } from './packed.ts'

const PAGE = readFileSync(join(repository, 'docs/guide/bundling.md'), 'utf8')
const LIMIT = { timeout: 120_000 }

/** What fixtures/bundles/use.cjs writes. */
interface Use {
  cookies: number
  read: object
  revoked: object
  warnings: string[]
  isWasmLoaded: boolean
  /** null where none was tried. */
  passphrase: boolean | null | { code: string, message: string, hint: string }
}

interface Bundle {
  title: string
  /** The shell commands that make it in the app's folder. */
  make: string
  /** Files that they need there. */
  files?: Record<string, string>
  program: string
}

let root: string
let app: string
let made = 0

before(async () => {
  root = await emptyFolder()
  app = join(root, 'app')
  await install(app, await packBuilt(root), 'fastify-sealed-session', '^11.0.0', ['@fastify/aws-lambda'])
  for (const file of ['app.mjs', 'app.cjs', 'use.cjs']) await cp(join(app, 'bundles', file), join(app, file))
  // The page's app.js is one of the two: an ES module here, and `app.cjs` in its place there.
  await cp(join(app, 'app.mjs'), join(app, 'app.js'))
}, LIMIT)

after(async () => await rm(root, { recursive: true, force: true }))

/** The blocks of the page under a heading that are run here. */
function documented (heading: string): string[] {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`)
  const found = blocks(section.split('\n## ')[0] ?? '').filter(({ prelude }) => prelude === 'in a bundle')
  assert.ok(found.length > 0, `there is no block under "${heading}"`)
  return found.map(({ code }) => code)
}

const [esbuildCjs = '', esbuildEsm = ''] = documented('esbuild')
const [webpackConfig = ''] = documented('webpack')
const [ncc = ''] = documented('@vercel/ncc')
const [handler = '', esbuildHandler = ''] = documented('AWS Lambda')
const tool = join(repository, 'test/package/bundle.js')

/** The same of an app that has `require`. */
const ofCommonJs = (text: string): string => text.replaceAll('app.js', 'app.cjs')

/** The same with the banner that many have from elsewhere, without `__filename`. */
const requireAlone = (command: string): string => command.replace(/, __filename = [^;]+/, '')

// That webpack makes names short takes it half a minute. esbuild does it in a second, below.
const unminified = (config: string): string => config.replace("mode: 'production',", "mode: 'production', optimization: { minimize: false },")
/** The same, but the bundle is an ES module. */
const asModule = (config: string): string => config.replace("filename: 'app.cjs'", "filename: 'app.mjs', module: true, chunkFormat: 'module'").replace('entry:', 'experiments: { outputModule: true }, entry:')

const BUNDLES: Bundle[] = [
  { title: 'esbuild, CommonJS', make: esbuildCjs, program: 'app.cjs' },
  { title: 'esbuild, CommonJS, of require(), minified', make: `${ofCommonJs(esbuildCjs).trim()} --minify`, program: 'app.cjs' },
  { title: 'esbuild, an ES module that has nothing but `require` in its banner, minified', make: `${requireAlone(esbuildEsm).trim()} --minify`, program: 'app.mjs' },
  { title: 'esbuild, an ES module, of require()', make: ofCommonJs(esbuildEsm), program: 'app.mjs' },
  { title: 'webpack, CommonJS, of require()', make: `node ${tool} webpack webpack.config.js`, files: { 'webpack.config.js': unminified(ofCommonJs(webpackConfig)) }, program: 'app.cjs' },
  { title: 'webpack, an ES module', make: `node ${tool} webpack webpack.config.js`, files: { 'webpack.config.js': asModule(unminified(webpackConfig)) }, program: 'app.mjs' },
  { title: 'ncc', make: ncc, program: 'index.js' }
]

/** Makes a bundle, and moves it where no folder above it has packages. */
async function bundle ({ make, files = {} }: Pick<Bundle, 'make' | 'files'>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(app, name), text)
  const PATH = `${join(repository, 'node_modules/.bin')}:${process.env.PATH}`
  await run(app, 'sh', ['-ec', make.replaceAll('npx ', '')], { PATH })
  const folder = join(root, `bundle-${++made}`)
  await rename(join(app, 'dist'), folder)
  return folder
}

/** Runs a bundle, and returns what it wrote. */
async function use (folder: string, program: string, env: NodeJS.ProcessEnv = {}): Promise<Use> {
  const args = ['--require', join(app, 'bundles/is-wasm-loaded.cjs'), program]
  return JSON.parse(await run(folder, process.execPath, args, { FASTIFY_SEALED_SESSION_SODIUM: '', NODE_ENV: '', ...env })) as Use
}

/** Puts a package of the app, with all that it depends on, in node_modules beside a bundle. */
async function putBeside (folder: string, name: string): Promise<void> {
  const link = join(folder, 'node_modules', name)
  await mkdir(dirname(link), { recursive: true })
  await symlink(join(app, 'node_modules', name), link, 'junction')
}

const SESSION = { cookies: 2, read: { user: 'ann', status: 'valid' }, revoked: { user: null, status: 'rejected' } }
const ON_WASM = { ...SESSION, warnings: ['FST_SEALED_SESSION_WARN_WASM'], isWasmLoaded: true }
const ON_ADDON = { ...SESSION, warnings: [], isWasmLoaded: false }

for (const { title, program, ...recipe } of BUNDLES) {
  describe(`a bundle (${title})`, () => {
    let folder: string
    before(async () => { folder = await bundle(recipe) }, LIMIT)

    it('has sessions in a folder with nothing else in it, on WebAssembly, and says how to have passphrases', LIMIT, async () => {
      const { passphrase, ...rest } = await use(folder, program)
      assert.deepEqual(rest, ON_WASM)
      assert.ok(typeof passphrase === 'object' && passphrase !== null)
      assert.equal(passphrase.code, 'FST_SEALED_SESSION_SODIUM_MISSING')
      assert.match(passphrase.message, /the thread that derives a key from a passphrase finds no "libsodium-wrappers-sumo"$/)
      assert.match(passphrase.hint, /^In a bundle, .*"node_modules" beside it.* "key" .*docs\/guide\/bundling\.md\.$/)
    })

    it('uses the addon that is in node_modules beside it, and then leaves WebAssembly alone', LIMIT, async () => {
      await putBeside(folder, 'sodium-native')
      assert.deepEqual(await use(folder, program, { PASSPHRASE: 'no' }), { ...ON_ADDON, passphrase: null })
    })
  })
}

describe('a passphrase in a bundle', () => {
  for (const [name, expected] of [['sodium-native', ON_ADDON], ['libsodium-wrappers-sumo', ON_WASM]] as const) {
    it(`is enough where ${name} is beside it`, LIMIT, async () => {
      const folder = await bundle({ make: esbuildEsm })
      await putBeside(folder, name)
      assert.deepEqual(await use(folder, 'app.mjs'), { ...expected, passphrase: true })
    })
  }
})

describe('the files of an app that @vercel/nft finds', () => {
  let folder: string
  before(async () => { folder = await bundle({ make: `node ${tool} trace app.mjs dist` }) }, LIMIT)

  it('have sessions and passphrases in another folder, on WebAssembly', LIMIT, async () => {
    assert.deepEqual(await use(folder, 'app.mjs'), { ...ON_WASM, passphrase: true })
  })

  it('have the addon if the packages that the page names are added', LIMIT, async () => {
    const names = [...PAGE.matchAll(/'\.\/node_modules\/([^/*]+)\/\*\*\/\*'/g)].map(([, name = '']) => name)
    assert.ok(names.includes('sodium-native'))
    for (const name of names) await cp(join(app, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true })
    assert.deepEqual(await use(folder, 'app.mjs', { PASSPHRASE: 'no' }), { ...ON_ADDON, passphrase: null })
  })
})

interface Answer {
  statusCode: number
  body: string
  headers: Record<string, string>
  cookies?: string[]
  multiValueHeaders?: Record<string, string[]>
}

/** An event of API Gateway for a request with these cookies, and the `Set-Cookie` lines of an answer. */
interface Gateway {
  event: (method: string, path: string, cookies: string[], body: string | null) => object
  setCookies: (answer: Answer) => string[]
}

const headers = { 'content-type': 'application/json', host: 'id.execute-api.eu-central-1.amazonaws.com' }

const GATEWAYS: Record<string, Gateway> = {
  'payload version 1.0, REST APIs': {
    event: (httpMethod, path, cookies, body) => {
      const sent = cookies.length === 0 ? headers : { ...headers, Cookie: cookies.join('; ') }
      return {
        resource: '/{proxy+}',
        path,
        httpMethod,
        headers: sent,
        multiValueHeaders: Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, [value]])),
        queryStringParameters: null,
        multiValueQueryStringParameters: null,
        requestContext: { resourcePath: '/{proxy+}', httpMethod, path: `/prod${path}`, stage: 'prod', requestId: '1', identity: { sourceIp: '203.0.113.7' } },
        body,
        isBase64Encoded: false
      }
    },
    setCookies: ({ headers, multiValueHeaders = {} }) => multiValueHeaders['set-cookie'] ?? [headers['set-cookie'] ?? []].flat()
  },
  'payload version 2.0, HTTP APIs and function URLs': {
    event: (method, rawPath, cookies, body) => ({
      version: '2.0',
      routeKey: '$default',
      rawPath,
      rawQueryString: '',
      ...(cookies.length === 0 ? {} : { cookies }),
      headers,
      requestContext: { http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7' }, stage: '$default', requestId: '1' },
      ...(body === null ? {} : { body }),
      isBase64Encoded: false
    }),
    setCookies: ({ cookies = [] }) => cookies
  }
}

describe('the handler for AWS Lambda', () => {
  const keys = [randomBytes(32).toString('hex'), randomBytes(32).toString('base64')]
  let folder: string

  before(async () => {
    folder = await bundle({ make: esbuildHandler, files: { 'handler.js': handler } })
  }, LIMIT)

  /** Sends one event to a new process. */
  async function invoke (event: object, SESSION_KEYS: string): Promise<Answer> {
    const args = [join(app, 'bundles/invoke.cjs'), join(folder, 'handler.cjs'), JSON.stringify(event)]
    const output = await run(folder, process.execPath, args, { SESSION_KEYS, NODE_ENV: 'production', FASTIFY_SEALED_SESSION_SODIUM: '' })
    // All other lines are of the log.
    return JSON.parse(output.split('\n').find(line => line.startsWith('{"statusCode"')) ?? output) as Answer
  }

  for (const [version, { event, setCookies }] of Object.entries(GATEWAYS)) {
    it(`logs in, reads and logs out with a session in two cookies, whose key is rotated meanwhile (${version})`, LIMIT, async () => {
      const groups = randomBytes(2000).toString('hex')
      const login = await invoke(event('POST', '/login', [], JSON.stringify({ user: 'ann', groups })), keys.slice(1).join())
      assert.equal(login.statusCode, 200, login.body)
      const lines = setCookies(login)
      assert.deepEqual(lines.map(line => line.split('=')[0]), ['__Host-session', '__Host-session.1'])
      for (const line of lines) assert.match(line, /; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      const cookies = lines.map(line => line.split('; ')[0] ?? '')

      const profile = await invoke(event('GET', '/profile', cookies, null), keys.join())
      assert.deepEqual(JSON.parse(profile.body), { user: 'ann', groups })
      assert.equal(setCookies(profile).length, 2, 'sealed again with the new key')

      const logout = await invoke(event('POST', '/logout', cookies, '{}'), keys.join())
      assert.deepEqual(setCookies(logout).map(line => line.slice(0, line.indexOf('; Path'))), ['__Host-session=; Max-Age=0', '__Host-session.1=; Max-Age=0'])
      assert.equal((await invoke(event('GET', '/profile', cookies.slice(1), null), keys.join())).statusCode, 401)
    })
  }
})
