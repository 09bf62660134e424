// The same app with a browser that cannot bind its session.
import { boundSide } from './bound.js'

export const { app } = boundSide('ES256')
export const name = 'fastify-sealed-session, with deviceBinding, not bound'
