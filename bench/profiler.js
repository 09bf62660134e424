// Where a function spends its time, by V8's sampling profiler.
import { Session } from 'node:inspector/promises'

const INTERVAL_US = 100

/** Runs a function again and again for some milliseconds; the microseconds of each place in the code. */
export async function profile (run, ms) {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
  await session.post('Profiler.start')
  const end = performance.now() + ms
  while (performance.now() < end) await run()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return selfTimes(profile)
}

function selfTimes ({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const places = new Map()
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = frames.get(id)
    const place = `${functionName} ${url}:${lineNumber}`
    // A delta is the time before its sample; the time after it is the next one's.
    const time = timeDeltas[index + 1] ?? 0
    const known = places.get(place)
    if (known === undefined) places.set(place, { functionName, url, line: lineNumber + 1, time })
    else known.time += time
  })
  return [...places.values()]
}
