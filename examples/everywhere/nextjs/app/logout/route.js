import { withSession } from '../../sessions.js'

export const POST = withSession(async session => {
  session.delete()
  return Response.json({})
})
