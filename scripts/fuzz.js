// Runs the fuzzer over the targets in fuzz/, all of them or those that are named; see docs/evidence/fuzzing.md.
//
//   npm run fuzz -- [TARGET…] [--runs=N] [--seconds=N] [--max-bytes=N] [--keep]
//
//   --runs=N       executions a target, 100000 unless something else is said
//   --seconds=N    seconds a target
//   --max-bytes=N  of an input, 4096 unless something else is said
//   --keep         put what was found on the way into fuzz/corpus/
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileFiles } from './compile.js'
import { readCorpus, targets, urlOf } from '../fuzz/support/corpus.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const work = join(root, 'fuzz', 'work')
/** What is instrumented: our own code, in the build that the targets load. */
const BUILD = join('fuzz', 'build')

compileFiles(root, join(root, BUILD))

const jazzer = createRequire(import.meta.url).resolve('@jazzer.js/core/dist/cli.js')

/** What runs Node: words that begin with a program, where its own C library is too old for the fuzzer. */
const node = process.env.FUZZ_NODE ? process.env.FUZZ_NODE.split(' ') : [process.execPath]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    seconds: { type: 'string' },
    'max-bytes': { type: 'string', default: '4096' },
    keep: { type: 'boolean', default: false }
  }
})

/** Why the fuzzer cannot be loaded, or null. */
function missing () {
  const [program, ...args] = node
  const { status, stderr, error } = spawnSync(program, [...args, '-e', "require('@jazzer.js/fuzzer')"], { cwd: root, encoding: 'utf8' })
  if (status === 0) return null
  return error?.message ?? /^.*(?:GLIBC|Error:).*$/m.exec(stderr)?.[0] ?? stderr
}

const HELP = `\
The binaries of @jazzer.js/fuzzer are for Linux with glibc 2.38 or later (Debian 13, Ubuntu 24.04) and
macOS, on x64 and arm64, and for Windows on x64. What can be done:

- npm run test:unit fuzz    replays the corpus and runs fast-check over all targets, on any machine
- a container of a newer system: docker run -v "$PWD:/app" -w /app node:22-trixie npm run fuzz
- the libraries of one, unpacked into a folder, and FUZZ_NODE with the words that start Node on them:
  FUZZ_NODE="$DIR/ld-linux-x86-64.so.2 --library-path $DIR $(readlink -f "$(which node)")" npm run fuzz
`

/** Writes what a target begins with into a folder, as the fuzzer reads it. */
async function seed (target, folder) {
  const { seeds } = await import(urlOf(target).href)
  mkdirSync(folder, { recursive: true })
  for (const input of [...seeds, ...readCorpus(target)]) {
    writeFileSync(join(folder, createHash('sha1').update(input).digest('hex')), input)
  }
}

/** Runs Jazzer.js and hands on what it writes. @returns its exit code. */
async function run (args, env, log) {
  const [program, ...words] = node
  const child = spawn(program, [...words, jazzer, ...args], { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      process.stderr.write(chunk)
      appendFileSync(log, chunk)
    })
  }
  return await new Promise(resolve => { child.on('close', resolve) })
}

async function fuzz (target) {
  const folder = join(work, target)
  const log = join(work, `${target}.log`)
  rmSync(log, { force: true })
  await seed(target, folder)
  const { fuzz } = await import(urlOf(target).href)
  const isAsync = fuzz.constructor.name === 'AsyncFunction'
  const limits = values.seconds === undefined ? `-runs=${values.runs ?? 100_000}` : `-max_total_time=${values.seconds}`
  const common = ['-i', BUILD, ...isAsync ? [] : ['--sync']]
  const status = await run([fileURLToPath(urlOf(target)), folder, ...common, '--', limits,
    `-max_len=${values['max-bytes']}`, '-rss_limit_mb=1024', '-print_final_stats=1', `-artifact_prefix=${work}/finding-${target}-`
  ], {}, log)
  if (status === 0 && values.keep) {
    const minimise = join(root, 'fuzz', 'support', 'minimise.js')
    await run([minimise, '-i', BUILD, '--', '-runs=0'], { FUZZ_TARGET: target, FUZZ_FOLDER: folder }, log)
  }
  return status
}

async function main () {
  const reason = missing()
  if (reason !== null) {
    process.stderr.write(`The fuzzer cannot be loaded: ${reason.trim()}\n\n${HELP}`)
    return 1
  }
  const unknown = positionals.find(name => !targets().includes(name))
  if (unknown !== undefined) {
    process.stderr.write(`There is no target "${unknown}". There are: ${targets().join(', ')}.\n`)
    return 2
  }
  for (const target of positionals.length === 0 ? targets() : positionals) {
    const status = await fuzz(target)
    if (status !== 0) {
      process.stderr.write(`\n${target}: a finding, or the fuzzer has failed; the input is in fuzz/work/\n`)
      return 1
    }
  }
  return 0
}

process.exitCode = await main()
