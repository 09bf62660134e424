// Turns the figures of a run into text.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'

const require = createRequire(import.meta.url)

const NAMES = {
  limit: 'limit (raw libsodium + JSON + base64)',
  floor: 'floor (@fastify/cookie only)',
  ours: '**fastify-sealed-session**',
  peer: '@fastify/secure-session',
  'fastify-session': '@fastify/session (memory)',
  mgcrea: '@mgcrea/fastify-session (memory)',
  'iron-session': 'iron-session',
  jose: 'jose (JWE, dir + A256GCM)'
}

const us = value => value.toFixed(2)
const times = value => value.toFixed(2)

/** What a side adds to a request, over the app that only has @fastify/cookie. */
export function added (results, task, side) {
  return results.tasks[task][side].best - results.tasks[task].floor.best
}

/** The bars: each a ratio of this run, what it is now, and whether it holds. */
export function bars (results) {
  const { tasks, wire, register, allocation } = results
  const share = task => added(results, task, 'ours') / added(results, task, 'peer')
  const overLimit = task => tasks[task].ours.best / tasks[task].limit.best
  const own = task => allocation[task].ours / allocation[task].peer
  return [
    ['request that never touches its session: time added', share('untouched'), 0.05, 'of what the peer adds'],
    ['request that reads it', share('read'), 0.35, "of the peer's"],
    ['request that writes it', share('write'), 0.35, "of the peer's"],
    ['encode 170 B', overLimit('encode 170_B'), 1.25, 'of the limit'],
    ['decode 170 B', overLimit('decode 170_B'), 1.25, 'of the limit'],
    ['encode 1 KB', overLimit('encode 1_KB'), 1.25, 'of the limit'],
    ['decode 1 KB', overLimit('decode 1_KB'), 1.25, 'of the limit'],
    ['encode 2.8 KB', overLimit('encode 2.8_KB'), 1.25, 'of the limit'],
    ['decode 2.8 KB', overLimit('decode 2.8_KB'), 1.25, 'of the limit'],
    ['cookie on the wire', wire.ours / wire.peer, 0.95, "of the peer's bytes"],
    ['refusing garbage of the same length', tasks['reject 170_B'].ours.best / tasks['decode 170_B'].ours.best, 1, 'of opening a valid cookie'],
    ['event loop blocked by registration with a secret', register.ours, 20, `ms (the peer: ${register.peer.toFixed(0)})`],
    ['bytes allocated for a read', own('read'), 0.5, "of the peer's"],
    ['bytes allocated for a write', own('write'), 0.5, "of the peer's"]
  ]
}

function version (name) {
  try {
    return JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version
  } catch {
    return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
  }
}

function commit () {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

function taskTable (results, names, title) {
  const sides = [...new Set(names.flatMap(name => Object.keys(results.tasks[name])))]
  const rows = sides.map(side => {
    const cells = names.map(name => {
      const figures = results.tasks[name][side]
      return figures === undefined ? '–' : `${us(figures.best)} (+${Math.round((figures.worst / figures.best - 1) * 100)} %)`
    })
    return `| ${NAMES[side]} | ${cells.join(' | ')} |`
  })
  return `### ${title}\n\n| µs | ${names.map(name => name.replace('_', ' ')).join(' | ')} |\n|---|${names.map(() => '---').join('|')}|\n${rows.join('\n')}\n`
}

export function report (results) {
  const { plan } = results
  const packages = ['fastify', '@fastify/cookie', '@fastify/secure-session', 'sodium-native', '@fastify/session', '@mgcrea/fastify-session', 'iron-session', 'jose']
  return `# Results of \`npm run bench\`

${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, commit ${commit()}.
${packages.map(name => `${name} ${version(name)}`).join(', ')}.

Microseconds of the fastest of ${plan.rounds} bursts in the fastest of ${plan.starts} starts, sides taking turns; in brackets by
how much the slowest start was slower. Absolute figures mean little elsewhere; the ratios do.

## Bars

| what | measured | bar | |
|---|---|---|---|
${bars(results).map(([what, value, bar, of]) => `| ${what} | ${times(value)} ${of} | at most ${bar} | ${value <= bar ? 'holds' : '**does not hold**'} |`).join('\n')}

## Figures

${taskTable(results, ['untouched', 'read', 'write'], 'A request, from routing to the end of the response')}
${taskTable(results, Object.keys(results.tasks).filter(name => /^(en|de)code/.test(name)), 'A token')}
${taskTable(results, ['reject 170_B'], 'A token with one character changed')}
### Bytes

| | cookie on the wire, mean | allocated for a read | for a write |
|---|---|---|---|
${['ours', 'peer', 'iron-session', 'jose'].map(side => `| ${NAMES[side]} | ${results.wire[side]?.toFixed(0) ?? '–'} | ${results.allocation.read[side]?.toFixed(0) ?? '–'} | ${results.allocation.write[side]?.toFixed(0) ?? '–'} |`).join('\n')}
`
}
