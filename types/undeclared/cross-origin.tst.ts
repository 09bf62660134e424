// What crossOriginProtection takes, and the setting of a route.
import Fastify from 'fastify'
import type { FastifyContextConfig, FastifyPluginAsync } from 'fastify'
import byDefault, { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import type { CrossOriginProtection, CrossOriginProtectionOptions, CrossOriginRouteConfig, TrustedOrigins } from 'fastify-sealed-session/cross-origin'
import byRequire = require('fastify-sealed-session/cross-origin')
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('crossOriginProtection', () => {
  test('is the default export, the named one, and what require() gives', () => {
    expect(byDefault).type.toBe<CrossOriginProtection>()
    expect(crossOriginProtection).type.toBe<FastifyPluginAsync<CrossOriginProtectionOptions>>()
    expect(byRequire).type.toBeAssignableTo<CrossOriginProtection>()
    expect(byRequire.default).type.toBe<CrossOriginProtection>()
    expect(app.register(crossOriginProtection)).type.not.toRaiseError()
    expect(app.register(byRequire, { trustedOrigins: ['https://pay.example'] })).type.not.toRaiseError()
  })

  test('takes a list of origins that may be constant', () => {
    expect<CrossOriginProtectionOptions>().type.toBeAssignableFrom<{ trustedOrigins: readonly ['https://pay.example'] }>()
    expect<CrossOriginProtectionOptions>().type.not.toBeAssignableFrom<{ trustedOrigins: string }>()
    expect<CrossOriginProtectionOptions>().type.not.toBeAssignableFrom<{ trustedOrigins: RegExp[] }>()
  })
})

describe('the config of a route', () => {
  test('takes a boolean or more trusted origins', () => {
    expect<FastifyContextConfig['crossOriginProtection']>().type.toBe<boolean | TrustedOrigins | undefined>()
    expect<CrossOriginRouteConfig>().type.toBe<boolean | TrustedOrigins>()
    expect(app.post('/', { config: { crossOriginProtection: false } }, async () => {})).type.not.toRaiseError()
    expect(app.post('/', { config: { crossOriginProtection: { trustedOrigins: ['https://login.example'] } } }, async () => {})).type.not.toRaiseError()
    expect<FastifyContextConfig>().type.not.toBeAssignableFrom<{ crossOriginProtection: string }>()
  })
})
