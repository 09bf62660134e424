// The chart of the README: what a session adds to a request.
import { added } from './bars.js'

const SIDES = [
  ['ours', 'fastify-sealed-session', '#2563eb'],
  ['peer', '@fastify/secure-session', '#94a3b8'],
  ['fastify-session', '@fastify/session (memory)', '#cbd5e1']
]
const TASKS = [['untouched', 'session not used'], ['read', 'session read'], ['write', 'session written']]

const WIDTH = 720
const TOP = 88
const LEFT = 160
const BAR = 18
const STEP = BAR + 4
const GROUP = SIDES.length * STEP + 18

const text = (x, y, content, attributes = '') => `<text x="${x.toFixed(1)}" y="${y}"${attributes}>${content}</text>`
const rect = (x, y, width, height, colour) => `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${height}" rx="3" fill="${colour}"/>`

/** Less than nothing is possible: our cookie plugin parses a header only when somebody asks. */
function label (value) {
  return `${value.toFixed(1).replace('-', '−')} µs`
}

// It has a background of its own: GitHub shows it on white and on black.
export function chart (results) {
  const value = (task, side) => added(results, task, side)
  const most = Math.max(...TASKS.flatMap(([task]) => SIDES.map(([side]) => value(task, side))))
  const scale = (WIDTH - LEFT - 90) / most
  const bars = TASKS.flatMap(([task, name], group) => SIDES.map(([side, , colour], index) => {
    const y = TOP + group * GROUP + index * STEP
    const width = Math.max(1, value(task, side) * scale)
    return rect(LEFT, y, width, BAR, colour) + text(LEFT + width + 8, y + 14, label(value(task, side)))
  }).concat(text(16, TOP + group * GROUP + STEP + 14, name)))
  const legend = SIDES.map(([, name, colour], index) => rect(16 + index * 225, 46, 12, 12, colour) + text(34 + index * 225, 57, name))
  const height = TOP + TASKS.length * GROUP
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Time that a session adds to a request, in microseconds" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#1e293b">
<rect width="${WIDTH}" height="${height}" rx="8" fill="#f8fafc"/>
${text(16, 28, 'What a session adds to a request, over @fastify/cookie alone (less is better)', ' font-weight="600"')}
${[...legend, ...bars].join('\n')}
</svg>
`
}
