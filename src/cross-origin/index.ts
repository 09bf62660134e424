/**
 * Refuses requests that pages of other origins make a browser send (CSRF, login CSRF, WebSocket hijacking), by
 * `Sec-Fetch-Site` and `Origin`: no token, no state. Works without a session as well.
 *
 * @module fastify-sealed-session/cross-origin
 */
export { crossOriginProtection, crossOriginProtection as default } from './plugin.ts'
export type * from './types.ts'
