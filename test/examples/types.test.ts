// The examples call what exists, the way it is meant to be called: checked as strictly as our own code.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const FILES = [
  'asvs-level-2', 'cors', 'csrf', 'demo', 'devices', 'fastify-websocket', 'flash', 'helmet', 'mercurius', 'node-http', 'oauth2', 'oidc-logout', 'passkeys',
  'passport-local', 'passport-oauth2', 'rate-limit', 'step-up', 'websocket'
].map(name => `${name}/server.js`)

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

it('each example takes its keys from the variable that the README names, but for the demo and for servers with a key file', () => {
  const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => /\.(?:js|ts)$/.test(file) && !/^demo|node_modules|dist|\.next/.test(file))
  const keys = files.flatMap(file => [...readFileSync(`${folder}${file}`, 'utf8').matchAll(/^ *(?:const )?key ?[:=] ?(.*)$/gm)].map(([, key = '']) => [file, key] as const))
  const others = keys.filter(([, key]) => !key.includes("Keyring.fromEnv('SESSION_KEYS')") && !key.includes('Keyring.fromFile(process.env.SESSION_KEY_FILE'))
  assert.ok(keys.length > 15, 'the keys are found')
  assert.deepEqual(others, [])
})
