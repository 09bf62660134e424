// What deviceBinding takes, what it adds to a session's info, and the stand-in for a browser.
import Fastify from 'fastify'
import type { FastifyPluginAsync, LightMyRequestResponse } from 'fastify'
import { sessionInfo, type DeviceInfo } from 'fastify-sealed-session'
import byDefault, { deviceBinding, offerDeviceBinding } from 'fastify-sealed-session/device'
import type { DeviceBinding, DeviceBindingOptions } from 'fastify-sealed-session/device'
import byRequire = require('fastify-sealed-session/device')
import { createTestDevice, type TestDevice } from 'fastify-sealed-session/testing'
import testingByRequire = require('fastify-sealed-session/testing')
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('deviceBinding', () => {
  test('is the default export, the named one, and what require() gives', () => {
    expect(byDefault).type.toBe<DeviceBinding>()
    expect(deviceBinding).type.toBe<FastifyPluginAsync<DeviceBindingOptions>>()
    expect(byRequire).type.toBeAssignableTo<DeviceBinding>()
    expect(byRequire.default).type.toBe<DeviceBinding>()
    expect(byRequire.offerDeviceBinding).type.toBe<typeof offerDeviceBinding>()
    expect(app.register(deviceBinding)).type.not.toRaiseError()
    expect(app.register(byRequire, { policy: 'off' })).type.not.toRaiseError()
  })

  test('takes algorithms and hosts that may be constant, and a function of the session', () => {
    expect<DeviceBindingOptions>().type.toBeAssignableFrom<{ algorithms: readonly ['ES256', 'RS256'], initiators: readonly ['pay.example'] }>()
    expect<DeviceBindingOptions>().type.toBeAssignableFrom({ when: (session: { get: (key: string) => unknown }) => session.get('userId') !== undefined })
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom<{ algorithms: ['none'] }>()
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom<{ policy: 'required' }>()
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom<{ interval: string }>()
  })
})

test('sessionInfo() has the device of a session, or null', () => {
  expect(sessionInfo(app.createSecureSession()).device).type.toBe<DeviceInfo | null>()
  expect(offerDeviceBinding).type.toBeCallableWith(app.createSecureSession())
})

test('a token is opened without the proof of its device only if that is said', () => {
  expect(app.decodeSecureSession).type.toBeCallableWith('token', undefined, 'session', { device: 'ignore' })
  expect(app.decodeSecureSession).type.not.toBeCallableWith('token', undefined, 'session', { device: true })
})

describe('createTestDevice', () => {
  test('is what import and require() give', () => {
    expect(createTestDevice).type.toBe<typeof testingByRequire.createTestDevice>()
  })

  test('makes a stand-in for a browser, which sends what app.inject() takes', () => {
    const device = createTestDevice({ algorithm: 'RS256' })
    expect(device).type.toBe<TestDevice>()
    expect(device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' } })).type.toBe<Promise<LightMyRequestResponse>>()
    expect(device.register).type.toBeCallableWith(app, {} as LightMyRequestResponse, { withCookies: false })
    expect(createTestDevice).type.not.toBeCallableWith({ algorithm: 'HS256' })
  })
})
