// Tokens without Fastify, in a program in which nobody declares what a session holds.
import { createSessionCodec, type SessionCodec, type TokenData } from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

interface Ticket {
  userId: number
}

declare const codec: SessionCodec

describe('a codec without declared keys', () => {
  test('seals any keys', () => {
    expect(codec.seal).type.toBeCallableWith({ userId: 1, cart: { items: [] } })
    expect(codec.seal).type.not.toBeCallableWith('userId')
    expect(codec.seal).type.not.toBeCallableWith(1)
    expect<TokenData>().type.toBe<Record<string, unknown>>()
  })

  test('reads each as unknown', () => {
    const opened = codec.open('token')
    if (opened.ok) expect(opened.data['userId']).type.toBe<unknown>()
  })

  test('is typed by a type argument', () => {
    expect(createSessionCodec<Ticket>({ key: 'key' })).type.toBe<Promise<SessionCodec<Ticket>>>()
  })
})
