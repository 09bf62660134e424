// Hono on Node.js. See README.md.
import { serve } from '@hono/node-server'
import { createWebSessions } from 'fastify-sealed-session/web'
import { createApp } from './hono-app.js'
import { sharedOptions } from './shared.js'

const sessions = await createWebSessions(await sharedOptions())
const app = createApp(() => sessions)

serve({ fetch: app.fetch, hostname: 'localhost', port: Number(process.env.PORT ?? 3000) })
