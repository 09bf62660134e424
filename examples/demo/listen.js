import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

/**
 * @typedef {import('./certificate.js').Certificate} Certificate
 * @typedef {() => import('node:http').Server | import('node:https').Server} MakeServer
 */

const DEFAULT_PORT = 3000

/** What listening on `::1` fails with on a machine without IPv6. */
const NO_IPV6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']

/**
 * Serves this machine only, at the port that PORT says, or else 3000, or else a free one.
 * @param {import('node:http').RequestListener} handler
 * @param {Certificate | null} certificate for TLS; null for plain http
 * @returns {Promise<string>} the URL
 */
export async function listen (handler, certificate) {
  const { PORT } = process.env
  const make = () => certificate === null ? createServer(handler) : createTlsServer(certificate, handler)
  const urlOf = (/** @type {number} */ port) => `${certificate === null ? 'http' : 'https'}://localhost:${port}`
  if (PORT) return urlOf(await listenOn(PORT, make))
  try {
    return urlOf(await listenOn(DEFAULT_PORT, make))
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    console.log(`Port ${DEFAULT_PORT} is taken, so a free one is used. The environment variable PORT chooses another.`)
    return urlOf(await listenOn(0, make))
  }
}

/**
 * Listens on both addresses that browsers look up for `localhost`: with an app of somebody else's
 * at the other one, they might show that instead.
 * @param {string | number} wanted
 * @param {MakeServer} make
 */
async function listenOn (wanted, make) {
  const server = await bind('127.0.0.1', wanted, make)
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  try {
    await bind('::1', port, make)
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
 * @param {MakeServer} make
 * @returns {Promise<import('node:net').Server>}
 */
function bind (host, port, make) {
  return new Promise((resolve, reject) => {
    const server = make()
    server.once('error', reject)
    server.listen({ host, port }, () => resolve(server))
  })
}

/** @param {unknown} error */
function codeOf (error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? ''
}
