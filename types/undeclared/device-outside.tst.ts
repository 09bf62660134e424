// The options of deviceBinding, the device that a codec tells, and the stand-in for a browser.
import Fastify from 'fastify'
import { createSessionCodec, sessionInfo, type DeviceInfo, type OpenedToken, type Session, type SessionCodec } from 'fastify-sealed-session'
import deviceBindingDefault, { deviceBinding, offerDeviceBinding, type DeviceAlgorithm, type DeviceBindingOptions } from 'fastify-sealed-session/device'
import { createTestDevice, type TestDevice } from 'fastify-sealed-session/testing'
import { describe, expect, test } from 'tstyche'

declare const session: Session
declare const codec: SessionCodec

describe('deviceBinding', () => {
  const app = Fastify()

  test('is the default export, too, and needs no options', () => {
    expect(deviceBindingDefault).type.toBe<typeof deviceBinding>()
    expect(app.register).type.toBeCallableWith(deviceBinding)
  })

  test('takes the options that it has', () => {
    expect<DeviceBindingOptions>().type.toBeAssignableFrom({
      sessionName: 'session',
      interval: 600,
      policy: 'require',
      grace: 60,
      unboundExpiry: 3600,
      when: (session: Session) => session.get('userId') !== undefined,
      path: '/session-device',
      publicPath: '/app/session-device',
      algorithms: ['ES256', 'RS256'],
      initiators: ['*'],
      includeSite: true
    } as const)
    expect<DeviceAlgorithm>().type.toBe<'ES256' | 'RS256'>()
  })

  test('takes no others, nor other values', () => {
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom({ interval: '600' })
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom({ policy: 'required' })
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom({ algorithms: ['none'] })
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom({ initiators: '*' })
    // A promise would count as true.
    expect<DeviceBindingOptions>().type.not.toBeAssignableFrom({ when: async () => true })
  })
})

describe('offerDeviceBinding', () => {
  test('takes a session', () => {
    expect(offerDeviceBinding(session)).type.toBe<void>()
    expect(offerDeviceBinding).type.not.toBeCallableWith('token')
  })
})

describe('createSessionCodec', () => {
  test('takes true, or the options of the plugin', () => {
    expect(createSessionCodec).type.toBeCallableWith({ key: 'key', device: true })
    expect(createSessionCodec).type.toBeCallableWith({ key: 'key', device: false })
    expect(createSessionCodec).type.toBeCallableWith({ key: 'key', device: { policy: 'require', grace: 60 } } as const)
    expect(createSessionCodec).type.not.toBeCallableWith({ key: 'key', device: 'true' })
    expect(createSessionCodec).type.not.toBeCallableWith({ key: 'key', device: { policy: 'required' } } as const)
  })

  test('makes a codec whose open() takes the device into account, or ignores it', () => {
    expect(codec.open('token', { device: 'ignore' })).type.toBe<OpenedToken>()
    expect(codec.open).type.not.toBeCallableWith('token', { device: 'any' })
  })

  test('says what device it is, if it was asked for', () => {
    const opened = codec.open('token')
    if (opened.ok) expect(opened.device).type.toBe<DeviceInfo | undefined>()
  })
})

describe('sessionInfo().device', () => {
  test('is one of three states with its times, and null without the plugin', () => {
    expect(sessionInfo(session).device).type.toBe<DeviceInfo | null>()
    expect<DeviceInfo>().type.toBe<{
      state: 'unbound' | 'bound' | 'unproven'
      boundAt: Date | null
      provenAt: Date | null
      skipped: 'unreachable' | 'server_error' | 'quota_exceeded' | null
    }>()
  })
})

describe('createTestDevice', () => {
  test('needs no options, and takes those that it has', () => {
    expect(createTestDevice()).type.toBe<TestDevice>()
    expect(createTestDevice).type.toBeCallableWith({ algorithm: 'RS256', isQuoting: true, origin: 'https://app.example' } as const)
    expect(createTestDevice).type.not.toBeCallableWith({ algorithm: 'none' })
  })
})
