// The packed tarball in folders of its own, beside what it depends on: with libsodium as an addon,
// without it, or with one that cannot be loaded.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packBuilt, run } from '../package/packed.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))

/** What became of the two builds in an installation. */
export type Variant = 'complete' | 'no-addon' | 'no-binary' | 'broken-binary' | 'no-wasm' | 'neither' | 'copied-wasm'

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** What a program finds in its environment: FASTIFY_SEALED_SESSION_SODIUM, NODE_OPTIONS and INPUT. */
interface Surroundings {
  sodium?: string
  options?: string
  input?: object
}

/** An app's folder with the package in its node_modules. */
export class Installation {
  readonly folder: string

  constructor (folder: string) {
    this.folder = folder
  }

  /** Runs Node in the folder. */
  async node (args: string[], { sodium = '', options = '', input = {} }: Surroundings = {}): Promise<Outcome> {
    const env = { ...process.env, NODE_OPTIONS: options, FASTIFY_SEALED_SESSION_SODIUM: sodium, INPUT: JSON.stringify(input) }
    return await new Promise(resolve => {
      // Whoever does not end by itself is ended, and has no exit code then.
      execFile(process.execPath, args, { cwd: this.folder, env, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code as number | null, stdout, stderr })
      })
    })
  }

  /** Runs a program that must succeed, write nothing to stderr but the warning of a codec on WebAssembly, and leave JSON. */
  async json<Result> (args: string[], options?: Surroundings): Promise<Result> {
    const { code, stdout, stderr } = await this.node(args, options)
    const unexpected = stderr.split('\n').filter(line => line !== '' && !/\[FST_SEALED_SESSION_WARN_WASM\]|--trace-warnings/.test(line))
    if (code !== 0 || unexpected.length > 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
    return JSON.parse(stdout) as Result
  }
}

/** What `npm test` has built, packed once, and installed as often as there are variants. */
export async function installations<Name extends Variant> (variants: readonly Name[]): Promise<{ root: string, of: Record<Name, Installation> }> {
  const root = await mkdtemp(join(tmpdir(), 'sealed-session-crypto-'))
  const tarball = await packBuilt(root)
  const made = await Promise.all(variants.map(async variant => [variant, await install(join(root, variant), tarball, variant)] as const))
  return { root, of: Object.fromEntries(made) as Record<Name, Installation> }
}

async function install (folder: string, tarball: string, variant: Variant): Promise<Installation> {
  const own = join(folder, 'node_modules', 'fastify-sealed-session')
  await mkdir(own, { recursive: true })
  await run(folder, 'tar', ['-xzf', tarball, '-C', own, '--strip-components', '1'])
  await cp(fixtures, folder, { recursive: true })
  for (const name of ['fastify', ...await dependenciesOf(own)]) await link(name, folder)
  if (variant === 'no-wasm' || variant === 'neither') await rm(join(folder, 'node_modules', 'libsodium-wrappers-sumo'))
  if (variant === 'no-addon' || variant === 'neither') await rm(join(folder, 'node_modules', 'sodium-native'))
  if (variant === 'copied-wasm') await copy(folder, 'libsodium-wrappers-sumo')
  if (variant === 'no-binary' || variant === 'broken-binary') await spoilAddon(folder, variant)
  return new Installation(folder)
}

async function dependenciesOf (folder: string): Promise<string[]> {
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { dependencies?: object }
  return Object.keys(dependencies)
}

/** Node follows the links: dependencies of what is linked are those of the repository. */
async function link (name: string, folder: string): Promise<void> {
  const path = join(folder, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(join(repository, 'node_modules', name), path, 'junction')
}

/** A copy of a package in place of the link, which a test may change. */
async function copy (folder: string, name: string, filter: (source: string) => boolean = () => true): Promise<string> {
  const copied = join(folder, 'node_modules', name)
  await rm(copied)
  await cp(join(repository, 'node_modules', name), copied, { recursive: true, filter })
  for (const dependency of await dependenciesOf(copied)) await link(dependency, folder)
  return copied
}

/** Puts a copy of the addon in place of the link, with no binaries in it or with ones that are none. */
async function spoilAddon (folder: string, variant: 'no-binary' | 'broken-binary'): Promise<void> {
  const addon = await copy(folder, 'sodium-native', source => variant === 'broken-binary' || !source.includes('prebuilds'))
  if (variant === 'no-binary') return
  for (const file of await readdir(join(addon, 'prebuilds'), { recursive: true })) {
    if (file.endsWith('.node')) await writeFile(join(addon, 'prebuilds', file), 'no binary at all, but longer than the head of one'.repeat(4))
  }
}
