// One side of the benchmark, in a process of its own. Runs bursts on command and answers how long
// each took, so that sides can take turns while nothing else runs.
import { SESSIONS, variations } from './data.js'
import { cookieOf, request, requestAsync } from './request.js'

const side = await import(`./sides/${process.argv[2]}.js`)

// The floor has no session, but the same cookie to parse: one of the peer's length and escapes.
const FLOOR_COOKIE = `session=${'Ab1%2F'.repeat(9)}${'Zx9k'.repeat(56)}%3D%3B${'q7Rt'.repeat(8)}`

/** One operation of a task, or null where this side does not have it; by the first word of the task. */
const KINDS = {
  untouched: () => prepareRequest('/untouched'),
  read: () => prepareRequest('/read'),
  'read-many': () => prepareMany('/read'),
  write: () => prepareRequest('/write'),
  registration: () => prepareEndpoint('registration'),
  refresh: () => prepareEndpoint('refresh'),
  encode: async size => (await tokensOf(size))?.encode ?? null,
  decode: size => prepareDecode(size, token => token),
  reject: size => prepareDecode(size, tampered)
}

async function prepare (task) {
  const [kind, ...parameters] = task.split(' ')
  return await KINDS[kind](...parameters)
}

async function tokensOf (size) {
  return await side.tokens?.(SESSIONS[size.replace('_', ' ')])
}

async function prepareDecode (size, change) {
  const tokens = await tokensOf(size)
  if (tokens === undefined) return null
  const input = change(await tokens.encode())
  return () => tokens.decode(input)
}

async function prepareRequest (url) {
  if (side.app === undefined) return null
  const app = await side.app()
  if (side.bound !== undefined) return sender(app, url, (await side.bound()).cookie)
  const login = await requestAsync(app, `/login?data=${encodeURIComponent(JSON.stringify(SESSIONS['170 B']))}`)
  return sender(app, url, cookieOf(login) || FLOOR_COOKIE)
}

const MANY = 10_000

/** Requests of ten thousand users in turn: each comes again long after a cache has dropped its session. */
async function prepareMany (url) {
  const app = await side.app()
  const senders = []
  for (let n = 0; n < MANY; n++) {
    const login = await requestAsync(app, `/login?data=${encodeURIComponent(JSON.stringify(SESSIONS['170 B']))}`)
    senders.push(sender(app, url, cookieOf(login) || FLOOR_COOKIE))
  }
  let at = 0
  return () => senders[at++ % MANY]()
}

/** The request by which a browser binds a session, or proves its key. Nothing of it counts once, so it is sent over and over. */
async function prepareEndpoint (kind) {
  if (side.bound === undefined) return null
  const { url, cookie, headers } = (await side.bound())[kind]
  const app = await side.app()
  const answer = await requestAsync(app, url, cookie, { method: 'POST', headers })
  if (answer['set-cookie'] === undefined) throw new Error(`the ${kind} was refused`)
  return sender(app, url, cookie, { method: 'POST', headers })
}

function sender (app, url, cookie, more) {
  return () => {
    let finished = false
    let resolve
    request(app, url, cookie, () => { finished = true; resolve?.() }, more)
    return finished ? undefined : new Promise(_resolve => { resolve = _resolve })
  }
}

/** A token of the same length with one character changed. */
function tampered (token) {
  const at = Math.floor(token.length / 3)
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

async function runMany (run, count) {
  for (let i = 0; i < count; i++) {
    const result = run()
    if (result instanceof Promise) await result
  }
}

const prepared = new Map()

const commands = {
  async has ({ task }) {
    prepared.set(task, await prepare(task))
    return prepared.get(task) !== null
  },

  /** Warms a task up for some milliseconds and says how many operations fill a burst. */
  async warm ({ task, ms, burstMs }) {
    const run = prepared.get(task)
    const start = performance.now()
    let count = 0
    while (performance.now() - start < ms) {
      await runMany(run, 50)
      count += 50
    }
    return Math.max(20, Math.round(count / ms * burstMs))
  },

  /** Microseconds per operation. */
  async burst ({ task, count }) {
    const run = prepared.get(task)
    const start = performance.now()
    await runMany(run, count)
    return (performance.now() - start) * 1000 / count
  },

  /** Microseconds by place in the code. */
  async profile ({ task, ms }) {
    const { profile } = await import('./profiler.js')
    return await profile(() => runMany(prepared.get(task), 50), ms)
  },

  /** Bytes allocated per operation, on the heap and in buffers; null where a collection came between. */
  async allocation ({ task, count }) {
    const run = prepared.get(task)
    globalThis.gc()
    await runMany(run, 100)
    const before = process.memoryUsage()
    await runMany(run, count)
    const after = process.memoryUsage()
    const bytes = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
    return bytes > 0 ? bytes / count : null
  },

  /** Mean length of the cookie on the wire, `name=value`, over sessions of different lengths. */
  async wire () {
    if (side.tokens === undefined) return null
    const lengths = []
    for (const data of variations(24)) {
      if (side.app === undefined) {
        const { encodeOther } = await side.tokens(data)
        if (encodeOther === undefined) return null
        lengths.push(`session=${encodeURIComponent(await encodeOther(data))}`.length)
      } else {
        const app = await side.app()
        lengths.push(cookieOf(await requestAsync(app, `/login?data=${encodeURIComponent(JSON.stringify(data))}`)).length)
      }
    }
    return lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  },

  /** Milliseconds for which registration with a passphrase keeps the event loop from turning, at most. */
  async register () {
    if (side.register === undefined) return null
    // The first app of a process loads what Fastify loads late; that is not the derivation's doing.
    await (await side.app()).close()
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
    }, 1)
    await new Promise(resolve => setTimeout(resolve, 20))
    longest = 0
    const app = await side.register()
    await new Promise(resolve => setTimeout(resolve, 20))
    clearInterval(timer)
    await app.close()
    return longest
  }
}

process.on('message', async ({ command, ...parameters }) => {
  process.send({ result: await commands[command](parameters) })
})
process.send({ result: 'ready' })
