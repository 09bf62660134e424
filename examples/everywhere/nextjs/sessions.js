// Sessions of the app. Made at the first request: `next build` loads this file, too, and has neither key nor Redis.
import { createWebSessions } from 'fastify-sealed-session/web'
import { sharedOptions } from '../shared.js'

let sessions

export function getSessions () {
  sessions ??= sharedOptions().then(createWebSessions)
  return sessions
}

/** A route handler that has the session, and sends it with the response. */
export function withSession (handler) {
  return async request => {
    const session = await (await getSessions()).open(request)
    const response = await handler(session, request)
    await session.commit(response.headers)
    return response
  }
}
