// Using a session: what every app does. Whatever changes something is a POST: see settings.js for why.
const NAME = { type: 'string', minLength: 1, maxLength: 40 }
const LOGIN = { type: 'object', required: ['name'], properties: { name: NAME, remember: { type: 'boolean' } } }
const VISIT = { type: 'object', required: ['note'], properties: { note: { type: 'string', maxLength: 400 } } }

/** Bytes that a book adds to the session, about 700 with its title. */
const BLURB = 'The Analytical Engine weaves algebraical patterns just as the Jacquard loom weaves flowers and leaves. '
  .repeat(7).slice(0, 640)

/** @typedef {{ title: string, blurb: string }} Book */

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {import('../settings.js').Lifetimes} lifetimes
 */
export function sessionRoutes (app, { remembered }) {
  app.post('/login', { schema: { body: LOGIN } }, async (request, reply) => {
    const { name, remember } = /** @type {{ name: string, remember?: boolean }} */ (request.body)
    const { session } = request
    // Nothing that was in the session before the login lives on after it.
    session.regenerate()
    session.set('name', name)
    session.set('visits', 1)
    if (remember === true) {
      session.set('remembered', true)
      // Both are sealed with the session and hold for every later response.
      session.options({ expiry: remembered, maxAge: remembered })
    }
    request.log.info('logged in: a session is sealed into a cookie, and the list of devices has a line more')
    reply.code(204)
  })

  app.post('/logout', async ({ session, log }, reply) => {
    session.delete()
    log.info('logged out: this session is over, for a copy of its cookie as well')
    reply.code(204)
  })

  // The routes below are for those who are logged in.
  app.register(async members => {
    members.addHook('preHandler', async (request, reply) => {
      if (request.session.get('name') === undefined) return reply.code(401).send({ message: 'There is no session: log in first.' })
    })
    memberRoutes(members)
  })
}

/** @param {import('fastify').FastifyInstance} app */
function memberRoutes (app) {
  app.post('/visit', { schema: { body: VISIT } }, async ({ session, body, log }, reply) => {
    const { note } = /** @type {{ note: string }} */ (body)
    session.set('visits', Number(session.get('visits')) + 1)
    session.set('note', note)
    log.info('visit counted: the changed session is sealed into a new cookie')
    reply.code(204)
  })

  app.post('/touch', async ({ session, log }, reply) => {
    session.touch()
    log.info('touched: the idle limit begins anew, the absolute one does not')
    reply.code(204)
  })

  app.post('/grow', async ({ session, log }, reply) => {
    const cart = /** @type {Book[]} */ (session.get('cart') ?? [])
    cart.push({ title: `Book ${cart.length + 1}`, blurb: BLURB })
    session.set('cart', cart)
    log.info(`put book ${cart.length} into the cart`)
    reply.code(204)
    // Where they do not fit into the cookies allowed, sealing throws and the response is a 500.
  })

  app.post('/shrink', async ({ session, log }, reply) => {
    const cart = /** @type {Book[] | undefined} */ (session.get('cart')) ?? []
    cart.pop() // a change inside a value is saved as well
    if (cart.length === 0) session.set('cart', undefined)
    log.info(`took a book out of the cart: it has ${cart.length}`)
    reply.code(204)
  })

  app.post('/logout-everywhere', async ({ session, log }, reply) => {
    await app.revokeSubject(/** @type {string} */ (session.get('name')))
    session.delete()
    log.info('logged out everywhere: all sessions of this user are over')
    reply.code(204)
  })
}
