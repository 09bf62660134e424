// The types of what `require()` of this package returns. All of them are those of types.ts; only
// SessionData has a declaration here, for `declare module` in files that use `require()` to extend.
import type * as types from './types.ts'
import * as keyring from './keys/keyring.ts'
import * as codec from './session-codec.ts'
import * as info from './session/info.ts'

declare function plugin (...parameters: Parameters<types.FastifySecureSession>): ReturnType<types.FastifySecureSession>

declare namespace plugin {
  export const fastifySecureSession: types.FastifySecureSession
  export { fastifySecureSession as default }
  export import Keyring = keyring.Keyring
  export import generateKey = keyring.generateKey
  export import createSessionCodec = codec.createSessionCodec
  export import sessionInfo = info.sessionInfo
  export interface SessionData {}
  export type Session<T = types.SessionData> = types.Session<T>
  export type SessionMethods<T> = types.SessionMethods<T>
  export type SessionKey = types.SessionKey
  export type SessionSecret = types.SessionSecret
  export type Format = types.Format
  export type RefusalReason = types.RefusalReason
  export type SessionInfo = types.SessionInfo
  export type SessionOpenMessage = types.SessionOpenMessage
  export type SessionSealMessage = types.SessionSealMessage
  export type TokenData = types.TokenData
  export type Unsign = types.Unsign
  export type OpenedToken<T = types.TokenData> = types.OpenedToken<T>
  export type SessionCodec<T = types.TokenData> = types.SessionCodec<T>
  export type KeyFileOptions = types.KeyFileOptions
  export type StandardSchema<Input = unknown, Output = Input> = types.StandardSchema<Input, Output>
  export type StandardResult<Output = unknown> = types.StandardResult<Output>
  export type StandardIssue = types.StandardIssue
  export type InferSession<Schema extends types.StandardSchema> = types.InferSession<Schema>
  export type SessionSerializer = types.SessionSerializer
  export type SessionOptions = types.SessionOptions
  export type SessionKeyOptions = types.SessionKeyOptions
  export type SessionSecretOptions = types.SessionSecretOptions
  export type SecureSessionPluginOptions = types.SecureSessionPluginOptions
  export type SecureSessionOptions = types.SecureSessionOptions
  export type FastifySecureSession = types.FastifySecureSession
  export type DecodeLog = types.DecodeLog
}

export = plugin
