// Programs for runtimes that are not Node.js, as their own tools bundle them, and the runtimes that run them.
import { EdgeRuntime } from 'edge-runtime'
import { build, type Metafile } from 'esbuild'
import { Miniflare } from 'miniflare'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Conditions with which the tools of each runtime resolve packages: those of wrangler, of Next.js, and of bundlers for browsers. */
export const CONDITIONS = {
  workerd: ['workerd', 'worker', 'browser'],
  'edge-light': ['edge-light', 'worker', 'browser'],
  browser: ['browser', 'module']
} as const

export type Runtime = keyof typeof CONDITIONS

interface Bundle {
  code: string
  inputs: Metafile['inputs']
}

/** Bundle of a program in test/edge/programs, or of the text of one. */
export async function bundle (program: string, runtime: Runtime, format: 'esm' | 'iife' = 'esm'): Promise<Bundle> {
  const folder = fileURLToPath(new URL('programs/', import.meta.url))
  const { outputFiles: [file], metafile } = await build({
    ...(program.endsWith('.ts') ? { entryPoints: [join(folder, program)] } : { stdin: { contents: program, resolveDir: folder, loader: 'ts' } }),
    bundle: true,
    write: false,
    metafile: true,
    format,
    target: 'es2022',
    platform: 'browser', // nothing of Node.js: an import of it ends the build
    conditions: [...CONDITIONS[runtime]],
    logLevel: 'silent'
  })
  return { code: file?.text ?? '', inputs: metafile.inputs }
}

const running = new Set<Miniflare>()
after(async () => { await Promise.all([...running].map(async workers => { await workers.dispose() })) })

/** Exports of a program for an edge runtime, in this process. */
export async function load <Exports> (program: string): Promise<Exports> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-'))
  try {
    const file = join(folder, 'program.mjs')
    writeFileSync(file, (await bundle(program, 'workerd')).code)
    return await import(pathToFileURL(file).href) as Exports
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Answer of a program, as far as it is needed here: each runtime has its own `Response`. */
interface Answer {
  headers: { getSetCookie: () => string[] }
  text: () => Promise<string>
  json: () => Promise<unknown>
}

/** Sends a request to a program. */
export type Send = (path: string, init?: { method?: string, headers?: Record<string, string>, body?: string }) => Promise<Answer>

/** Runs a program in workerd, which runs Cloudflare Workers, until the tests of the file have ended. */
export async function inWorkerd (program: string, bindings: Record<string, string>, flags = ['nodejs_compat'], compatibilityDate = '2026-07-01'): Promise<Send> {
  const { code } = await bundle(program, 'workerd')
  const workers = new Miniflare({ modules: true, script: code, compatibilityDate, compatibilityFlags: flags, bindings, handleRuntimeStdio: (out: NodeJS.ReadableStream) => { out.resume() } })
  running.add(workers)
  await workers.ready
  return async (path, init) => await workers.dispatchFetch(`https://edge.test${path}`, init)
}

/** Runs a program in the edge runtime of Vercel, with the additions of Next.js: `Buffer`, and the environment. */
export async function inEdgeRuntime (program: string, env: Record<string, string>, additions: object = { Buffer }): Promise<Send> {
  const listen = "addEventListener('fetch', event => { event.respondWith(worker.fetch(event.request)) })"
  const text = program.endsWith('.ts') ? `import worker from './${program}'` : program.replace('export default', 'const worker =')
  const { code } = await bundle(`${text}\n${listen}`, 'edge-light', 'iife')
  const runtime = new EdgeRuntime({ initialCode: code, extend: context => Object.assign(context, additions, { process: { env } }) })
  return async (path, init) => await runtime.dispatchFetch(`https://edge.test${path}`, init)
}
