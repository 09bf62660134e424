// The package as users get it: packed, then installed into an empty folder.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../../', import.meta.url))

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))
const ownName = 'fastify-sealed-session'

/** Runs a program and returns what it wrote to stdout; where it fails, the error shows all that it wrote. */
export async function run (cwd: string, file: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${file} ${args.join(' ')}: exit code ${error.code}\n${stdout}${stderr}`))
    })
  })
}

/** Runs a development tool of the repository. */
export async function tool (cwd: string, name: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  return await run(cwd, join(repository, 'node_modules', '.bin', name), args, env)
}

export async function emptyFolder (): Promise<string> {
  return await mkdtemp(join(tmpdir(), `${ownName}-`))
}

/**
 * Packs a copy of the repository, so that packing builds anew and nobody who reads `dist` meanwhile
 * finds it half built.
 * @returns the tarball, and the paths in it.
 */
export async function pack (folder: string): Promise<{ tarball: string, files: string[] }> {
  const copy = join(folder, 'repository')
  const left = ['.git', 'node_modules', 'dist'].map(name => join(repository, name))
  await cp(repository, copy, { recursive: true, filter: source => !left.includes(source) })
  await symlink(join(repository, 'node_modules'), join(copy, 'node_modules'))

  const output = await run(copy, 'npm', ['pack', '--json', '--pack-destination', folder])
  const [packed] = JSON.parse(output.slice(output.lastIndexOf('\n[') + 1)) as Array<{ filename: string, files: Array<{ path: string }> }>
  if (packed === undefined) throw new Error(`npm pack says ${output}`)
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path) }
}

/** Packs what `npm run build` has built. Much quicker. */
export async function packBuilt (folder: string): Promise<string> {
  const output = await run(repository, 'npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder])
  const [packed] = JSON.parse(output) as Array<{ filename: string }>
  if (packed === undefined) throw new Error(`npm pack says ${output}`)
  return join(folder, packed.filename)
}

/** Installs the tarball under a name, beside Fastify, a version of @fastify/cookie and more packages, and brings the fixtures. */
export async function install (folder: string, tarball: string, name: string, cookieVersion: string, more: readonly string[] = []): Promise<void> {
  await mkdir(folder)
  const { devDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({
    name: 'app',
    private: true,
    type: 'module',
    dependencies: {
      [name]: `file:${tarball}`,
      fastify: devDependencies.fastify,
      '@fastify/cookie': cookieVersion,
      ...Object.fromEntries(more.map(name => [name, devDependencies[name]]))
    }
  }))
  await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'])

  await cp(fixtures, folder, { recursive: true })
  for (const file of await readdir(fixtures, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const copied = join(folder, join(file.parentPath, file.name).slice(fixtures.length))
    await writeFile(copied, (await readFile(copied, 'utf8')).replaceAll(ownName, name))
  }
}
