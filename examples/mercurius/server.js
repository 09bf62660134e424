// GraphQL with mercurius: resolvers read and write the session, and subscriptions are for whoever is
// logged in. In a clone of the repository, after `npm run build`:
//
//   node examples/mercurius/server.js
//   curl -i -H 'content-type: application/json' -d '{"query":"mutation { login(id: 1) { id } }"}' http://127.0.0.1:3000/graphql
//   curl -i -H 'content-type: application/json' -H 'cookie: mercurius-example=…' -d '{"query":"{ me { id } }"}' http://127.0.0.1:3000/graphql
import Fastify from 'fastify'
import secureSession, { Keyring, sessionInfo } from 'fastify-sealed-session'
import mercurius from 'mercurius'

const app = Fastify()

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'mercurius-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

const schema = `
  type User { id: Int! }
  type Query { me: User }
  type Mutation {
    login(id: Int!): User
    logout: Boolean!
    say(text: String!): Boolean!
  }
  type Subscription { said: String! }
`

// Every resolver has the reply in its context, and with it the request and its session. A query that
// asks for nothing of the session does not open it.

/** @type {import('mercurius').IResolverObject} */
const Query = {
  me: (_source, _args, { reply }) => userOf(reply.request)
}

/** @type {import('mercurius').IResolverObject} */
const Mutation = {
  login: (_source, { id }, { reply: { request } }) => {
    request.session.regenerate()
    request.session.set('userId', id) // whoever your password check says it is
    return { id }
  },

  logout: (_source, _args, { reply }) => {
    reply.request.session.delete()
    return true
  },

  say: async (_source, { text }, { reply, pubsub }) => {
    if (userOf(reply.request) === null) throw new mercurius.ErrorWithProps('log in first', { code: 'UNAUTHENTICATED' })
    await pubsub.publish({ topic: 'said', payload: { said: text } })
    return true
  }
}

/** @type {import('mercurius').IResolverObject} */
const Subscription = {
  said: { subscribe: async (_source, _args, { pubsub }) => await pubsub.subscribe('said') }
}

/** @param {import('fastify').FastifyRequest} request */
function userOf ({ session }) {
  const id = session.get('userId')
  return typeof id === 'number' ? { id } : null
}

/**
 * Before the upgrade of a WebSocket: pages of this app and users only. CORS does not apply there, and
 * `SameSite=Lax` lets in pages on a subdomain or on another port. Behind a proxy that changes Host,
 * compare with the app's own origin.
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 */
async function guardUpgrade (request, reply) {
  if (!request.ws) return
  const { origin = '', host } = request.headers
  if (!URL.canParse(origin) || new URL(origin).host !== host) return reply.code(403).send()
  if (userOf(request) === null) return reply.code(401).send()
}

app.register(mercurius, {
  schema,
  resolvers: { Query, Mutation, Subscription },
  allowBatchedQueries: true, // one request may try many passwords, as with aliases: count attempts in login()
  additionalRouteOptions: { preValidation: guardUpgrade },
  subscription: {
    // At connection_init. The session was opened once, so the connection would outlive it.
    context: (socket, { session }) => {
      const { expiresAt } = sessionInfo(session)
      const timer = setTimeout(() => socket.close(1008, 'session expired'), Number(expiresAt) - Date.now())
      socket.on('close', () => clearTimeout(timer))
      return {}
    }
  }
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
