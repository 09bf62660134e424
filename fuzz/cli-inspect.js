// Any text as the token that the command "inspect" is given, and any plaintext inside a genuine seal.
//
// Holds: the command prints a report or fails with a reason; neither has a character that a terminal
// takes for a command or that turns the direction of text, nor anything of the keys.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { run } from './build/cli/inspect.js'
import { joined, split } from './support/edits.js'
import { KEYS, KNOWN, SESSIONS, sealedOf, sealedPlaintext, secretboxOf, secretboxPlaintext } from './support/sealing.js'

const INSIDE = 1
const SEALED = 2
const AS_LINE = 4

const folder = mkdtempSync(join(tmpdir(), 'fuzz-inspect-'))
process.on('exit', () => { rmSync(folder, { recursive: true, force: true }) })
const keyFile = join(folder, 'keys')
writeFileSync(keyFile, KEYS.map(key => `${key.toString('hex')}\n`).join(''))
const SECRETS = KEYS.flatMap(key => [key.toString('hex'), key.toString('base64'), key.toString()])

/** All but what a line of printed text needs. */
const COMMANDS = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/ // eslint-disable-line no-control-regex

export const seeds = [
  ...[...KNOWN.keys()].flatMap(token => [joined(0, token), joined(0, `session=${encodeURIComponent(token)}; Path=/; HttpOnly`)]),
  ...SESSIONS.flatMap(data => [joined(INSIDE, secretboxPlaintext(data)), joined(INSIDE | SEALED | AS_LINE, sealedPlaintext(data))]),
  joined(0, 'Cookie: a=1; session=2~AQ; session.1=~AB'),
  joined(0, 'Set-Cookie: session=x.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP%3D\r\nSet-Cookie: session.1=~y'),
  joined(INSIDE, JSON.stringify({ '\u001b[31m\u009b': '\u202e\u2066\u061c', __life: { created: 8e15, expiry: 1 }, __ts: -9e15 }))
]

export async function fuzz (data) {
  const { choice, rest } = split(data)
  const token = choice & INSIDE ? (choice & SEALED ? sealedOf(rest) : secretboxOf(rest)) : rest.toString()
  const text = choice & AS_LINE ? `session=${encodeURIComponent(token)}` : token
  if (text === '-') return // that reads from stdin
  const printed = await printedBy(['--key-file', keyFile, '--', text])
  assert.doesNotMatch(printed, COMMANDS)
  for (const secret of SECRETS) assert.ok(!printed.includes(secret), 'it shows a key')
}

/** What the command writes, or the message of its error. It writes before it first waits for anything. */
async function printedBy (args) {
  const { write } = process.stdout
  let printed = ''
  process.stdout.write = text => { printed += text; return true }
  const running = run(args)
  process.stdout.write = write
  try {
    assert.equal(await running, 0)
  } catch (error) {
    assert.match(error.message, /^refused as [a-z-]+: /)
    printed += error.message
  }
  return printed
}
