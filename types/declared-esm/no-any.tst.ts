// No public type is `any`: checks that look at one would say nothing.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authenticated, createSessionCodec, generateKey, requireFresh, requireSession, sessionInfo, sessionSignal } from 'fastify-sealed-session'
import type {
  CookieRequest,
  DecodeLog,
  DecodeOptions,
  AnySession,
  DeviceInfo,
  DeclaredSessionData,
  DeclaredData,
  DeclaredSessions,
  FastifySecureSession,
  Format,
  GuardedReply,
  GuardKey,
  GuardOptions,
  HostCookieAttributes,
  InferSession,
  KeyFileOptions,
  KeyLoader,
  KeyLoadOptions,
  Keyring,
  NamedSession,
  NotFreshError,
  OpenedToken,
  PlainCookieName,
  RefusalReason,
  RefusedByBrowsers,
  RequireFreshOptions,
  RequireSessionOptions,
  SealedSessionOptions,
  SealedSessionPlugin,
  SealedSessionPluginOptions,
  SecureCookieAttributes,
  SecureSessionOptions,
  SecureSessionPluginOptions,
  Session,
  SessionCacheOptions,
  SessionCodec,
  SessionCodecOptions,
  SessionData,
  SessionGuard,
  SessionInfo,
  SessionKey,
  SessionKeyOptions,
  SessionLifecycleMessage,
  SessionMethods,
  SessionOpenMessage,
  SessionOptions,
  SessionRouteConfig,
  SessionSealMessage,
  SessionSecret,
  SessionSecretOptions,
  SessionSerializer,
  Sessions,
  StandardIssue,
  StandardResult,
  StandardSchema,
  TokenData,
  Unsign
} from 'fastify-sealed-session'
import { describe, expect, test } from 'tstyche'

type IsAny<T> = 0 extends 1 & T ? true : false

/** True for any, for functions that take or return it, and for arrays, promises and unions of it. */
type HasAny<T> =
  IsAny<T> extends true ? true
    : [T] extends [(...parameters: infer Parameters) => infer Result] ? Or<HasAny<Parameters[number]>, HasAny<Result>>
        : T extends ReadonlyArray<infer Item> ? IsAny<Item>
          : T extends PromiseLike<infer Value> ? IsAny<Value>
            : false

type Or<A, B> = true extends A | B ? true : false

/** The names of the members of T that have any in them; those of each type in a union. */
type AnyMembers<T> = T extends unknown ? { [Key in keyof T]-?: true extends HasAny<T[Key]> ? Key : never }[keyof T] : never

declare const session: Session
export const readDeclared = () => session.get('userId')

describe('the helpers of this file find `any`', () => {
  test('as a type', () => {
    expect<IsAny<any>>().type.toBe<true>()
    expect<IsAny<unknown>>().type.toBe<false>()
    expect<IsAny<never>>().type.toBe<false>()
  })

  test('as, and in, a member', () => {
    interface Members { is: any, takes (value: any): void, gives (): any, gathers: any[], promises (): Promise<any>, optional?: any, none: string, noneEither (): void }
    expect<AnyMembers<Members>>().type.toBe<'is' | 'takes' | 'gives' | 'gathers' | 'promises' | 'optional'>()
    expect<AnyMembers<{ none: 1 } | Members>>().type.toBe<AnyMembers<Members>>()
  })
})

test('no exported type is any', () => {
  expect<IsAny<Format>>().type.toBe<false>()
  expect<IsAny<GuardKey<'session'>>>().type.toBe<false>()
  expect<HasAny<SessionGuard>>().type.toBe<false>()
  expect<HasAny<SessionRouteConfig>>().type.toBe<false>()
  expect<AnyMembers<GuardOptions<string>>>().type.toBe<never>()
  expect<AnyMembers<GuardedReply>>().type.toBe<never>()
  expect<AnyMembers<NotFreshError>>().type.toBe<never>()
  expect<AnyMembers<RequireFreshOptions>>().type.toBe<never>()
  expect<AnyMembers<RequireSessionOptions>>().type.toBe<never>()
  expect<IsAny<KeyFileOptions>>().type.toBe<false>()
  expect<IsAny<RefusalReason>>().type.toBe<false>()
  expect<IsAny<SessionInfo>>().type.toBe<false>()
  expect<IsAny<SessionSecret>>().type.toBe<false>()
  expect<AnyMembers<KeyFileOptions>>().type.toBe<never>()
  expect<HasAny<KeyLoader>>().type.toBe<false>()
  expect<AnyMembers<KeyLoadOptions>>().type.toBe<never>()
  expect<IsAny<SealedSessionPlugin>>().type.toBe<false>()
  expect<IsAny<SealedSessionOptions>>().type.toBe<false>()
  expect<IsAny<SealedSessionPluginOptions>>().type.toBe<false>()
  expect<IsAny<PlainCookieName>>().type.toBe<false>()
  expect<AnyMembers<RefusedByBrowsers<'no'>>>().type.toBe<never>()
  expect<AnyMembers<SecureCookieAttributes>>().type.toBe<never>()
  expect<AnyMembers<HostCookieAttributes>>().type.toBe<never>()
  expect<AnyMembers<Keyring>>().type.toBe<never>()
  expect<AnyMembers<OpenedToken<{ key: string }>>>().type.toBe<never>()
  expect<AnyMembers<SessionCodec>>().type.toBe<never>()
  expect<IsAny<SessionCacheOptions>>().type.toBe<false>()
  expect<IsAny<SessionCodecOptions>>().type.toBe<false>()
  expect<AnyMembers<SessionInfo>>().type.toBe<never>()
  expect<AnyMembers<SessionOpenMessage>>().type.toBe<never>()
  expect<IsAny<InferSession<StandardSchema<unknown, string>>>>().type.toBe<false>()
  expect<AnyMembers<StandardIssue>>().type.toBe<never>()
  expect<AnyMembers<StandardResult>>().type.toBe<never>()
  expect<AnyMembers<StandardSchema['~standard']>>().type.toBe<never>()
  expect<AnyMembers<SessionSerializer>>().type.toBe<never>()
  expect<AnyMembers<SessionLifecycleMessage>>().type.toBe<never>()
  expect<AnyMembers<SessionSealMessage>>().type.toBe<never>()
  expect<AnyMembers<CookieRequest>>().type.toBe<never>()
  expect<IsAny<DecodeLog>>().type.toBe<false>()
  expect<AnyMembers<DecodeOptions>>().type.toBe<never>()
  expect<AnyMembers<DeviceInfo>>().type.toBe<never>()
  expect<IsAny<DeclaredSessionData>>().type.toBe<false>()
  expect<IsAny<DeclaredData>>().type.toBe<false>()
  expect<IsAny<DeclaredSessions>>().type.toBe<false>()
  expect<IsAny<Sessions>>().type.toBe<false>()
  expect<IsAny<AnySession>>().type.toBe<false>()
  expect<IsAny<NamedSession<'session'>>>().type.toBe<false>()
  expect<IsAny<FastifySecureSession>>().type.toBe<false>()
  expect<IsAny<SecureSessionOptions>>().type.toBe<false>()
  expect<IsAny<SecureSessionPluginOptions>>().type.toBe<false>()
  expect<IsAny<Session>>().type.toBe<false>()
  expect<IsAny<Session<{ key: string }>>>().type.toBe<false>()
  expect<IsAny<SessionData>>().type.toBe<false>()
  expect<IsAny<SessionKey>>().type.toBe<false>()
  expect<IsAny<SessionKeyOptions>>().type.toBe<false>()
  expect<IsAny<SessionMethods<SessionData>>>().type.toBe<false>()
  expect<IsAny<SessionOptions>>().type.toBe<false>()
  expect<IsAny<SessionSecretOptions>>().type.toBe<false>()
  expect<IsAny<TokenData>>().type.toBe<false>()
  expect<IsAny<Unsign>>().type.toBe<false>()
  expect<AnyMembers<ReturnType<Unsign>>>().type.toBe<never>()
})

test('no member of a session is any, takes any or gives any, but for a key that nobody declared, as with the peer', () => {
  expect<AnyMembers<Session>>().type.toBe<'get'>()
  expect<AnyMembers<Session<{ key: string }>>>().type.toBe<'get'>()
  expect<AnyMembers<SessionMethods<SessionData>>>().type.toBe<'get'>()
  expect<IsAny<ReturnType<typeof readDeclared>>>().type.toBe<false>()
  expect<AnyMembers<Parameters<Session['options']>[0]>>().type.toBe<never>()
})

test('no key of a session is any', () => {
  expect<IsAny<SessionData['userId']>>().type.toBe<false>()
  expect<IsAny<Session['userId']>>().type.toBe<false>()
})

test('no exported function takes or gives any', () => {
  expect<HasAny<typeof createSessionCodec>>().type.toBe<false>()
  expect<HasAny<typeof generateKey>>().type.toBe<false>()
  expect<HasAny<typeof sessionInfo>>().type.toBe<false>()
  expect<HasAny<typeof authenticated>>().type.toBe<false>()
  expect<HasAny<typeof sessionSignal>>().type.toBe<false>()
  expect<HasAny<typeof requireFresh>>().type.toBe<false>()
  expect<HasAny<typeof requireSession>>().type.toBe<false>()
})

test('no option is any', () => {
  expect<AnyMembers<SessionOptions>>().type.toBe<never>()
  expect<AnyMembers<SessionKeyOptions>>().type.toBe<never>()
  expect<AnyMembers<SessionSecretOptions>>().type.toBe<never>()
  expect<AnyMembers<SecureSessionPluginOptions>>().type.toBe<never>()
  expect<AnyMembers<NonNullable<SessionOptions['cookie']>>>().type.toBe<never>()
  expect<AnyMembers<NonNullable<SessionOptions['cookieOptions']>>>().type.toBe<never>()
})

test('nothing that the plugin adds to Fastify is any', () => {
  expect<HasAny<FastifySecureSession>>().type.toBe<false>()
  expect<IsAny<FastifyRequest['session']>>().type.toBe<false>()
  expect<HasAny<FastifyInstance['createSecureSession']>>().type.toBe<false>()
  expect<HasAny<FastifyInstance['decodeSecureSession']>>().type.toBe<false>()
  expect<HasAny<FastifyInstance['encodeSecureSession']>>().type.toBe<false>()
  expect<AnyMembers<DecodeLog>>().type.toBe<never>()
})
