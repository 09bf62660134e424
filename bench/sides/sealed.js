// This package with its own token.
import fp from 'fastify-plugin'
import plugin from 'fastify-sealed-session'
import { sideOf } from './secure-session.js'

const sealed = fp(async (app, options) => { await app.register(plugin, { ...options, format: 'sealed' }) })

export const { name, app, tokens, register } = sideOf("fastify-sealed-session (format 'sealed')", sealed)
