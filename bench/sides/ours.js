import plugin from 'fastify-sealed-session'
import { sideOf } from './secure-session.js'

export const { name, app, tokens, register } = sideOf('fastify-sealed-session', plugin)
