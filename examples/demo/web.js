// What is not about sessions: the files of the pages, and their security headers.
import { readFileSync } from 'node:fs'

const FILES = [
  { url: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { url: '/devices', file: 'devices.html', type: 'text/html; charset=utf-8' },
  { url: '/device', file: 'device.html', type: 'text/html; charset=utf-8' },
  { url: '/thief', file: 'thief.html', type: 'text/html; charset=utf-8' },
  { url: '/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
  ...['client.js', 'device.js', 'devices.js', 'page.js', 'thief.js', 'views.js', 'words.js'].map(file => ({ url: `/${file}`, file, type: 'text/javascript; charset=utf-8' }))
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
 * Serves the pages, and sends the security headers with every response.
 * @param {import('fastify').FastifyInstance} app
 */
export function servePages (app) {
  app.addHook('onRequest', async (_request, reply) => { reply.headers(HEADERS) })

  for (const { url, file, type } of FILES) {
    const content = readFileSync(new URL(`page/${file}`, import.meta.url))
    app.get(url, async (_request, reply) => reply.header('cache-control', 'no-cache').type(type).send(content))
  }
}
