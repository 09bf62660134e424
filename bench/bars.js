// The bars: each a ratio of one run, what it is now, and whether it holds.

/** The most that a session which is not used may add, as a share of what the peer adds. */
const UNTOUCHED_BAR = 0.05

/** The most that a read, and a write, may add to a request that does not use its session: as a share of the limit's steps. */
export const BARS = { read: 1.4, write: 1.4 }

/** The most that the web entry may take, of the time of each package that seals in the same runtimes. */
const WEB_BAR = 0.1

/** The most that a token may take: of the limit. */
export const TOKEN_BARS = { decode: 1.25, encode: 1.25 }

/** The most that refusing a changed token may take, of opening a valid one. */
export const REJECT_BARS = { ours: 1, sealed: 1.2 }

/** What a side adds to a request, over the app that only has @fastify/cookie. */
export function added (results, task, side) {
  return results.tasks[task][side].best - results.tasks[task].floor.best
}

/** The bytes that a side allocates for a request, over the same app. */
export function addedBytes (results, task, side) {
  return results.allocation[task][side] - results.allocation[task].floor
}

const LEAST_STEPS = { read: ['decode 170_B'], write: ['decode 170_B', 'encode 170_B'] }

/** Microseconds of libsodium, JSON and base64 on prepared buffers that a task needs: the limit's steps. */
export function leastOf ({ tasks }, task) {
  return LEAST_STEPS[task].reduce((sum, step) => sum + tasks[step].limit.best, 0)
}

/** Microseconds that the session of a task takes: over a request of the same app that does not use its session. */
export function usedOf ({ tasks }, task) {
  return tasks[task].ours.best - tasks.untouched.ours.best
}

export function bars (results) {
  const { tasks, wire, register } = results
  const keys = tasks['decode 170_B keys']
  const ofPeer = task => added(results, task, 'ours') / added(results, task, 'peer')
  const bytes = (task, side) => addedBytes(results, task, side) / addedBytes(results, task, 'peer')
  const token = task => ({ what: task.replace('_', ' '), value: tasks[task].ours.best / tasks[task].limit.best, bar: TOKEN_BARS[task.split(' ')[0]], of: 'of the limit' })
  return [
    { what: 'time added to a request that never touches its session', value: ofPeer('untouched'), bar: UNTOUCHED_BAR, of: 'of what the peer adds' },
    { what: 'time added to a request that reads it', value: ofPeer('read'), bar: 1, of: 'of what the peer adds' },
    { what: 'time added to a request that writes it', value: ofPeer('write'), bar: 1, of: 'of what the peer adds' },
    { what: 'what a read adds to a request that does not use its session', value: usedOf(results, 'read') / leastOf(results, 'read'), bar: BARS.read, of: 'of the limit to decode' },
    { what: 'what a write adds to it', value: usedOf(results, 'write') / leastOf(results, 'write'), bar: BARS.write, of: 'of the limit to decode and encode' },
    ...['170_B', '1_KB', '2.8_KB'].flatMap(size => [token(`encode ${size}`), token(`decode ${size}`)]),
    { what: 'cookie on the wire', value: wire.ours / wire.peer, bar: 0.98, of: "of the peer's bytes" },
    { what: "cookie on the wire, format 'sealed'", value: wire.sealed / wire.peer, bar: 0.94, of: "of the peer's bytes" },
    { what: 'refusing garbage of the same length', value: tasks['reject 170_B'].ours.best / tasks['decode 170_B'].ours.best, bar: REJECT_BARS.ours, of: 'of opening a valid cookie' },
    { what: "refusing garbage, format 'sealed'", value: tasks['reject 170_B'].sealed.best / tasks['decode 170_B'].sealed.best, bar: REJECT_BARS.sealed, of: 'of opening a valid cookie' },
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
