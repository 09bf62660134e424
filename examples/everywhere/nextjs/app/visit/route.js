import { withSession } from '../../sessions.js'

export const POST = withSession(async session => {
  if (session.get('user') === undefined) return Response.json(null, { status: 401 })
  session.set('visits', (session.get('visits') ?? 0) + 1)
  return Response.json({ visits: session.get('visits') })
})
