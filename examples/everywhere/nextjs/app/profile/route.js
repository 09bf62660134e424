import { withSession } from '../../sessions.js'

export const GET = withSession(async session => {
  if (session.get('user') === undefined) return Response.json(null, { status: 401 })
  return Response.json({ user: session.get('user'), visits: session.get('visits') ?? 0 })
})
