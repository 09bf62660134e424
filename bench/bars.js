// The bars: each a ratio of one run, what it is now, and whether it holds.

/** The most that a request may add, as a share of what the peer adds. */
export const BARS = { untouched: 0.05, read: 0.35, write: 0.35 }

/** The most that the web entry may take, of the time of each package that seals in the same runtimes. */
const WEB_BAR = 0.1

/** The most that a token may take: of the limit, and of opening a valid one. */
export const TOKEN_BARS = { decode: 1.25, encode: 1.25, reject: 1 }

/** What a side adds to a request, over the app that only has @fastify/cookie. */
export function added (results, task, side) {
  return results.tasks[task][side].best - results.tasks[task].floor.best
}

/** The bytes that a side allocates for a request, over the same app. */
export function addedBytes (results, task, side) {
  return results.allocation[task][side] - results.allocation[task].floor
}

const LEAST_STEPS = { read: ['decode 170_B'], write: ['decode 170_B', 'encode 170_B'] }

/**
 * What a request would add if its session cost no more than libsodium, JSON and base64 on prepared
 * buffers: a request of ours that does not touch its session, and the steps of the limit.
 */
export function leastAdded ({ tasks }, task) {
  const steps = LEAST_STEPS[task].map(step => tasks[step].limit.best)
  return steps.reduce((sum, step) => sum + step, tasks.untouched.ours.best) - tasks[task].floor.best
}

/** Microseconds that a bar leaves for everything else a session does; less than none is possible. */
export function leftByBar (results, task) {
  return BARS[task] * added(results, task, 'peer') - leastAdded(results, task)
}

export function bars (results) {
  const { tasks, wire, register } = results
  const keys = tasks['decode 170_B keys']
  const ofPeer = (task, time = added(results, task, 'ours')) => time / added(results, task, 'peer')
  const bytes = (task, side) => addedBytes(results, task, side) / addedBytes(results, task, 'peer')
  const token = task => ({ what: task.replace('_', ' '), value: tasks[task].ours.best / tasks[task].limit.best, bar: TOKEN_BARS[task.split(' ')[0]], of: 'of the limit' })
  return [
    { what: 'time added to a request that never touches its session', value: ofPeer('untouched'), bar: BARS.untouched, of: 'of what the peer adds' },
    { what: 'time added to a request that reads it', value: ofPeer('read'), bar: BARS.read, of: 'of what the peer adds', least: ofPeer('read', leastAdded(results, 'read')) },
    { what: 'time added to a request that writes it', value: ofPeer('write'), bar: BARS.write, of: 'of what the peer adds', least: ofPeer('write', leastAdded(results, 'write')) },
    ...['170_B', '1_KB', '2.8_KB'].flatMap(size => [token(`encode ${size}`), token(`decode ${size}`)]),
    { what: 'cookie on the wire', value: wire.ours / wire.peer, bar: 0.98, of: "of the peer's bytes" },
    { what: "cookie on the wire, format 'sealed'", value: wire.sealed / wire.peer, bar: 0.94, of: "of the peer's bytes" },
    { what: 'refusing garbage of the same length', value: tasks['reject 170_B'].ours.best / tasks['decode 170_B'].ours.best, bar: TOKEN_BARS.reject, of: 'of opening a valid cookie' },
    { what: "refusing garbage, format 'sealed'", value: tasks['reject 170_B'].sealed.best / tasks['decode 170_B'].sealed.best, bar: TOKEN_BARS.reject, of: 'of opening a valid cookie' },
    { what: "opening with the last of 100 keys, format 'sealed'", value: keys['hundred-keys'].best / keys['one-key'].best, bar: 1.1, of: 'of opening with one key' },
    { what: 'event loop blocked by registration with a secret', value: register.ours, bar: 20, of: `ms (the peer: ${register.peer.toFixed(0)})` },
    ...webBars(tasks),
    { what: 'bytes that a read allocates over the floor', value: bytes('read', 'ours'), bar: 0.5, of: "of the peer's" },
    { what: 'bytes that a write allocates over the floor', value: bytes('write', 'ours'), bar: 0.5, of: "of the peer's" },
    { what: "bytes that a read allocates over the floor, format 'sealed'", value: bytes('read', 'sealed'), bar: 0.5, of: "of the peer's" },
    { what: "bytes that a write allocates over the floor, format 'sealed'", value: bytes('write', 'sealed'), bar: 0.5, of: "of the peer's" }
  ]
}

/** The web entry, from header to header, beside sealing and opening alone in its peers; none where there is no Node for them. */
function webBars (tasks) {
  return ['encode', 'decode'].flatMap(kind => {
    const sides = tasks[`${kind} 170_B web`]
    if (sides === undefined) return []
    return ['iron-session', 'h3'].map(peer => ({ what: `${kind === 'encode' ? 'sealing' : 'opening'} with the web entry, 170 B`, value: sides.web.best / sides[peer].best, bar: WEB_BAR, of: `of ${peer}'s time` }))
  })
}
