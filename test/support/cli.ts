// Runs the command as a process. It is the built one: genkey.js runs what is in dist.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

export const GENKEY = fileURLToPath(new URL('../../genkey.js', import.meta.url))

export interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: string
}

export interface Surroundings {
  env?: Record<string, string>
  /** What is written to stdin; without it there is none. */
  stdin?: string
  /** The user that it runs as, which only root can choose. */
  uid?: number
}

/** Runs a program with its output in pipes. */
export async function run (file: string, args: string[], { env = {}, stdin, uid }: Surroundings = {}): Promise<Outcome> {
  const user = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn(file, args, { env: { ...process.env, ...env }, ...user })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => assert.ok(stdin === undefined, 'stdin was not read')).end(stdin)
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

export async function genkey (...args: string[]): Promise<Outcome> {
  return await run(process.execPath, [GENKEY, ...args])
}

/** Runs the command where it must succeed and keep stderr for failures. */
export async function output (...args: string[]): Promise<Buffer> {
  const { code, stdout, stderr } = await genkey(...args)
  assert.equal(stderr, '')
  assert.equal(code, 0)
  return stdout
}

/**
 * Runs the command on a terminal: a real one from util-linux's `script`, which Debian always has.
 * Elsewhere Node is told that stdout is one.
 */
export async function onTerminal (...args: string[]): Promise<string> {
  const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false
  const { code, stdout } = hasScript
    ? await run('script', ['-qec', [process.execPath, GENKEY, ...args].map(word => `'${word}'`).join(' '), '/dev/null'])
    : await run(process.execPath, ['--import', 'data:text/javascript,process.stdout.isTTY=true', GENKEY, ...args])
  assert.equal(code, 0)
  return stdout.toString('latin1').replaceAll('\r\n', '\n')
}

/** Runs the command in a process in which `code` has run before, with `fs` in its scope to be changed. */
export async function genkeyAfter (code: string, ...args: string[]): Promise<Outcome> {
  const program = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; ${code}; syncBuiltinESMExports()`
  return await run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(program)}`, GENKEY, ...args])
}

/** A folder that is removed after the tests of the file, or of the `describe` that calls this. */
export function temporaryFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'))
  after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Fails where an output has one of the keys in it, in whichever encoding. */
export function assertNoKey ({ stdout, stderr }: Outcome, keys: readonly Buffer[]): void {
  for (const text of [stdout.toString('latin1'), stderr]) {
    for (const key of keys) {
      assert.ok(!text.toLowerCase().includes(key.toString('hex')), 'a key in hex')
      // Without its end, where padding begins.
      assert.ok(!text.includes(key.toString('base64').slice(0, 42)), 'a key in base64')
      assert.ok(!text.includes(key.toString('base64url').slice(0, 42)), 'a key in base64url')
      assert.ok(!text.includes(key.toString('latin1')), 'the bytes of a key')
    }
  }
}
