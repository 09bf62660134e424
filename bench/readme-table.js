// The table of the README, out of a run: what a session costs, beside other packages.
import { readFileSync, writeFileSync } from 'node:fs'
import { added } from './bars.js'
import { machine, today } from './environment.js'

const README = new URL('../README.md', import.meta.url)
const BETWEEN = /(<!-- made by "npm run bench" -->\n)[^]*(<!-- end of what "npm run bench" made -->)/

/** The columns; ours is in the format that the README takes. */
const SIDES = ['sealed', 'peer', 'iron-session', 'fastify-session']

export function intoReadme (results) {
  const readme = readFileSync(README, 'utf8')
  if (!BETWEEN.test(readme)) throw new Error('the README has no place for the table of the benchmark')
  // A function, since a replacement text would have `$` mean something.
  writeFileSync(README, readme.replace(BETWEEN, (_, start, end) => `${start}${readmeTable(results)}${end}`))
}

export function readmeTable (results) {
  const { tasks, wire, register } = results
  const adds = task => side => tasks[task][side] && micros(added(results, task, side))
  const takes = task => side => tasks[task][side] && micros(tasks[task][side].best)
  const rows = [
    ['a request that does not use its session', adds('untouched')],
    ['a request that reads it', adds('read')],
    ['a request that writes it', adds('write')],
    ['to seal 170 bytes of JSON ¹', takes('encode 170_B iron')],
    ['to open that again ¹', takes('decode 170_B iron')],
    ['its cookie on the wire', side => wire[side] && `${wire[side].toFixed(0)} bytes`],
    ['event loop blocked at start by a passphrase', side => blocked(register[side === 'sealed' ? 'ours' : side])]
  ]
  return `| | fastify-sealed-session | @fastify/secure-session | iron-session | @fastify/session (in memory) |
| --- | --- | --- | --- | --- |
${rows.map(([what, cell]) => `| ${[what, ...SIDES.map(side => cell(side) ?? '–')].join(' | ')} |`).join('\n')}

A request's times are added to those of an app that only has \`@fastify/cookie\`. This package parses cookies when your
code asks for them. "–": the package lacks it, or has it only within a request. Compare within a row only. Measured on
${today()} with ${machine()}.

¹ All packages on Node.js ${results.ironNode.version}: iron-session asks for a newer one than this package. It takes
${timesOurs(tasks)} times as long as this package to seal or to open 170 bytes to 2.8 KB.
`
}

/** The least and the most times, such as `30 to 80`, that iron-session takes of our time for a token that is valid. */
function timesOurs (tasks) {
  const ratios = Object.entries(tasks)
    .filter(([task]) => /^(encode|decode) .* iron$/.test(task))
    .map(([, sides]) => sides['iron-session'].best / sides.sealed.best)
  return `${Math.min(...ratios).toFixed(0)} to ${Math.max(...ratios).toFixed(0)}`
}

const micros = time => time > 0 ? `${time.toFixed(1)} µs` : 'nothing'
const blocked = time => time && `${time.toFixed(0)} ms`
