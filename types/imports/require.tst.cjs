// @ts-check
// TypeScript gives `const x = require()` types in JavaScript files only.
const { expect, test } = require('tstyche')
const plugin = require('fastify-sealed-session')
const { fastifySecureSession } = require('fastify-sealed-session')

/** @typedef {import('fastify-sealed-session').FastifySecureSession} FastifySecureSession */

test('`const x = require()` is the plugin itself, with `default` and its name on it', () => {
  expect(plugin).type.toBeAssignableTo(fastifySecureSession)
  expect(plugin.default).type.toBe(fastifySecureSession)
  expect(plugin.fastifySecureSession).type.toBe(fastifySecureSession)
})
