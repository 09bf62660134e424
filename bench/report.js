// Turns the figures of a run into text.
import { addedBytes, bars } from './bars.js'
import { commit, machine, today, version } from './environment.js'

const PACKAGES = ['fastify', '@fastify/cookie', '@fastify/secure-session', 'sodium-native', '@fastify/session', '@mgcrea/fastify-session', 'iron-session', 'h3', 'jose']

const NAMES = {
  limit: 'limit (raw libsodium + JSON + base64)',
  floor: 'floor (@fastify/cookie only)',
  ours: '**fastify-sealed-session**',
  sealed: "**fastify-sealed-session**, format `'sealed'`",
  wasm: 'fastify-sealed-session, libsodium as WebAssembly',
  cache: 'fastify-sealed-session, `cache: true`',
  'sealed-cache': "format `'sealed'`, `cache: true`",
  'one-key': "format `'sealed'`, one key",
  'hundred-keys': "format `'sealed'`, the last of 100 keys",
  device: "format `'sealed'`, bound to a device (ES256)",
  'device-rs256': "format `'sealed'`, bound to a device (RS256)",
  'device-unbound': "format `'sealed'`, `deviceBinding` registered, not bound",
  peer: '@fastify/secure-session',
  'fastify-session': '@fastify/session (memory)',
  mgcrea: '@mgcrea/fastify-session (memory)',
  web: '**fastify-sealed-session/web**',
  'iron-session': 'iron-session',
  h3: 'h3',
  jose: 'jose (JWE, dir + A256GCM)'
}

/** The sides that the bars are made of. */
const QUOTED = ['floor', 'ours', 'peer', 'limit']

const nameOf = side => NAMES[side] ?? side
const times = value => value.toFixed(2)
const percent = share => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
const row = cells => `| ${cells.join(' | ')} |`

function table (head, rows) {
  return [head, head.map(() => '---'), ...rows].map(row).join('\n')
}

function barTable (results) {
  const rows = bars(results).map(({ what, value, bar, of }) => [what, `${times(value)} ${of}`, `at most ${bar}`, value <= bar ? 'holds' : '**does not hold**'])
  return table(['what', 'measured', 'bar', 'result'], rows)
}

/** A table with the tasks as columns and the sides as rows. */
function taskTable (results, names, corner, cell) {
  const sides = [...new Set(names.flatMap(name => Object.keys(results.tasks[name])))]
  const cells = side => names.map(name => {
    const figures = results.tasks[name][side]
    return figures === undefined ? '–' : cell(figures)
  })
  return table([corner, ...names.map(name => name.replace('_', ' '))], sides.map(side => [nameOf(side), ...cells(side)]))
}

const timeCell = ({ best, worst }) => `${times(best)} (+${Math.round((worst / best - 1) * 100)} %)`

function figures (results) {
  return Object.entries(results.tables).map(([title, names]) => `### ${title}\n\n${taskTable(results, names, 'µs', timeCell)}\n`).join('\n')
}

function byteTable (results) {
  const { wire, allocation } = results
  const total = (task, side) => allocation[task][side]?.toFixed(0) ?? '–'
  const over = (task, side) => side === 'floor' || allocation[task][side] === undefined ? '–' : addedBytes(results, task, side).toFixed(0)
  const rows = ['floor', 'ours', 'sealed', 'peer', 'iron-session', 'jose'].map(side => [
    nameOf(side), wire[side]?.toFixed(0) ?? '–',
    total('read', side), over('read', side), total('write', side), over('write', side)
  ])
  return table(['', 'cookie on the wire, mean', 'allocated for a read', 'of that over the floor', 'for a write', 'of that over the floor'], rows)
}

function repeatability (results) {
  const quoted = Object.entries(results.tasks).flatMap(([task, sides]) =>
    QUOTED.filter(side => side in sides).map(side => ({ task, side, halves: sides[side].halves })))
  const largest = quoted.reduce((a, b) => a.halves > b.halves ? a : b)
  const above = quoted.filter(({ halves }) => halves > 0.1).length
  const where = `${percent(largest.halves)} (${largest.side}, ${largest.task.replace('_', ' ')})`
  return above === 0
    ? `Among the sides that the bars are made of (${QUOTED.join(', ')}) that is at most ${where}: within 10 %.`
    : `Among the sides that the bars are made of (${QUOTED.join(', ')}) that is at most ${where}, and ${above} of ${quoted.length} figures are not within 10 %: run it again on a quieter machine.`
}

export function report (results) {
  const { plan } = results
  return `# Results of \`npm run bench\`

${today()}, ${machine()}, commit ${commit()}.
${PACKAGES.map(name => `${name} ${version(name)}`).join(', ')}.

Every time quoted here is the fastest of ${plan.rounds} bursts in the fastest of ${plan.starts} starts, in microseconds an
operation, sides taking turns; in brackets by how much the slowest start was slower. Absolute
figures mean little elsewhere; the ratios do. [README.md](README.md) tells how it is measured.

## Bars

${barTable(results)}

The limit is raw libsodium, JSON and base64 on prepared buffers, in a tight loop around warm code, which a request is not.
[PROFILE.md](PROFILE.md) shows where the time goes.

"Blocked by registration" is the longest pause of the event loop in the worst of the starts.

## Figures

${figures(results)}
### Bytes

${byteTable(results)}

## Repeatability

By how much the best of the odd and the best of the even starts differ.
${repeatability(results)}

${taskTable(results, Object.keys(results.tasks), 'best of each half', ({ halves }) => percent(halves))}
`
}
