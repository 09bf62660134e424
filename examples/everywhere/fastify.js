// Fastify. See README.md.
import Fastify from 'fastify'
import { requireSession, sealedSession } from 'fastify-sealed-session'
import { sessionRevocation } from 'fastify-sealed-session/revocation'
import { sharedOptions } from './shared.js'

const { revocation, ...session } = await sharedOptions()
const app = Fastify({ forceCloseConnections: true })
app.register(sealedSession, session)
app.register(sessionRevocation, revocation)

const user = { preHandler: requireSession({ keys: ['user'] }) }

app.post('/login', async ({ session, body: { user } }) => {
  session.regenerate() // nothing of before is the new user's
  session.set('user', user) // your check of the password comes first
  return { user }
})

app.get('/profile', user, async ({ session }) => ({ user: session.get('user'), visits: session.get('visits') ?? 0 }))

app.post('/visit', user, async ({ session }) => {
  session.set('visits', (session.get('visits') ?? 0) + 1)
  return { visits: session.get('visits') }
})

app.post('/logout', async ({ session }) => {
  session.delete()
  return {}
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
