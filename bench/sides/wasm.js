// This package with libsodium as WebAssembly: what it costs where the addon cannot be loaded.
import { sideOf } from './secure-session.js'

process.env.FASTIFY_SEALED_SESSION_SODIUM = 'wasm' // read when the package is loaded
const { default: plugin } = await import('fastify-sealed-session')

export const { name, app, tokens, register } = sideOf('fastify-sealed-session (WebAssembly)', plugin)
