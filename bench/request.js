// Requests without sockets: what Fastify does from routing to the end of the response, and nothing
// of what Node's HTTP parser and the network add to every side alike. bench/load.js has those.

const noop = () => {}

class Response {
  constructor () {
    this.statusCode = 200
    this.headersSent = false
    this.writableEnded = false
    this.finished = false
    this.headers = null
    this.onFinish = null
  }

  getHeader () { return undefined }
  hasHeader () { return false }
  setHeader () {}
  removeHeader () {}
  writeHead (_status, headers) { this.headersSent = true; this.headers = headers; return this }
  write () { return true }
  end () { this.writableEnded = true; this.finished = true; this.onFinish?.() }
  on (event, listener) { if (event === 'finish') this.onFinish = listener; return this }
  once (event, listener) { return this.on(event, listener) }
  removeListener () { return this }
  emit () { return false }
}

/**
 * Sends a request through an app.
 * @param more `method`, default GET, and `headers` beside those of host and cookie.
 * @returns the headers of the response; asynchronous sides have them once `done` was called.
 */
export function request (app, url, cookie, done = noop, { method = 'GET', headers: more } = {}) {
  const headers = cookie === undefined ? { host: 'localhost' } : { host: 'localhost', cookie }
  if (more !== undefined) Object.assign(headers, more)
  const raw = {
    method,
    url,
    headers,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    socket: { encrypted: false },
    destroyed: false,
    readableEnded: true,
    on () { return this },
    once () { return this },
    removeListener () { return this }
  }
  const response = new Response()
  const end = response.end
  response.end = function () { end.call(this); done(this.headers) }
  app.routing(raw, response)
}

/** The same, as a promise of the response's headers. */
export function requestAsync (app, url, cookie, more) {
  return new Promise(resolve => request(app, url, cookie, resolve, more))
}

/** The routes that every side has: a session that is not touched, read, and written; and who answers. */
export function addRoutes (app, { read, write }) {
  app.get('/untouched', (_request, reply) => { reply.send('ok') })
  app.get('/read', (request, reply) => { reply.send(read(request)) })
  app.get('/write', (request, reply) => { write(request, 'visits', 1); reply.send('ok') })
  app.get('/pid', (_request, reply) => { reply.send(String(process.pid)) })
  app.get('/login', (request, reply) => {
    for (const [key, value] of Object.entries(JSON.parse(request.query.data ?? '{}'))) write(request, key, value)
    reply.send('ok')
  })
}

/** The `Cookie` header that a browser would send after a response. */
export function cookieOf (headers) {
  const lines = [headers['set-cookie'] ?? []].flat()
  return lines.map(line => line.split(';')[0]).join('; ')
}
