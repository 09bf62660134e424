// Every way in which a CommonJS file can import the package.
import Fastify = require('fastify')
import type { FastifyRequest } from 'fastify'
import byRequire = require('fastify-sealed-session')
import byDefault from 'fastify-sealed-session'
import { fastifySecureSession } from 'fastify-sealed-session'
import { default as defaultByName } from 'fastify-sealed-session'
import * as everything from 'fastify-sealed-session'
import type { FastifySecureSession, Session } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

const app = Fastify()
const options = { key: 'key' }

test('`import x = require()` is the plugin itself, with `default` and its name on it', () => {
  expect(byRequire).type.toBeAssignableTo<FastifySecureSession>()
  expect(byRequire.default).type.toBe<FastifySecureSession>()
  expect(byRequire.fastifySecureSession).type.toBe<FastifySecureSession>()
  expect<byRequire.Session>().type.toBe<Session>()
  expect(app.register(byRequire, options)).type.not.toRaiseError()
})

test('the default import is the plugin', () => {
  expect(byDefault).type.toBeAssignableTo<FastifySecureSession>()
  expect(defaultByName).type.toBeAssignableTo<FastifySecureSession>()
  expect(app.register(byDefault, options)).type.not.toRaiseError()
})

test('the named import is the plugin', () => {
  expect(fastifySecureSession).type.toBe<FastifySecureSession>()
  expect(app.register(fastifySecureSession, options)).type.not.toRaiseError()
})

test('the star import has the plugin as `default` and by its name', () => {
  expect(everything.default).type.toBeAssignableTo<FastifySecureSession>()
  expect(everything.fastifySecureSession).type.toBe<FastifySecureSession>()
  expect<everything.Session>().type.toBe<Session>()
})

test('a dynamic import has the plugin as `default` and by its name', async () => {
  const module = await import('fastify-sealed-session')
  expect(module.default).type.toBe<typeof byRequire>()
  expect(module.fastifySecureSession).type.toBe<FastifySecureSession>()
})

test('importing the package gives every request a session', () => {
  expect<FastifyRequest['session']>().type.toBe<Session>()
})
