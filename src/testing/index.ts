/**
 * Helps the tests of an app: cookies of users who are logged in, and a stand-in for a browser with a device of its own.
 *
 * @module fastify-sealed-session/testing
 */
export { browserCookies, sessionCookies, type BrowserCookie, type BrowserCookiesOptions, type SessionCookiesOptions, type TestedApp, type TestedData } from './cookies.ts'
export { createTestDevice, type TestDevice, type TestDeviceOptions } from './device.ts'
