// Turns the profiles into text, with what follows from them.
import { BARS } from './bars.js'
import { commit, machine, today } from './environment.js'
import { GROUPS, groupOf, placeOf } from './profile-groups.js'

const us = value => value.toFixed(2)
const percent = share => `${(share * 100).toFixed(1)} %`
const sum = values => values.reduce((total, value) => total + value, 0)

/** Each place with its group and its microseconds of a request. */
function scaled ({ ours, places }) {
  const total = sum(places.map(({ time }) => time))
  return places.map(place => ({ ...place, group: groupOf(place), us: place.time / total * ours })).sort((a, b) => b.us - a.us)
}

function timeOf (places, ...groups) {
  return sum(places.filter(({ group }) => groups.includes(group)).map(({ us }) => us))
}

function groupTable (places, ours) {
  const rows = Object.entries(GROUPS).map(([group, name]) => {
    const time = timeOf(places, group)
    return `| ${name} | ${us(time)} | ${percent(time / ours)} |`
  })
  return `| | µs a request | share |\n| --- | --- | --- |\n${rows.join('\n')}\n| **together** | ${us(ours)} | |`
}

function topTable (places, ours) {
  const rows = places.slice(0, 15).map(place => `| ${placeOf(place)} | ${GROUPS[place.group]} | ${us(place.us)} | ${percent(place.us / ours)} |`)
  return `| function, self time | group | µs a request | share |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
}

/** What the bar leaves for the code of a session, and what that code takes. */
function conclusion ({ task, floor, ours, peer }, places) {
  const bar = BARS[task]
  const allowed = floor + bar * (peer - floor)
  const around = timeOf(places, 'fastify', 'harness')
  const primitives = timeOf(places, 'sodium', 'json', 'base64')
  const left = allowed - around - primitives
  const own = timeOf(places, 'token', 'cookie', 'session')
  const rest = ours - around - primitives - own
  const verdict = left <= 0
    ? `That is ${us(-left)} µs more than the bar allows, before a session has done anything of its own: with these three called as they are, the bar cannot be reached in process.`
    : `That leaves ${us(left)} µs, ${percent(left / ours)} of what a ${task} takes now, for finding and checking the cookie, for the session and for the garbage of all of them. ${ours <= allowed ? 'It is enough.' : 'Our code would have to do its work in that.'}`
  return `- A **${task}**: ours ${us(ours)} µs, the peer ${us(peer)} µs, the floor ${us(floor)} µs. The bar of ${bar} allows
  ${us(floor)} + ${bar} × ${us(peer - floor)} = **${us(allowed)} µs**.
  Fastify and the harness take ${us(around)} µs; libsodium, JSON and base64 take ${us(primitives)} µs, which is ${percent(primitives / ours)}
  of the request and ${percent(primitives / (ours - around))} of all that is not Fastify or the harness. Together ${us(around + primitives)} µs.
  ${verdict}
  Our own code (token, cookie, session) takes ${us(own)} µs; @fastify/cookie, the garbage collector and what
  could not be told apart take ${us(rest)} µs.`
}

export function profileReport (tasks, plan) {
  const sections = tasks.map(task => {
    const places = scaled(task)
    return { conclusion: conclusion(task, places), text: `## A ${task.task}\n\n${groupTable(places, task.ours)}\n\n${topTable(places, task.ours)}\n` }
  })
  return `# Results of \`npm run bench:profile\`

${today()}, ${machine()}, commit ${commit()}.

V8's profiler, a sample every 100 µs for ${plan.profileMs / 1000} s, in a fresh process for each task that was warm before it
started. It gives shares; the microseconds are these shares of the time measured without it, the
fastest burst of ${plan.starts} starts. Time counts for the function that was running, not for its callers.

## What follows

${sections.map(({ conclusion }) => conclusion).join('\n')}

No code of a session avoids libsodium, JSON and base64, but the way to call them is ours to choose:
the time "libsodium" takes includes the way from JavaScript into the addon and back, "base64 and text"
the way through Node's \`Buffer\`. Both sides call the same addon, so the peer pays for it as well.

${sections.map(({ text }) => text).join('\n')}`
}
