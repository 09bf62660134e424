// The chart of the README: what a session adds to a request.
import { added } from './bars.js'

const SIDES = [
  ['ours', 'fastify-sealed-session', '#2563eb'],
  ['peer', '@fastify/secure-session', '#94a3b8'],
  ['fastify-session', '@fastify/session (memory)', '#cbd5e1']
]
const TASKS = [['untouched', 'session not touched'], ['read', 'session read'], ['write', 'session written']]

const WIDTH = 720
const LEFT = 190
const BAR = 18
const GROUP = SIDES.length * (BAR + 4) + 26

export function chart (results) {
  const value = (task, side) => Math.max(0, added(results, task, side))
  const most = Math.max(...TASKS.flatMap(([task]) => SIDES.map(([side]) => value(task, side))))
  const scale = (WIDTH - LEFT - 90) / most
  const bars = TASKS.flatMap(([task, label], group) => SIDES.map(([side, name, colour], index) => {
    const y = 56 + group * GROUP + index * (BAR + 4)
    const width = Math.max(1, value(task, side) * scale)
    const heading = index === 0 ? `<text x="16" y="${y + 13}" font-weight="600">${label}</text>` : ''
    return `${heading}<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" fill="${colour}"><title>${name}</title></rect>` +
      `<text x="${(LEFT + width + 8).toFixed(1)}" y="${y + 13}">${value(task, side).toFixed(1)} µs</text>`
  }))
  const legend = SIDES.map(([, name, colour], index) =>
    `<rect x="${16 + index * 220}" y="14" width="12" height="12" rx="3" fill="${colour}"/><text x="${34 + index * 220}" y="24">${name}</text>`)
  const height = 56 + TASKS.length * GROUP
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Time that a session adds to a request, over an app with @fastify/cookie, in microseconds" font-family="system-ui, sans-serif" font-size="13" fill="#334155">
<rect width="${WIDTH}" height="${height}" rx="8" fill="#f8fafc"/>
${[...legend, ...bars].join('\n')}
</svg>
`
}
