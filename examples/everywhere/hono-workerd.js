// Hono on Cloudflare Workers (workerd). See README.md for what differs at the edge.
import { redisStore } from 'fastify-sealed-session/revocation'
import { createWebSessions, Keyring } from 'fastify-sealed-session/web'
import { createApp } from './hono-app.js'
import { PREFIX, session, subject } from './session.js'

// No file to watch: the keys are a secret of the Worker, and a new key is a new deployment.
const key = Keyring.fromEnv('SESSION_KEYS')

/** Redis over HTTP, as Upstash and others offer it: a Worker keeps no connection from one request to the next. */
function redisOverHttp ({ REDIS_HTTP_URL, REDIS_HTTP_TOKEN }) {
  return {
    async eval (script, { keys, arguments: values }) {
      const response = await fetch(REDIS_HTTP_URL, {
        method: 'POST',
        headers: { authorization: `Bearer ${REDIS_HTTP_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(['EVAL', script, keys.length, ...keys, ...values])
      })
      const { result, error } = await response.json()
      if (error !== undefined) throw new Error(error)
      return result
    }
  }
}

let sessions

/** @param env the Worker's variables and secrets, which come with the first request */
function getSessions (env) {
  sessions ??= createWebSessions({
    ...session,
    key,
    revocation: { store: redisStore(redisOverHttp(env), { prefix: PREFIX }), subject }
  })
  return sessions
}

export default createApp(getSessions)
