// node:http. See README.md.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { createWebSessions } from 'fastify-sealed-session/web'
import { sharedOptions } from './shared.js'

const sessions = await createWebSessions(await sharedOptions())

const routes = {
  async 'POST /login' (session, request) {
    const { user } = await json(request)
    session.regenerate() // nothing of before is the new user's
    session.set('user', user) // your check of the password comes first
    return { user }
  },

  'GET /profile' (session) {
    if (session.get('user') === undefined) return null
    return { user: session.get('user'), visits: session.get('visits') ?? 0 }
  },

  'POST /visit' (session) {
    if (session.get('user') === undefined) return null
    session.set('visits', (session.get('visits') ?? 0) + 1)
    return { visits: session.get('visits') }
  },

  'POST /logout' (session) {
    session.delete()
    return {}
  }
}

async function answer (request, response) {
  const route = routes[`${request.method} ${request.url}`]
  if (route === undefined) return response.writeHead(404).end()
  const session = await sessions.open(request)
  const body = await route(session, request)
  const headers = new Headers({ 'content-type': 'application/json' })
  await session.commit(headers)
  // Pairs, since an object would have one Set-Cookie only: a large session has several.
  response.writeHead(body === null ? 401 : 200, [...headers].flat()).end(JSON.stringify(body))
}

createServer((request, response) => {
  answer(request, response).catch(error => {
    console.error(error.message)
    response.writeHead(error.statusCode ?? 500).end() // 503 while Redis is away
  })
}).listen(Number(process.env.PORT ?? 3000), 'localhost')
