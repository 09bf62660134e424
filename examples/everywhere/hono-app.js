// Hono: the app, the same in each runtime. See README.md.
import { Hono } from 'hono'

/** @param getSessions gives what createWebSessions() has made */
export function createApp (getSessions) {
  const app = new Hono()

  app.use(async (c, next) => {
    const session = await (await getSessions(c.env)).open(c.req.raw)
    c.set('session', session)
    await next()
    await session.commit(c.res.headers)
  })

  app.post('/login', async c => {
    const { user } = await c.req.json()
    const session = c.get('session')
    session.regenerate() // nothing of before is the new user's
    session.set('user', user) // your check of the password comes first
    return c.json({ user })
  })

  app.get('/profile', c => {
    const session = c.get('session')
    if (session.get('user') === undefined) return c.json(null, 401)
    return c.json({ user: session.get('user'), visits: session.get('visits') ?? 0 })
  })

  app.post('/visit', c => {
    const session = c.get('session')
    if (session.get('user') === undefined) return c.json(null, 401)
    session.set('visits', (session.get('visits') ?? 0) + 1)
    return c.json({ visits: session.get('visits') })
  })

  app.post('/logout', c => {
    c.get('session').delete()
    return c.json({})
  })

  app.onError((error, c) => {
    console.error(error.message)
    return c.json(null, error.statusCode ?? 500) // 503 while the store is away
  })

  return app
}
