/* global Deno */
// Deno. See README.md.
import { createWebSessions } from 'fastify-sealed-session/web'
import { sharedOptions } from './shared.js'

const sessions = await createWebSessions(await sharedOptions())

const routes = {
  async 'POST /login' (session, request) {
    const { user } = await request.json()
    session.regenerate() // nothing of before is the new user's
    session.set('user', user) // your check of the password comes first
    return Response.json({ user })
  },

  'GET /profile' (session) {
    if (session.get('user') === undefined) return Response.json(null, { status: 401 })
    return Response.json({ user: session.get('user'), visits: session.get('visits') ?? 0 })
  },

  'POST /visit' (session) {
    if (session.get('user') === undefined) return Response.json(null, { status: 401 })
    session.set('visits', (session.get('visits') ?? 0) + 1)
    return Response.json({ visits: session.get('visits') })
  },

  'POST /logout' (session) {
    session.delete()
    return Response.json({})
  }
}

async function answer (request) {
  const route = routes[`${request.method} ${new URL(request.url).pathname}`]
  if (route === undefined) return new Response(null, { status: 404 })
  const session = await sessions.open(request)
  const response = await route(session, request)
  await session.commit(response.headers)
  return response
}

function onError (error) {
  console.error(error.message)
  return new Response(null, { status: error.statusCode ?? 500 }) // 503 while Redis is away
}

Deno.serve({ hostname: 'localhost', port: Number(Deno.env.get('PORT') ?? 3000), onError }, answer)
