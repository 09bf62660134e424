// Turns the profiles into text, with what follows from them.
import { BARS, leastOf, usedOf } from './bars.js'
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

/** What the bar allows, and where the time goes. */
function conclusion (results, task, places) {
  const { ours } = results.tasks[task]
  const [used, least] = [usedOf(results, task), leastOf(results, task)]
  const around = timeOf(places, 'fastify', 'harness')
  const primitives = timeOf(places, 'sodium', 'json', 'base64')
  const own = timeOf(places, 'token', 'cookie', 'session')
  return `- A **${task}** takes ${us(ours.best)} µs, ${us(used)} µs more than a request that does not use its session: ${us(used / least)} of the ${us(least)} µs
  that libsodium, JSON and base64 take in a tight loop. The bar is ${BARS[task]}: ${us(BARS[task] * least)} µs.
  - Where the time goes: ${us(around)} µs are Fastify's and the harness's. ${us(primitives)} µs are libsodium, JSON and base64:
    ${percent(primitives / ours.best)} of the request. ${us(own)} µs are our own code (token, cookie, session), and ${us(ours.best - around - primitives - own)} µs
    @fastify/cookie, the garbage collector and what could not be told apart.
  - libsodium, JSON and base64 take ${us(primitives / least)} of the limit's time in a request: they are called between other code, and not again and
    again. With them as they are, ${leftText(BARS[task] * least - primitives)} for the ${us(own)} µs of our own code.`
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
