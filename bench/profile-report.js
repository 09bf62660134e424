// Turns the profiles into text, with what follows from them.
import { BARS, added, leftByBar } from './bars.js'
import { commit, machine, today } from './environment.js'
import { GROUPS, groupOf, placeOf } from './profile-groups.js'

const us = value => value.toFixed(2)
const percent = share => `${(share * 100).toFixed(1)} %`
const sum = values => values.reduce((total, value) => total + value, 0)

/** Each place with its group and its microseconds of a request. */
function scaled (places, ours) {
  const total = sum(places.map(({ time }) => time))
  return places.map(place => ({ ...place, group: groupOf(place), us: place.time / total * ours })).sort((a, b) => b.us - a.us)
}

function timeOf (places, ...groups) {
  return sum(places.filter(({ group }) => groups.includes(group)).map(({ us }) => us))
}

function groupTable (places, ours, unit = 'request') {
  const rows = Object.entries(GROUPS).map(([group, name]) => {
    const time = timeOf(places, group)
    return `| ${name} | ${us(time)} | ${percent(time / ours)} |`
  })
  return `| | µs a ${unit} | share |\n| --- | --- | --- |\n${rows.join('\n')}\n| **together** | ${us(ours)} | |`
}

function topTable (places, ours, unit = 'request') {
  const rows = places.slice(0, 15).map(place => `| ${placeOf(place)} | ${GROUPS[place.group]} | ${us(place.us)} | ${percent(place.us / ours)} |`)
  return `| function, self time | group | µs a ${unit} | share |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
}

const leftText = left => left > 0 ? `the bar leaves **${us(left)} µs**` : `the bar is **${us(-left)} µs** short of that`

/** What the bar leaves for the code of a session, counted in two ways, and what that code takes. */
function conclusion (results, task, places) {
  const [floor, ours] = ['floor', 'ours'].map(side => results.tasks[task][side].best)
  const allowed = floor + BARS[task] * added(results, task, 'peer')
  const around = timeOf(places, 'fastify', 'harness')
  const primitives = timeOf(places, 'sodium', 'json', 'base64')
  const own = timeOf(places, 'token', 'cookie', 'session')
  const rest = ours - around - primitives - own
  const lefts = [allowed - around - primitives, leftByBar(results, task)]
  return `- A **${task}** takes ${us(ours)} µs. The bar of ${BARS[task]} allows ${us(floor)} µs of the floor and ${BARS[task]} of the ${us(added(results, task, 'peer'))} µs
  that the peer adds: ${us(allowed)} µs.
  - Where the time goes: ${us(around)} µs are Fastify's and the harness's. ${us(primitives)} µs are libsodium, JSON and base64:
    ${percent(primitives / ours)} of the request. ${us(own)} µs are our own code (token, cookie, session), and ${us(rest)} µs
    @fastify/cookie, the garbage collector and what could not be told apart.
  - By this profile, with Fastify, harness, libsodium, JSON and base64 as they are, ${leftText(lefts[0])}.
    By the limit of \`npm run bench\`, which calls the same in a tight loop, ${leftText(lefts[1])}.
  - ${verdict(lefts, own + rest)}`
}

/** @param needed what all but Fastify, harness, libsodium, JSON and base64 takes now */
function verdict (lefts, needed) {
  const most = Math.max(...lefts)
  if (most <= 0) return 'By neither count can the bar be reached in process: a session that did nothing else would miss it.'
  if (most >= needed) return `That is enough for the ${us(needed)} µs that the rest takes.`
  return `So the rest, ${us(needed)} µs now, would have to be done in ${us(most)} µs at most: ${percent(most / needed)} of its time, for finding the
    cookie, undoing its escapes, checking the token, making the session and collecting all of their garbage.`
}

/** The same of a token whose bar is a ratio to another side. */
function tokenConclusion ({ what, time, bar, of, base }, places) {
  const primitives = timeOf(places, 'sodium', 'json', 'base64')
  const own = timeOf(places, 'token', 'cookie', 'session')
  return `- **${what}** takes ${us(time)} µs, ${us(time / base)} of ${of} (${us(base)} µs). The bar is ${bar}: ${us(bar * base)} µs.
  - ${us(primitives)} µs are libsodium, JSON and base64 (${percent(primitives / time)}), ${us(own)} µs our own code (${percent(own / time)}), and
    ${us(time - primitives - own)} µs the garbage collector, the harness and what could not be told apart.`
}

export function profileReport (results, profiles, tokens, plan) {
  const sections = Object.entries(profiles).map(([task, all]) => {
    const ours = results.tasks[task].ours.best
    const places = scaled(all, ours)
    return { conclusion: conclusion(results, task, places), tables: `## A ${task}\n\n${groupTable(places, ours)}\n\n${topTable(places, ours)}\n` }
  })
  for (const token of tokens) {
    const places = scaled(token.profile, token.time)
    sections.push({ conclusion: tokenConclusion(token, places), tables: `## ${token.what}\n\n${groupTable(places, token.time, 'call')}\n\n${topTable(places, token.time, 'call')}\n` })
  }
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

${sections.map(({ tables }) => tables).join('\n')}`
}
