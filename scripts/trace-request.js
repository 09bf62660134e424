// npm run trace [-- FOLDER]: the files that one warm request crosses to read a key of its session, in the sealed
// format: how many there are, and how often the path goes from one to another. Counts entries into and exits
// from the functions of src/, compiled file by file, of this checkout or of the one in FOLDER.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { compileFiles } from './compile.js'

const checkout = resolve(process.argv[2] ?? new URL('..', import.meta.url).pathname)
const copy = mkdtempSync(join(tmpdir(), 'trace-'))
const dist = join(copy, 'dist/esm')
compileFiles(checkout, dist)
cpSync(join(checkout, 'package.json'), join(copy, 'package.json'))
symlinkSync(join(checkout, 'node_modules'), join(copy, 'node_modules'))
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) if (name.endsWith('.js')) instrument(name)

/** Has each function of a file say that it is entered and left. */
function instrument (name) {
  const path = join(dist, name)
  const source = ts.createSourceFile(name, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const edits = []
  const visit = node => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const { body } = node
      const before = `globalThis.traceIn(${JSON.stringify(name)}); try {`
      const after = '} finally { globalThis.traceOut() }'
      // A constructor that calls super() cannot be wrapped before that; none of the path does.
      const isDerived = ts.isConstructorDeclaration(node) && node.parent.heritageClauses?.some(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) === true
      if (ts.isBlock(body) && !isDerived) edits.push([body.getStart() + 1, before], [body.getEnd() - 1, after])
      if (!ts.isBlock(body)) edits.push([body.getStart(), `{ ${before} return (`], [body.getEnd(), `) ${after} }`])
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  let text = source.text
  for (const [at, added] of edits.sort(([a], [b]) => b - a)) text = text.slice(0, at) + added + text.slice(at)
  writeFileSync(path, text)
}

let isCounting = false
let files = new Set()
let path = []
const stack = ['']
const move = name => {
  if (!isCounting || name === '' || path.at(-1) === name) return
  files.add(name)
  path.push(name)
}
let entries = 0
globalThis.traceIn = name => {
  if (isCounting && stack.at(-1) !== name) entries++
  stack.push(name)
  move(name)
}
globalThis.traceOut = () => { stack.pop(); move(stack.at(-1)) }

const { default: secureSession } = await import(pathToFileURL(join(dist, 'index.js')).href)
const { default: Fastify } = await import(pathToFileURL(join(checkout, 'node_modules/fastify/fastify.js')).href)
const app = Fastify()
app.register(secureSession, { key: Buffer.alloc(32, 1), format: 'sealed' })
app.get('/login', async ({ session }) => { session.set('userId', 1); return 'in' })
app.get('/read', (request, reply) => { reply.send(String(request.session.get('userId'))) })
const { headers } = await app.inject('/login')
const cookie = String(headers['set-cookie']).split(';')[0]
for (let i = 0; i < 3; i++) {
  files = new Set()
  path = []
  entries = 0
  isCounting = true
  await app.inject({ url: '/read', headers: { cookie } })
  isCounting = false
}
console.log(`session.get('userId') crosses ${files.size} files, and a function of one calls one of another ${entries} times:`)
console.log(path.map(name => relative('.', name)).join(' → '))
rmSync(copy, { recursive: true })
