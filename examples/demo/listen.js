import { createServer } from 'node:http'

const DEFAULT_PORT = 3000

/** What listening on `::1` fails with on a machine without IPv6. */
const NO_IPV6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']

/**
 * Serves this machine only, at the port that PORT says, or else 3000, or else a free one.
 * @param {import('node:http').RequestListener} handler
 * @returns {Promise<string>} the URL
 */
export async function listen (handler) {
  const { PORT } = process.env
  if (PORT) return urlOf(await listenOn(PORT, handler))
  try {
    return urlOf(await listenOn(DEFAULT_PORT, handler))
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    console.log(`Port ${DEFAULT_PORT} is taken, so a free one is used. The environment variable PORT chooses another.`)
    return urlOf(await listenOn(0, handler))
  }
}

/** @param {number} port */
function urlOf (port) {
  return `http://localhost:${port}`
}

/**
 * Listens on both addresses that browsers look up for `localhost`: with an app of somebody else's
 * at the other one, they might show that instead.
 * @param {string | number} wanted
 * @param {import('node:http').RequestListener} handler
 */
async function listenOn (wanted, handler) {
  const server = await bind('127.0.0.1', wanted, handler)
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  try {
    await bind('::1', port, handler)
  } catch (error) {
    if (!NO_IPV6.includes(codeOf(error))) {
      server.close()
      throw error
    }
  }
  return port
}

/**
 * @param {string} host
 * @param {string | number} port
 * @param {import('node:http').RequestListener} handler
 * @returns {Promise<import('node:http').Server>}
 */
function bind (host, port, handler) {
  return new Promise((resolve, reject) => {
    const server = createServer(handler)
    server.once('error', reject)
    server.listen({ host, port }, () => resolve(server))
  })
}

/** @param {unknown} error */
function codeOf (error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? ''
}
