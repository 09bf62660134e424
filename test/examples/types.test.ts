// The examples call what exists, the way it is meant to be called: checked as strictly as our own code.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const FILES = [
  'csrf/server.js', 'demo/server.js', 'flash/server.js', 'node-http/server.js', 'oauth2/server.js',
  'passport-local/server.js', 'passport-oauth2/server.js', 'websocket/server.js'
]

it('the examples have no type errors', () => {
  const files = FILES.map(file => fileURLToPath(new URL(`../../examples/${file}`, import.meta.url)))
  const program = ts.createProgram(files, {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: ['node']
  })
  const found = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  assert.deepEqual(found, [])
})
