// What the soak run does, in numbers; durations are in seconds.

/** Of the app. */
export const SESSION = { expiry: 120, absoluteTimeout: 300, activateAfter: 15, cacheTtl: 2, keep: 3 }

/** Milliseconds by which the client may be wrong about when a session ends: tokens hold whole seconds. */
export const TOLERANCE = 1500

/** Of the traffic. */
export const TRAFFIC = { users: 1000, garbage: 0.05 }

/** How long after Redis is back its absence may still show: the client reconnects within half a second. */
export const RECOVERY = 3

const QUIET = 10 // minutes; a shorter run has its outages sooner

/**
 * @param args of the command line: `--minutes N`, `--rate N` requests a second, `--seed N`, `--write`
 */
export function readPlan (args) {
  const option = (name, fallback) => args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback
  const minutes = option('--minutes', 30)
  return {
    minutes,
    rate: option('--rate', 400),
    seed: option('--seed', Math.floor(Math.random() * 2 ** 32)),
    isWritten: !args.includes('--minutes') || args.includes('--write'),
    rotateEvery: 60,
    copyAfter: 3,
    outageEvery: minutes < QUIET ? [25, 45] : [180, 300],
    outageFor: [3, 8],
    sampleEvery: 10,
    collectEvery: minutes < QUIET ? 60 : 300
  }
}
