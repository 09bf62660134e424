// What is not about sessions: the page's files, its security headers, and who may send a POST.
import { readFileSync } from 'node:fs'

const FILES = [
  { url: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { url: '/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
  ...['page.js', 'views.js', 'words.js'].map(file => ({ url: `/${file}`, file, type: 'text/javascript; charset=utf-8' }))
]

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin'
}

/**
 * Serves the page, and sends the security headers with every response.
 * @param {import('fastify').FastifyInstance} app
 */
export function servePage (app) {
  app.addHook('onRequest', async (_request, reply) => { reply.headers(HEADERS) })

  for (const { url, file, type } of FILES) {
    const content = readFileSync(new URL(`page/${file}`, import.meta.url))
    app.get(url, async (_request, reply) => reply.header('cache-control', 'no-cache').type(type).send(content))
  }
}

/**
 * `SameSite=Lax` keeps the cookie from other sites' POSTs, but every port of localhost is the same
 * site. So a browser must say that the request comes from this very origin.
 * @param {import('fastify').FastifyInstance} app
 */
export function refuseOtherSites (app) {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD' || isSameOrigin(request.headers)) return
    request.log.warn('refused: a POST that does not come from this page')
    return reply.code(403).send({ message: 'This request does not come from this page.' })
  })
}

/** @param {import('node:http').IncomingHttpHeaders} headers */
function isSameOrigin ({ 'sec-fetch-site': site, origin, host }) {
  if (site !== undefined) return site === 'same-origin'
  // Browsers without Sec-Fetch-Site still send Origin with a POST; curl sends neither.
  return origin === undefined || origin === `http://${host}`
}
