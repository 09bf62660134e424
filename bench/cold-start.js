// npm run bench:cold [-- STARTS]: import and `ready()` in a fresh process that has loaded Fastify, beside the peer, as ES
// modules and as CommonJS. The processes take turns. Medians of what a process took, its CPU time, and the quartiles.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { commit, machine, today } from './environment.js'

const program = fileURLToPath(new URL('cold-start-process.cjs', import.meta.url))
const starts = Number(process.argv[2] ?? 40)

const SIDES = { ours: 'fastify-sealed-session', peer: '@fastify/secure-session' }
const MODULES = { esm: 'import()', cjs: 'require()' }

/** Milliseconds of one start: until the plugin was imported, until the app was ready, and the CPU time of both. */
function start (side, modules) {
  return JSON.parse(execFileSync(process.execPath, [program, SIDES[side], modules], { env: { ...process.env, NODE_COMPILE_CACHE: undefined } }))
}

function quantile (values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]
}

const ms = value => value.toFixed(1)

console.log(`Commit ${commit()}, ${today()}. ${machine()}. ${starts} starts of each, in turn.\n`)
console.log('| | import, ms | import and ready(), ms | quartiles | CPU, ms |\n| --- | --- | --- | --- | --- |')
for (const modules of Object.keys(MODULES)) {
  const taken = { ours: [], peer: [] }
  for (let count = -1; count < starts; count++) {
    for (const side of Object.keys(SIDES)) {
      const times = start(side, modules)
      if (count >= 0) taken[side].push(times) // the first fills the caches of the disk
    }
  }
  const of = (side, name, share = 0.5) => quantile(taken[side].map(times => times[name]), share)
  for (const side of Object.keys(SIDES)) {
    console.log(`| ${SIDES[side]}, ${MODULES[modules]} | ${ms(of(side, 'imported'))} | ${ms(of(side, 'ready'))} | ${ms(of(side, 'ready', 0.25))} to ${ms(of(side, 'ready', 0.75))} | ${ms(of(side, 'cpu'))} |`)
  }
  const ratio = name => (of('ours', name) / of('peer', name)).toFixed(2)
  console.log(`| **ratio, ${MODULES[modules]}** | ${ratio('imported')} | **${ratio('ready')}** | | ${ratio('cpu')} |`)
}
