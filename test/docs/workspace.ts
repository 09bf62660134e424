// A folder as a reader of the documentation has it: the built package and Fastify are installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What node_modules of the folder has, each a link; ours also under the peer's name. */
const INSTALLED: Record<string, string> = {
  'fastify-sealed-session': '.',
  '@fastify/secure-session': '.',
  '.bin/fastify-sealed-session': 'genkey.js',
  fastify: 'node_modules/fastify',
  'fastify-plugin': 'node_modules/fastify-plugin',
  '@fastify/cookie': 'node_modules/@fastify/cookie',
  'sodium-native': 'node_modules/sodium-native',
  zod: 'node_modules/zod',
  superjson: 'node_modules/superjson',
  redis: 'node_modules/redis',
  ioredis: 'node_modules/ioredis',
  pg: 'node_modules/pg',
  '@aws-sdk/client-secrets-manager': 'node_modules/@aws-sdk/client-secrets-manager',
  '@azure/identity': 'node_modules/@azure/identity',
  '@azure/keyvault-secrets': 'node_modules/@azure/keyvault-secrets',
  '@google-cloud/secret-manager': 'node_modules/@google-cloud/secret-manager',
  '@types': 'node_modules/@types'
}

export class Workspace {
  readonly folder: string

  constructor () {
    this.folder = mkdtempSync(join(tmpdir(), 'docs-'))
    this.write('package.json', '{ "type": "module", "private": true }')
    for (const [name, target] of Object.entries(INSTALLED)) {
      const link = join(this.folder, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(ROOT, target), link)
    }
  }

  write (name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  /** Runs commands as a shell does, with more variables; the first one that fails ends it. Returns stdout. */
  shell (commands: string, variables: Record<string, string> = {}): string {
    const env = { ...environment(), ...variables }
    return execFileSync('sh', ['-ec', commands], { cwd: this.folder, env, stdio: 'pipe', encoding: 'utf8' })
  }

  /** Runs a program to its end, with more variables. */
  run (file: string, variables: Record<string, string> = {}): { status: number | null, stdout: string, stderr: string } {
    return spawnSync(process.execPath, this.arguments(file), {
      cwd: this.folder, env: { ...environment(), ...variables }, encoding: 'utf8', timeout: 60_000
    })
  }

  /** What `node` is started with. Variables that a command wrote into `.env` are there, as a reader's would be. */
  arguments (file: string): string[] {
    return existsSync(join(this.folder, '.env')) ? ['--env-file=.env', file] : [file]
  }

  remove (): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Without what npm sets for the test run, which would lead `npx` elsewhere; and `npx` stays offline. */
export function environment (): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:npm_|NODE_OPTIONS$|NODE_TEST)/i.test(name))
  return { ...Object.fromEntries(own), npm_config_offline: 'true', npm_config_update_notifier: 'false' }
}
