/**
 * Helps the tests of an app: a stand-in for a browser with a device of its own.
 *
 * @module fastify-sealed-session/testing
 */
export { createTestDevice, type TestDevice, type TestDeviceOptions } from './device.ts'
