// @fastify/passport without its types: they load those of the peer, which declare `request.session`
// too, as another type, in every file of the program that tsc checks.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, preValidationAsyncHookHandler } from 'fastify'
import { createRequire } from 'node:module'
import type OAuth2Strategy from 'passport-oauth2'

export interface Passport {
  initialize: () => FastifyPluginAsync
  secureSession: () => FastifyPluginAsync
  use: (strategy: OAuth2Strategy) => void
  authenticate: (name: string, options?: object) => preValidationAsyncHookHandler
  registerUserSerializer: (serialize: (user: string) => Promise<string>) => void
  registerUserDeserializer: (deserialize: (id: string) => Promise<string>) => void
}

/** What it adds to requests. */
export interface PassportRequest {
  user: string | null
  logIn: (user: string, options?: object) => Promise<void>
  logOut: () => Promise<void>
  flash: (type: string, message: string) => number
}

const { Authenticator } = createRequire(import.meta.url)('@fastify/passport') as { Authenticator: new () => Passport }

/** One whose users are names. */
export function newPassport (): Passport {
  const passport = new Authenticator()
  passport.registerUserSerializer(async name => name)
  passport.registerUserDeserializer(async name => name)
  return passport
}

export function passportRequest (request: FastifyRequest): PassportRequest {
  return request as unknown as PassportRequest
}

/** Takes the messages out of the session. */
export function takeFlash (reply: FastifyReply, type: string): unknown {
  return (reply as unknown as { flash: (type: string) => unknown }).flash(type)
}
