import plugin from '@fastify/secure-session'
import { sideOf } from './secure-session.js'

export const { name, app, tokens, register } = sideOf('@fastify/secure-session', plugin)
