// The ways in which programs import @fastify/secure-session and use its types: one file of a
// program each. Found in public apps that use it, in the documentation of Fastify and NestJS, and
// in the peer's own type tests.

/** Code by title. */
export type Styles = Readonly<Record<string, string>>

const NAME = '@fastify/secure-session'
const KEY = 'declare const key: Buffer'

/** Programs that declare no keys of a session. */
export const UNDECLARED: Styles = {
  // Ways to import the plugin

  'a default import is the plugin': `
    import Fastify from 'fastify'
    import secureSession from '${NAME}'
    ${KEY}
    const app = Fastify()
    app.register(secureSession, { key, cookie: { path: '/' } })
    app.get('/', async request => request.session.get('userId'))`,

  'a default import is a namespace of types': `
    import secureSession from '${NAME}'
    declare const session: secureSession.Session
    declare const typed: secureSession.Session<{ name: string }>
    declare const options: secureSession.SecureSessionPluginOptions
    export const name: string | undefined = typed.get('name')
    session.touch()
    options.sessionName = 'session'`,

  'a default import has the plugin as default, and by its name': `
    import Fastify from 'fastify'
    import secureSession from '${NAME}'
    ${KEY}
    Fastify().register(secureSession.default, { key }).register(secureSession.fastifySecureSession, { key })`,

  'a default import of types only is a namespace': `
    import type secureSession from '${NAME}'
    declare const session: secureSession.Session
    session.touch()`,

  'a named import is the plugin': `
    import Fastify from 'fastify'
    import { fastifySecureSession } from '${NAME}'
    ${KEY}
    const app = Fastify()
    app.register(fastifySecureSession, { key })
    app.get('/', async request => request.session.get('userId'))`,

  'a named import of the default is the plugin': `
    import Fastify from 'fastify'
    import { default as secureSession } from '${NAME}'
    ${KEY}
    Fastify().register(secureSession, { key })`,

  'named imports are types': `
    import { SecureSessionPluginOptions, Session } from '${NAME}'
    declare const options: SecureSessionPluginOptions
    declare const session: Session<{ name: string }>
    export const name: string | undefined = session.name ?? options.sessionName`,

  'named imports of types only are types': `
    import type { SecureSessionPluginOptions, Session } from '${NAME}'
    declare const options: SecureSessionPluginOptions
    declare const session: Session
    session.options(options.cookie ?? {})`,

  'an inline import of a type is a type': `
    import secureSession, { type Session } from '${NAME}'
    export const use = (session: Session): typeof secureSession => { session.delete(); return secureSession }`,

  'a namespace import has the plugin as default': `
    import Fastify from 'fastify'
    import * as everything from '${NAME}'
    ${KEY}
    Fastify().register(everything.default, { key })`,

  'a namespace import has the plugin by its name': `
    import Fastify from 'fastify'
    import * as everything from '${NAME}'
    ${KEY}
    Fastify().register(everything.fastifySecureSession, { key })`,

  'a namespace import is the plugin': `
    import Fastify from 'fastify'
    import * as secureSession from '${NAME}'
    ${KEY}
    Fastify().register(secureSession, { key })`,

  'a namespace import has the types': `
    import * as secureSession from '${NAME}'
    declare const session: secureSession.Session<{ name: string }>
    declare const options: secureSession.SecureSessionPluginOptions
    export const name: string | undefined = session.get('name') ?? options.cookieName`,

  'import = require() is the plugin': `
    import Fastify = require('fastify')
    import secureSession = require('${NAME}')
    ${KEY}
    Fastify().register(secureSession, { key })
    Fastify().register(secureSession.default, { key })
    Fastify().register(secureSession.fastifySecureSession, { key })`,

  'import = require() is a namespace of types': `
    import secureSession = require('${NAME}')
    declare const session: secureSession.Session
    declare const options: secureSession.SecureSessionPluginOptions
    session.options(options.cookie ?? {})`,

  'import type = require() is a namespace of types': `
    import type secureSession = require('${NAME}')
    declare const session: secureSession.Session
    session.touch()
    export {}`,

  'require() is whatever it is taken for': `
    import Fastify from 'fastify'
    const secureSession = require('${NAME}')
    ${KEY}
    Fastify().register(secureSession, { key })`,

  'import() is given to register': `
    import Fastify from 'fastify'
    ${KEY}
    Fastify().register(import('${NAME}'), { key })`,

  'import() has the plugin as default': `
    import Fastify from 'fastify'
    ${KEY}
    export async function start () {
      const { default: secureSession } = await import('${NAME}')
      return await Fastify().register(secureSession, { key })
    }`,

  'import() has the plugin by its name': `
    import Fastify from 'fastify'
    ${KEY}
    export async function start () {
      const { fastifySecureSession } = await import('${NAME}')
      await Fastify().register(fastifySecureSession, { key })
    }`,

  'types are imported where they are used': `
    type Session = import('${NAME}').Session<{ name: string }>
    export const use = (session: Session): string | undefined => session.name`,

  'the type of the module is that of the plugin': `
    export const use = (plugin: typeof import('${NAME}')): string => plugin.name`,

  'a default import by `typeof import()`': `
    export const use = (plugin: typeof import('${NAME}').default): string => plugin.name`,

  'an import for its side effect types request.session': `
    import type { FastifyRequest } from 'fastify'
    import '${NAME}'
    export const touch = (request: FastifyRequest): void => { request.session.touch() }`,

  'a reference types request.session': `
    /// <reference types="${NAME}" />
    import type { FastifyRequest } from 'fastify'
    export const touch = (request: FastifyRequest): void => { request.session.touch() }`,

  'all names are exported again': `
    export * from '${NAME}'`,

  'an imported default is exported again': `
    import secureSession from '${NAME}'
    export default secureSession`,

  'the default is exported again': `
    export { default } from '${NAME}'
    export { default as secureSession, fastifySecureSession } from '${NAME}'`,

  'types are exported again': `
    export type { SecureSessionPluginOptions, Session } from '${NAME}'`,

  'a namespace is exported again': `
    export * as secureSession from '${NAME}'`,

  // The file that the peer has its types in

  'named types from /types': `
    import type { SecureSessionPluginOptions, Session } from '${NAME}/types'
    export const use = (session: Session, options: SecureSessionPluginOptions): void => { session.options(options.cookie ?? {}) }`,

  'named imports from /types': `
    import { SecureSessionPluginOptions, Session } from '${NAME}/types'
    export const use = (session: Session, options: SecureSessionPluginOptions): void => { session.options(options.cookie ?? {}) }`,

  'the default from /types': `
    import type secureSession from '${NAME}/types'
    export const use = (session: secureSession.Session): void => { session.touch() }`,

  'a namespace from /types': `
    import type * as secureSession from '${NAME}/types'
    export const use = (session: secureSession.Session): void => { session.touch() }`,

  'types from /types where they are used': `
    export const use = (session: import('${NAME}/types').Session): void => { session.touch() }`,

  'named types from /types/index': `
    import type { Session } from '${NAME}/types/index'
    export const use = (session: Session): void => { session.touch() }`,

  'named types from /types/index.js': `
    import type { Session } from '${NAME}/types/index.js'
    export const use = (session: Session): void => { session.touch() }`,

  'named types from /types/index.d.ts': `
    import type { Session } from '${NAME}/types/index.d.ts'
    export const use = (session: Session): void => { session.touch() }`,

  // Options

  'options are those of one session': `
    import Fastify from 'fastify'
    import { fastifySecureSession as secureSession } from '${NAME}'
    import type { SecureSessionPluginOptions } from '${NAME}'
    declare const isTest: boolean
    const salt = Buffer.alloc(16)
    const options: SecureSessionPluginOptions = isTest
      ? { secret: 'averylogphrasebiggerthanthirtytwochars', salt }
      : { key: ['a', Buffer.alloc(32)], sessionName: 'session', cookieName: 'sid', expiry: 60, cookie: { path: '/', httpOnly: true, secure: 'auto', sameSite: 'lax' } }
    const app = Fastify()
    app.register(secureSession, options)
    app.register(secureSession, { ...options, prefix: '/', logLevel: 'warn' })
    app.register(secureSession, () => options)`,

  'options are a list': `
    import Fastify from 'fastify'
    import { fastifySecureSession as secureSession } from '${NAME}'
    import type { SecureSessionPluginOptions } from '${NAME}'
    ${KEY}
    const list: (SecureSessionPluginOptions & { sessionName: string })[] = [{ sessionName: 'one', key }]
    const named: (SecureSessionPluginOptions & Required<Pick<SecureSessionPluginOptions, 'sessionName'>>)[] = [{ sessionName: 'two', secret: key, salt: key }]
    const app = Fastify()
    app.register(secureSession, list)
    app.register(secureSession, named)
    app.register(secureSession, [{ sessionName: 'three', key }, { sessionName: 'four', key }])`,

  'options are read from the plugin\'s parameters': `
    import type { FastifyRegisterOptions } from 'fastify'
    import { fastifySecureSession as secureSession } from '${NAME}'
    import type { SecureSessionPluginOptions } from '${NAME}'
    ${KEY}
    export const options: Parameters<typeof secureSession>[1] = { key }
    export const registered: FastifyRegisterOptions<SecureSessionPluginOptions> = { key, prefix: '/' }`,

  'an interface of options extends those of a session': `
    import type { SecureSessionPluginOptions } from '${NAME}'
    export type Settings = SecureSessionPluginOptions & { url: string }
    export const settings: Settings = { key: 'key', url: '/' }
    export const parts: Pick<SecureSessionPluginOptions, 'cookie' | 'expiry'> = { cookie: { path: '/' }, expiry: 1 }
    export const partly: Partial<SecureSessionPluginOptions> = { cookieName: 'sid' }`,

  // The plugin as a value

  'the plugin is a callback plugin': `
    import type { FastifyPluginCallback } from 'fastify'
    import { fastifySecureSession } from '${NAME}'
    import type { SecureSessionPluginOptions } from '${NAME}'
    export const plugin: FastifyPluginCallback<SecureSessionPluginOptions> = fastifySecureSession`,

  'the plugin is called by another one': `
    import type { FastifyPluginCallback } from 'fastify'
    import { fastifySecureSession } from '${NAME}'
    ${KEY}
    export const plugin: FastifyPluginCallback = (app, options, done) => { fastifySecureSession(app, { key, ...options }, done) }`,

  'the plugin is registered by another one': `
    import fp from 'fastify-plugin'
    import { fastifySecureSession } from '${NAME}'
    import type { SecureSessionPluginOptions } from '${NAME}'
    export default fp<SecureSessionPluginOptions>(async (app, options) => {
      await app.register(fastifySecureSession, options)
      app.addHook('preHandler', async request => { request.session.set })
    }, { name: 'session' })`,

  'an app of HTTP/2 registers it': `
    import Fastify from 'fastify'
    import { fastifySecureSession } from '${NAME}'
    ${KEY}
    const app = Fastify({ http2: true })
    app.register(fastifySecureSession, { key })
    app.get('/', async request => request.session.get('userId'))`,

  // Sessions

  'a key that is not declared is any': `
    import type { FastifyRequest } from 'fastify'
    import type { Session } from '${NAME}'
    declare const request: FastifyRequest
    declare const session: Session
    declare const profile: Session<{ name: string }>
    export const id: string = request.session.get('userId')
    export const name: number = session.get('user').name.length
    export const count = (session.get('count') || 0) + 1
    export const visits: number = profile.get('visits')
    const { get } = session
    export const theme: string = get('theme')
    for (const item of session.get('items')) item.use()
    declare const anyKey: string
    session.get(anyKey).use()`,

  'what get returns is any': `
    import type { Session } from '${NAME}'
    declare const value: ReturnType<Session['get']>
    export const use = (): string => value.name`,

  'a decorator of NestJS\'s documentation': `
    import type { FastifyRequest } from 'fastify'
    import type * as secureSession from '${NAME}'
    export function findAll (session: secureSession.Session): void {
      const visits = session.get('visits')
      const next: number = visits ? visits + 1 : 1
      session.data()
      void next
    }
    export const run = (request: FastifyRequest): void => findAll(request.session)`,

  'functions over sessions': `
    import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
    import type { Session } from '${NAME}'
    declare const app: FastifyInstance
    declare const profile: Session<{ name: string, visits?: number }>
    export function logOut (request: FastifyRequest, reply: FastifyReply): void {
      request.session.delete()
      request.session.changed = true
      request.session.deleted = false
      request.session.options({ maxAge: 60, path: '/', sameSite: 'none', secure: true })
      request.session.regenerate()
      request.session.regenerate(['name'])
      reply.send(request.session.data())
    }
    export const read = <T, Key extends keyof T>(session: Session<T>, key: Key): T[Key] | undefined => session.get(key)
    export const end = (session: Session): void => { session.delete() }
    end(profile)
    profile.set('name', 'Ada')
    profile.set('visits', undefined)
    export const visits: number | undefined = profile.visits ?? read(profile, 'visits')
    export const token: string = app.encodeSecureSession(app.createSecureSession({ name: 'Ada' }))
    export const other: string = app.encodeSecureSession(profile, 'profile')
    export const opened: Session | null = app.decodeSecureSession(token)
    export const logged: Session | null = app.decodeSecureSession(token, app.log, 'profile')
    export const named: Session<{ name: string }> | null = app.decodeSecureSession(token)`,

  'types made from those of a request': `
    import type { FastifyInstance, FastifyRequest } from 'fastify'
    import '${NAME}'
    type Own = FastifyRequest['session']
    export type Attributes = Parameters<Own['options']>[0]
    export type Fields = Parameters<Own['regenerate']>[0]
    export type Data = NonNullable<ReturnType<Own['data']>>
    export const attributes: Attributes = { path: '/' }
    export const fields: Fields = ['a']
    export const token: Parameters<FastifyInstance['decodeSecureSession']>[0] = 'token'
    export const opened = (app: FastifyInstance, ...all: Parameters<FastifyInstance['decodeSecureSession']>): Own | null => app.decodeSecureSession(...all)
    export interface WithUser extends FastifyRequest { user: string }
    export const use = (request: WithUser): void => { request.session.touch() }`,

  'sessions that tests make': `
    import type { FastifyInstance, FastifyRequest } from 'fastify'
    import type { Session } from '${NAME}'
    const values: Record<string, any> = {}
    export const whole = {
      changed: false,
      deleted: false,
      get: (key: string) => values[key],
      set: (key: string, value: any) => { values[key] = value },
      data: () => values,
      delete: () => {},
      options: () => {},
      touch: () => {},
      regenerate: () => {}
    } as Session
    export const part: Partial<Session> = { get: (key: string) => values[key], delete () {} }
    export const request = { session: { get: () => 'Ada' } } as unknown as FastifyRequest
    export const assigned = (request: FastifyRequest, app: FastifyInstance): void => { request.session = app.createSecureSession({ userId: 1 }) }
    export const opened = (request: FastifyRequest, app: FastifyInstance): void => { request.session = app.decodeSecureSession('')! }
    export const literal: Session = {
      changed: false,
      deleted: false,
      get: (key: string): any => values[key],
      set: (key: string, value: any) => { values[key] = value },
      data: () => values,
      delete: () => {},
      options: () => {},
      touch: () => {},
      regenerate: () => {}
    }`,

  'sessions with names of their own': `
    import type { FastifyRequest } from 'fastify'
    import secureSession, { type Session } from '${NAME}'
    declare module 'fastify' {
      interface FastifyRequest {
        namedFirst: Session<{ first: string }>
        namedSecond: secureSession.Session<{ second: number }>
      }
    }
    export const first = (request: FastifyRequest): string | undefined => request.namedFirst.get('first') ?? request.namedFirst.first
    export const second = (request: FastifyRequest): number | undefined => request.namedSecond.get('second') ?? request.namedSecond.second`,

  'sessions with names of their own, by named types': `
    import type { FastifyRequest } from 'fastify'
    import { Session } from '${NAME}'
    declare module 'fastify' {
      interface FastifyRequest {
        namedThird: Session<{ third: string }>
      }
    }
    export const third = (request: FastifyRequest): string | undefined => request.namedThird.third
    export const set = (request: FastifyRequest): void => { request.namedThird.third = 'x'; request.namedThird.set('third', 'y') }`,

  'sessions with names of their own, by import = require()': `
    import type { FastifyRequest } from 'fastify'
    import secureSession = require('${NAME}')
    declare module 'fastify' {
      interface FastifyRequest {
        namedFourth: secureSession.Session<{ fourth: string }>
      }
    }
    export const fourth = (request: FastifyRequest): string | undefined => request.namedFourth.fourth`
}

/**
 * Programs that export what has a type of the plugin's, so that emitted declarations have to name
 * it. They are by themselves: a file that exports the types again would lend them its name for it.
 */
export const EXPORTED: Styles = {
  'an exported function gives the session of a request': `
    import type { FastifyRequest } from 'fastify'
    import '${NAME}'
    export const sessionOf = (request: FastifyRequest) => request.session
    export function dataOf (request: FastifyRequest) { return request.session.data() }
    export const getOf = ({ session: { get, set, options } }: FastifyRequest) => ({ get, set, options })
    export class Sessions {
      constructor (private readonly request: FastifyRequest) {}
      get current () { return this.request.session }
      read (key: string) { return this.request.session.get(key) }
    }`,

  'an exported function gives the session of a request whose types come from elsewhere': `
    import type { FastifyRequest } from 'fastify'
    export const sessionOf = (request: FastifyRequest) => request.session
    export const dataOf = (request: FastifyRequest) => request.session.data()`,

  'an exported function makes sessions': `
    import type { FastifyInstance } from 'fastify'
    import '${NAME}'
    export const make = (app: FastifyInstance) => app.createSecureSession({ userId: 1 })
    export const open = (app: FastifyInstance, token: string) => app.decodeSecureSession(token)
    export const both = ({ createSecureSession, decodeSecureSession, encodeSecureSession }: FastifyInstance) => ({ createSecureSession, decodeSecureSession, encodeSecureSession })`,

  'an exported plugin, by default import': `
    import secureSession from '${NAME}'
    export const plugin = secureSession
    export const plugins = { secureSession }`,

  'an exported plugin, by named import': `
    import { fastifySecureSession } from '${NAME}'
    export const plugin = fastifySecureSession
    export const plugins = [fastifySecureSession] as const
    export type Options = Parameters<typeof fastifySecureSession>[1]`,

  'an exported plugin, by import = require()': `
    import secureSession = require('${NAME}')
    export const plugin = secureSession
    export const options = (options: secureSession.SecureSessionPluginOptions) => ({ ...options })`,

  'an exported plugin, by namespace import': `
    import * as secureSession from '${NAME}'
    export const plugin = secureSession
    export const both = [secureSession.default, secureSession.fastifySecureSession]`,

  'exported options': `
    import type { SecureSessionPluginOptions } from '${NAME}'
    declare const given: SecureSessionPluginOptions
    export const options = given
    export const changed = { ...given, cookieName: 'sid' }
    export const cookie = given.cookie
    export const make = (key: Buffer) => ({ key, cookie: { path: '/' } }) satisfies SecureSessionPluginOptions
    export const typed = (key: Buffer): SecureSessionPluginOptions => ({ key })`,

  'exported sessions with types': `
    import type { Session } from '${NAME}'
    interface Profile { name: string }
    declare const profile: Session<Profile>
    export const exported = profile
    export const name = profile.name
    export const methods = { get: profile.get, set: profile.set, data: profile.data }
    export const generic = <T>(session: Session<T>) => session.data()`
}

/** Programs that declare keys of the session; each has names of its own. */
export const DECLARED: Styles = {
  'beside a default import': `
    import type { FastifyRequest } from 'fastify'
    import secureSession from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { byDefault: { name: string } }
    }
    export const plugin = secureSession
    export const read = ({ session }: FastifyRequest): string | undefined => session.get('byDefault')?.name ?? session.byDefault?.name ?? session.data()?.byDefault.name
    export const write = ({ session }: FastifyRequest): void => { session.set('byDefault', { name: 'Ada' }); session.byDefault = { name: 'Ada' } }`,

  'beside a named import': `
    import type { FastifyRequest } from 'fastify'
    import { type Session } from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { byName: string }
    }
    export const read = (session: Session): string | undefined => session.get('byName') ?? session.byName
    export const ofRequest = (request: FastifyRequest): string | undefined => read(request.session)`,

  'beside an import of the declared data': `
    import type { SessionData } from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { byData: string }
    }
    export const read = (data: SessionData): string => data.byData`,

  'beside an import for its side effect': `
    import type { FastifyRequest } from 'fastify'
    import '${NAME}'
    declare module '${NAME}' {
      interface SessionData { byEffect: string }
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.byEffect`,

  'beside no import': `
    import type { FastifyRequest } from 'fastify'
    declare module '${NAME}' {
      interface SessionData { byNothing: string }
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.byNothing`,

  'by an interface that extends another': `
    import type { FastifyRequest } from 'fastify'
    interface Login { byExtension: string }
    declare module '${NAME}' {
      interface SessionData extends Login {}
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.get('byExtension')`,

  'beside import = require()': `
    import type { FastifyRequest } from 'fastify'
    import secureSession = require('${NAME}')
    declare module '${NAME}' {
      interface SessionData { byRequire: string }
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.byRequire
    export const typed = (session: secureSession.Session): string | undefined => session.byRequire`,

  'beside a namespace import': `
    import type { FastifyRequest } from 'fastify'
    import * as secureSession from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { byNamespace: string }
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.byNamespace
    export const typed = (session: secureSession.Session): string | undefined => session.byNamespace`,

  'under /types': `
    import type { FastifyRequest } from 'fastify'
    declare module '${NAME}/types' {
      interface SessionData { byTypes: string }
    }
    export const read = (request: FastifyRequest): string | undefined => request.session.byTypes`,

  'with sessions of other names': `
    import type { FastifyRequest } from 'fastify'
    import type { Session } from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { ofFirst: string }
    }
    declare module 'fastify' {
      interface FastifyRequest { ofOther: Session<{ ofSecond: string }> }
    }
    export const read = (request: FastifyRequest): string | undefined => request.ofOther.ofSecond ?? request.session.ofFirst`,

  'and other keys are any': `
    import type { FastifyRequest } from 'fastify'
    declare module '${NAME}' {
      interface SessionData { ofAny: string }
    }
    export const read = (request: FastifyRequest): string => request.session.get('nobody declared').name`,

  'and an exported function gives the session': `
    import type { FastifyInstance, FastifyRequest } from 'fastify'
    declare module '${NAME}' {
      interface SessionData { ofExport: string }
    }
    export const sessionOf = (request: FastifyRequest) => request.session
    export const dataOf = (request: FastifyRequest) => request.session.data()
    export const valueOf = (request: FastifyRequest) => request.session.get('ofExport')
    export const make = (app: FastifyInstance) => app.createSecureSession()`,

  'and a function over sessions takes others': `
    import type { FastifyInstance } from 'fastify'
    import type { Session } from '${NAME}'
    declare module '${NAME}' {
      interface SessionData { ofFunction?: string }
    }
    declare const app: FastifyInstance
    declare const profile: Session<{ name: string }>
    export const end = (session: Session): void => { session.delete() }
    export const token = app.encodeSecureSession(app.createSecureSession({ ofFunction: 'x' }))`
}
