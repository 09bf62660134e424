import { withSession } from '../../sessions.js'

export const POST = withSession(async (session, request) => {
  const { user } = await request.json()
  session.regenerate() // nothing of before is the new user's
  session.set('user', user) // your check of the password comes first
  return Response.json({ user })
})
