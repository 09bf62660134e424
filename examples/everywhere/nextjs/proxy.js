// Runs before a page is rendered: a page cannot set cookies, so this renews the session for it.
import { NextResponse } from 'next/server'
import { getSessions } from './sessions.js'

export async function proxy (request) {
  const session = await (await getSessions()).open(request)
  const response = NextResponse.next()
  await session.commit(response.headers)
  return response
}

// Pages only: a route handler sends the session itself, and two would overwrite each other.
export const config = { matcher: '/' }
