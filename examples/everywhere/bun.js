/* global Bun */
// Bun. See README.md.
import { createWebSessions } from 'fastify-sealed-session/web'
import { sharedOptions } from './shared.js'

const sessions = await createWebSessions(await sharedOptions())

/** A handler that has the session, and sends it with the response. */
function withSession (handler) {
  return async request => {
    const session = await sessions.open(request)
    const response = await handler(session, request)
    await session.commit(response.headers)
    return response
  }
}

Bun.serve({
  hostname: 'localhost',
  port: Number(process.env.PORT ?? 3000),
  routes: {
    '/login': {
      POST: withSession(async (session, request) => {
        const { user } = await request.json()
        session.regenerate() // nothing of before is the new user's
        session.set('user', user) // your check of the password comes first
        return Response.json({ user })
      })
    },
    '/profile': {
      GET: withSession(session => {
        if (session.get('user') === undefined) return Response.json(null, { status: 401 })
        return Response.json({ user: session.get('user'), visits: session.get('visits') ?? 0 })
      })
    },
    '/visit': {
      POST: withSession(session => {
        if (session.get('user') === undefined) return Response.json(null, { status: 401 })
        session.set('visits', (session.get('visits') ?? 0) + 1)
        return Response.json({ visits: session.get('visits') })
      })
    },
    '/logout': {
      POST: withSession(session => {
        session.delete()
        return Response.json({})
      })
    }
  },
  error (error) {
    console.error(error.message)
    return new Response(null, { status: error.statusCode ?? 500 }) // 503 while Redis is away
  }
})
