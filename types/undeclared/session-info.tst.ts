// What sessionInfo takes and returns.
import Fastify from 'fastify'
import type { FastifyRequest } from 'fastify'
import { type DeviceInfo, sessionInfo, type Format, type RefusalReason, type Session, type SessionInfo } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

declare const request: FastifyRequest
declare const info: SessionInfo

describe('sessionInfo', () => {
  test('takes a session, whatever that holds, and whatever the request calls it', () => {
    expect(sessionInfo).type.toBeCallableWith(request.session)
    expect(sessionInfo).type.toBeCallableWith({} as Session<{ theme: string }>)
    expect(sessionInfo).type.toBeCallableWith(Fastify().createSecureSession())
  })

  test('takes nothing that cannot be one', () => {
    expect(sessionInfo).type.not.toBeCallableWith()
    expect(sessionInfo).type.not.toBeCallableWith('token')
    expect(sessionInfo).type.not.toBeCallableWith(undefined)
    // Null is refused by decodeSecureSession for what does not open.
    expect(sessionInfo).type.not.toBeCallableWith(Fastify().decodeSecureSession('token'))
  })

  test('returns a SessionInfo', () => {
    expect(sessionInfo(request.session)).type.toBe<SessionInfo>()
  })
})

describe('a SessionInfo', () => {
  test('has what a handler may want to say, and null for what is not known', () => {
    expect(info).type.toBe<{
      status: 'new' | 'valid' | 'rejected'
      reason: RefusalReason | null
      createdAt: Date | null
      lastWriteAt: Date | null
      expiresAt: Date | null
      keyId: string | null
      format: Format | null
      id: string | null
      authentications: Readonly<Record<string, Date | undefined>>
      device: DeviceInfo | null
    }>()
  })

  test('has reasons that a switch can be complete over', () => {
    expect<RefusalReason>().type.toBe<
      | 'malformed' | 'too-long' | 'ciphertext-length' | 'nonce-length' | 'version-unknown' | 'key-unknown' | 'not-authentic'
      | 'format-not-accepted' | 'header-invalid' | 'payload-invalid' | 'time-missing' | 'expired' | 'time-in-future' | 'schema-invalid' | 'signature-invalid' | 'chunk-missing' | 'revoked' | 'stamp-changed'
      | 'device-unproven' | 'device-required'
    >()
    expect(info.reason === 'expird').type.toRaiseError()
  })
})
