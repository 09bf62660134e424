// This package with the option `cache`.
import fp from 'fastify-plugin'
import plugin from 'fastify-sealed-session'
import { sideOf } from './secure-session.js'

const cached = fp(async (app, options) => { await app.register(plugin, { ...options, cache: true }) })

export const { name, app, tokens } = sideOf('fastify-sealed-session with cache: true', cached)
