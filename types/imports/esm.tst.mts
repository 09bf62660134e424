// Every way in which an ES module can import the package.
import Fastify from 'fastify'
import type { FastifyRequest } from 'fastify'
import byDefault from 'fastify-sealed-session'
import { fastifySecureSession } from 'fastify-sealed-session'
import { default as defaultByName } from 'fastify-sealed-session'
import * as everything from 'fastify-sealed-session'
import byRequire = require('fastify-sealed-session')
import type { FastifySecureSession, Session } from 'fastify-sealed-session'
import { expect, test } from 'tstyche'

const app = Fastify()
const options = { key: 'key' }

test('the default import is the plugin, and a namespace of the types and the other functions', () => {
  expect(byDefault).type.toBeAssignableTo<FastifySecureSession>()
  expect(byDefault.default).type.toBe<FastifySecureSession>()
  expect(byDefault.Keyring).type.toBe<typeof everything.Keyring>()
  expect<byDefault.Session>().type.toBe<Session>()
  expect(defaultByName).type.toBe<typeof byDefault>()
  expect(app.register(byDefault, options)).type.not.toRaiseError()
})

test('the named import is the plugin', () => {
  expect(fastifySecureSession).type.toBe<FastifySecureSession>()
  expect(app.register(fastifySecureSession, options)).type.not.toRaiseError()
})

test('the star import has the plugin as `default` and by its name, and the other functions', () => {
  expect<keyof typeof everything>().type.toBe<'default' | 'fastifySecureSession' | 'sealedSession' | 'Keyring' | 'createSessionCodec' | 'generateKey' | 'sessionInfo' | 'sessionSignal' | 'authenticated' | 'requireSession' | 'requireFresh'>()
  expect(everything.default).type.toBe<typeof byDefault>()
  expect(everything.fastifySecureSession).type.toBe<FastifySecureSession>()
  expect<everything.Session>().type.toBe<Session>()
})

test('`import x = require()` is the plugin itself, with `default` and its name on it', () => {
  expect(byRequire).type.toBeAssignableTo<FastifySecureSession>()
  expect(byRequire.default).type.toBe<FastifySecureSession>()
  expect(byRequire.fastifySecureSession).type.toBe<FastifySecureSession>()
  expect<byRequire.Session>().type.toBe<Session>()
  expect(app.register(byRequire, options)).type.not.toRaiseError()
})

test('a dynamic import has the plugin as `default` and by its name', async () => {
  const module = await import('fastify-sealed-session')
  expect(module.default).type.toBe<typeof byDefault>()
  expect(module.fastifySecureSession).type.toBe<FastifySecureSession>()
})

test('importing the package gives every request a session', () => {
  expect<FastifyRequest['session']>().type.toBe<Session>()
})
