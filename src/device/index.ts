/**
 * Binds sessions to the device of their browser (Device Bound Session Credentials): a plugin to register after
 * `fastify-sealed-session`. A stolen cookie is good for as long as the last proof, and no longer.
 *
 * @module fastify-sealed-session/device
 */
export { deviceBinding, deviceBinding as default, offerDeviceBinding } from './plugin.ts'
export type { SessionDeviceMessage } from '../diagnostics.ts'
export type * from './types.ts'
