// Where a request spends its time over real HTTP, beside one without a session and one of the peer: CPU time that is measured
// without the profiler, in the shares that it gives.
import { SESSIONS } from './data.js'
import { GROUPS, groupOf, placeOf } from './profile-groups.js'
import { LoadServer } from './load-server.js'

/** CPU microseconds that a request takes, and the places in the code that it spends them in. */
async function profileOf (side, task, { seconds, profileMs }) {
  const server = await LoadServer.start(side)
  const cookie = await server.login(SESSIONS['170 B'])
  const load = { cookie, seconds }
  await server.load(`/${task}`, load) // it is warm then
  const { cpu } = await server.load(`/${task}`, load)
  const [places] = await Promise.all([server.profile(profileMs), server.load(`/${task}`, { cookie, seconds: profileMs / 1000 })])
  await server.stop()
  const busy = places.filter(({ functionName }) => !['(idle)', '(root)'].includes(functionName))
  const total = busy.reduce((sum, { time }) => sum + time, 0)
  return { side, cpu, places: busy.map(place => ({ ...place, group: groupOverHttp(place), us: place.time / total * cpu })) }
}

const MORE_GROUPS = { node: "Node's HTTP, streams and timers", kernel: 'system calls and the rest of the process' }

function groupOverHttp (place) {
  const { functionName, url } = place
  if (/^node:(?!buffer|internal\/assert|assert)/.test(url)) return 'node'
  if (url === '' && /^(writev|writeUtf8String|writeLatin1String|\(program\)|readStart|getAsyncId)$/.test(functionName)) return 'kernel'
  return groupOf(place)
}

const us = value => value.toFixed(2)

function table (profiles) {
  const rows = Object.entries({ ...MORE_GROUPS, ...GROUPS }).map(([group, name]) => {
    const times = profiles.map(({ places }) => places.filter(place => place.group === group).reduce((sum, place) => sum + place.us, 0))
    return `| ${name} | ${times.map(us).join(' | ')} |`
  })
  return `| µs of CPU a request | ${profiles.map(({ side }) => side).join(' | ')} |
| --- |${profiles.map(() => ' --- |').join('')}
${rows.join('\n')}
| **together** | ${profiles.map(({ cpu }) => us(cpu)).join(' | ')} |`
}

function topTable ({ places }, floor) {
  const before = new Map(floor.places.map(place => [placeOf(place), place.us]))
  const rows = places.map(place => ({ ...place, more: place.us - (before.get(placeOf(place)) ?? 0) })).sort((a, b) => b.more - a.more).slice(0, 15)
  return `| function, self time | group | µs a request, over the floor |\n| --- | --- | --- |\n${rows.map(place => `| ${placeOf(place)} | ${{ ...GROUPS, ...MORE_GROUPS }[place.group]} | ${us(place.more)} |`).join('\n')}`
}

/** Text about requests that read their session, and that write it, of the floor, of us and of the peer. */
export async function loadProfileReport (plan) {
  const texts = []
  for (const task of ['read', 'write']) {
    const profiles = []
    for (const side of ['floor', 'ours', 'peer']) profiles.push(await profileOf(side, task, plan))
    const [floor, ours] = profiles
    texts.push(`### A ${task}\n\n${table(profiles)}\n\n${topTable(ours, floor)}\n`)
  }
  return `## Over real HTTP

A server process and wrk with 20 connections, ${plan.seconds} s each. CPU time as the system counts it, user and system; the shares of it
are those of the profiler. "floor" is the app with @fastify/cookie alone, "peer" @fastify/secure-session.

${texts.join('\n')}`
}
