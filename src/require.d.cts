/// <reference path="../esm/index.d.ts" />
// Types of the export of `require()` of this package. All of them are those of types.ts, under the
// same symbols: a type that is only equal would leave the compiler no name for what an app exports.
// SessionData has a declaration here, for `declare module` in files that use `require()` to extend.
//
// The reference is for programs in which a file resolves this package in another way than the
// compiler does when it looks for a name.
import type {
  Session, SessionMethods, SessionKey, SessionSecret, Format, RefusalReason, SessionInfo,
  SessionOpenMessage, SessionSealMessage, TokenData, Unsign, OpenedToken, SessionCodec,
  KeyFileOptions, StandardSchema, StandardResult, StandardIssue, InferSession, SessionSerializer,
  SessionOptions, SessionKeyOptions, SessionSecretOptions, SecureSessionPluginOptions,
  SecureSessionOptions, FastifySecureSession, DecodeLog, CookieRequest,
  SessionGuard, GuardedReply, GuardKey, GuardOptions, RequireSessionOptions, RequireFreshOptions, NotFreshError,
  SessionData as DeclaredSessionData
} from './types.ts'
import * as keyring from './keys/keyring.ts'
import * as codec from './session-codec.ts'
import * as info from './session/info.ts'
import * as authentication from './session/authenticated.ts'
import * as guards from './fastify/guards.ts'

declare function plugin (...parameters: Parameters<FastifySecureSession>): ReturnType<FastifySecureSession>

declare namespace plugin {
  export const fastifySecureSession: FastifySecureSession
  export { fastifySecureSession as default }
  export import Keyring = keyring.Keyring
  export import generateKey = keyring.generateKey
  export import createSessionCodec = codec.createSessionCodec
  export import sessionInfo = info.sessionInfo
  export import authenticated = authentication.authenticated
  export import requireSession = guards.requireSession
  export import requireFresh = guards.requireFresh
  export interface SessionData {}
  export type {
    Session, SessionMethods, SessionKey, SessionSecret, Format, RefusalReason, SessionInfo,
    SessionOpenMessage, SessionSealMessage, TokenData, Unsign, OpenedToken, SessionCodec,
    KeyFileOptions, StandardSchema, StandardResult, StandardIssue, InferSession, SessionSerializer,
    SessionOptions, SessionKeyOptions, SessionSecretOptions, SecureSessionPluginOptions,
    SecureSessionOptions, FastifySecureSession, DecodeLog, CookieRequest, DeclaredSessionData,
    SessionGuard, GuardedReply, GuardKey, GuardOptions, RequireSessionOptions, RequireFreshOptions, NotFreshError
  }
}

export = plugin
