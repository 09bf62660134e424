// How long a session that one process has ended by its id is let in by the other one, under a steady flow of requests.
import { setTimeout as sleep } from 'node:timers/promises'
import { end, login, read } from './logins.js'

/** Requests for a session within `cacheTtl`: by as much less the figures are known. */
const REQUESTS_IN_TTL = 50

/** Requests a second that are sent together. */
const RATE = 500

/**
 * @param servers where sessions end, and where they are used
 * @param cacheTtl of the servers, in seconds
 * @returns `times`: milliseconds from the answer to the end of a session to the last request that was let in, for each, and
 * 0 if none was; `requests`; and what was `wrong`
 */
export async function measureElsewhere ([here, there], { cacheTtl, sessions }) {
  const pause = cacheTtl * 1000 / REQUESTS_IN_TTL
  const atOnce = Math.min(sessions, Math.max(1, Math.floor(RATE * pause / 1000)))
  const result = { times: [], requests: 0, wrong: [] }
  let left = sessions
  const followMany = async () => { while (left-- > 0) await follow(here, there, { cacheTtl, pause }, result) }
  await Promise.all(Array.from({ length: atOnce }, followMany))
  return result
}

/** Uses one session until it is refused. */
async function follow (here, there, { cacheTtl, pause }, result) {
  const session = await login(here)
  const used = performance.now()
  // Some time after its answer was asked for first, so that it ends at any moment of the time for which that is believed.
  const usedFor = cacheTtl * 1000 * (1 + Math.random())
  let ended = Infinity
  let lastIn = -Infinity
  let isEnding = false
  for (let next = used; ; next += pause) {
    await sleep(Math.max(0, next - performance.now()))
    if (!isEnding && performance.now() - used > usedFor) {
      isEnding = true
      end(here, session).then(() => { ended = performance.now() }, error => { result.wrong.push(error.message); ended = -Infinity })
    }
    const sent = performance.now()
    const answer = await read(there, session)
    result.requests++
    if (answer === 'in' && sent <= ended + cacheTtl * 1000) {
      lastIn = sent
      continue
    }
    if (answer === 'out' && isEnding) result.times.push(Math.max(0, lastIn - ended))
    else result.wrong.push(`${answer} ${Math.round(sent - ended)} ms after the end`)
    return
  }
}
