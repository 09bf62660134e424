// The chart of docs/evidence/reliability.md: latency and memory over time, with what was done to the servers.
const WIDTH = 720
const LEFT = 64
const RIGHT = 16
const PANEL = 170
const LATENCY_TOP = 84
const MEMORY_TOP = LATENCY_TOP + PANEL + 62
const HEIGHT = MEMORY_TOP + PANEL + 44
const MB = 2 ** 20
const STEP = 50 // MB

const COLOURS = { max: '#cbd5e1', p99: '#f59e0b', p50: '#2563eb', A: '#2563eb', B: '#0f766e', outage: '#fecaca', rotation: '#64748b', grid: '#e2e8f0' }

const number = value => String(Math.round(value * 10) / 10)
const text = (x, y, content, attributes = '') => `<text x="${number(x)}" y="${number(y)}"${attributes}>${content}</text>`
const lineOf = (x1, y1, x2, y2, colour) => `<line x1="${number(x1)}" y1="${number(y1)}" x2="${number(x2)}" y2="${number(y2)}" stroke="${colour}"/>`
const rect = (x, y, width, height, colour) => `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" fill="${colour}"/>`

function curve (points, colour, attributes = '') {
  return `<polyline fill="none" stroke="${colour}" stroke-width="1.5"${attributes} points="${points.map(point => point.map(number).join()).join(' ')}"/>`
}

/** Powers of ten from the one below the least value to the one above the most. */
function logScale (values, top) {
  const [least, most] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  const y = value => top + PANEL - (Math.log10(value) - least) / (most - least) * PANEL
  return { y, ticks: Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index)) }
}

function linearScale (values, top) {
  const steps = Math.ceil(Math.max(...values) / STEP)
  return { y: value => top + PANEL - value / (steps * STEP) * PANEL, ticks: Array.from({ length: steps + 1 }, (_, index) => index * STEP) }
}

function axis ({ y, ticks }) {
  return ticks.map(tick => lineOf(LEFT, y(tick), WIDTH - RIGHT, y(tick), COLOURS.grid) + text(LEFT - 8, y(tick) + 4, number(tick), ' text-anchor="end"')).join('')
}

const key = (x, y, colour, name, attributes = '') => `<line x1="${x}" y1="${y - 4}" x2="${x + 18}" y2="${y - 4}" stroke="${colour}" stroke-width="2"${attributes}/>${text(x + 24, y, name)}`

export function soakChart ({ plan, start, ledger: { samples }, incidents }) {
  const end = samples.at(-1).at
  const x = seconds => LEFT + seconds / end * (WIDTH - LEFT - RIGHT)
  const at = time => Math.min((time - start) / 1000, end)
  const latency = logScale(samples.flatMap(({ p50, max }) => [p50, max]), LATENCY_TOP)
  const memory = linearScale(samples.flatMap(({ A, B }) => [A.rss / MB, B.rss / MB]), MEMORY_TOP)
  const bands = incidents.outages.flatMap(({ from, to }) => [LATENCY_TOP, MEMORY_TOP].map(top =>
    rect(x(at(from)), top, Math.max(1, x(at(to)) - x(at(from))), PANEL, COLOURS.outage)))
  const rotations = incidents.rotations.flatMap(time => [LATENCY_TOP, MEMORY_TOP].map(top =>
    lineOf(x(at(time)), top + PANEL, x(at(time)), top + PANEL + 5, COLOURS.rotation)))
  const minutes = Array.from({ length: Math.floor(plan.minutes / step(plan)) + 1 }, (_, index) => index * step(plan))
  const curves = [
    ...['max', 'p99', 'p50'].map(name => curve(samples.map(sample => [x(sample.at), latency.y(sample[name])]), COLOURS[name])),
    ...['A', 'B'].flatMap(name => [
      curve(samples.map(sample => [x(sample.at), memory.y(sample[name].rss / MB)]), COLOURS[name]),
      curve(samples.map(sample => [x(sample.at), memory.y(sample[name].heapUsed / MB)]), COLOURS[name], ' stroke-dasharray="3 3"')
    ])
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Latency and memory of two processes over ${plan.minutes} minutes" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#1e293b">
<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#f8fafc"/>
${text(16, 26, `${plan.minutes} minutes of mixed traffic, ${plan.rate} requests a second to two processes`, ' font-weight="600" font-size="13"')}
${rect(16, 36, 18, 10, COLOURS.outage)}${text(40, 46, 'Redis away')}${lineOf(130, 36, 130, 46, COLOURS.rotation)}${text(138, 46, 'key rotated')}
${text(16, LATENCY_TOP - 12, 'Latency in ms', ' font-weight="600"')}${key(160, LATENCY_TOP - 12, COLOURS.p50, 'median')}${key(260, LATENCY_TOP - 12, COLOURS.p99, '99 %')}${key(340, LATENCY_TOP - 12, COLOURS.max, 'slowest in 10 s')}
${text(16, MEMORY_TOP - 12, 'Memory in MB', ' font-weight="600"')}${key(160, MEMORY_TOP - 12, COLOURS.A, 'process A, resident')}${key(310, MEMORY_TOP - 12, COLOURS.B, 'process B, resident')}${key(460, MEMORY_TOP - 12, COLOURS.A, 'A and B, heap in use', ' stroke-dasharray="3 3"')}
${bands.join('\n')}
${axis(latency)}${axis(memory)}
${rotations.join('')}
${curves.join('\n')}
${[LATENCY_TOP, MEMORY_TOP].map(top => minutes.map(minute => text(x(minute * 60), top + PANEL + 20, String(minute), ' text-anchor="middle"')).join('')).join('')}
${text(WIDTH - RIGHT, HEIGHT - 8, 'minutes', ' text-anchor="end"')}
</svg>
`
}

/** Minutes between two marks of the axis. */
function step ({ minutes }) {
  return minutes >= 20 ? 5 : 1
}
