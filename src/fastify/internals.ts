import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { kReply } from '../http/exchange.ts'

// Code of the app's that runs outside of any catch, so that an error of it would end the process: log
// serializers before the first hook and after the response, `frameworkErrors`.

/** Fastify's own, under symbols that it does not export. */
interface Internals {
  'fastify.hooks': { onRequest: unknown[] }
  'fastify.children': object[]
  'fastify.options': { frameworkErrors?: FrameworkErrors }
  'fastify.Request': new (id: string, params: object, raw: object, query: object, log: unknown, context: object) => FastifyRequest
  'fastify.Reply': { new (raw: object, request: FastifyRequest, log: unknown): FastifyReply, prototype: FastifyReply }
}
type FrameworkErrors = (this: unknown, error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown

/**
 * Fastify's internal value. Undefined if this version of Fastify has it no more: code that depends on it is
 * then left out.
 */
export function internalOf<Name extends keyof Internals> (app: object, name: Name): Internals[Name] | undefined {
  for (let owner = app; owner !== null; owner = Object.getPrototypeOf(owner) as object) {
    const symbol = Object.getOwnPropertySymbols(owner).find(({ description }) => description === name)
    if (symbol !== undefined) return (owner as Record<symbol, Internals[Name]>)[symbol]
  }
}

/** Hooks that note the reply of a request, as Fastify has them. */
const firstHooks = new WeakSet<object>()

function isFirst (hook: unknown): boolean {
  return typeof hook === 'function' && firstHooks.has(hook)
}

const onRequestHooksOf = (app: object): unknown[] => internalOf(app, 'fastify.hooks')?.onRequest ?? []

/** Adds the hook that notes the reply of a request, before those that the app has added already. */
export function addFirstHook (app: FastifyInstance, hook: onRequestHookHandler): void {
  addOnRequest(app, hook, own => {
    firstHooks.add(own)
    moveToFront(app)
  })
}

/** Adds a hook right behind that one, before those that the app has added already. */
export function addBehindFirst (app: FastifyInstance, hook: onRequestHookHandler): void {
  addOnRequest(app, hook, own => {
    const hooks = onRequestHooksOf(app)
    const [index, place] = [hooks.indexOf(own), hooks.findIndex(isFirst) + 1]
    if (index > place) hooks.splice(place, 0, ...hooks.splice(index, 1))
  })
}

/**
 * Adds an `onRequest` hook, and gives `place` the function that Fastify has for it. It may be another one: @fastify/otel,
 * dd-trace and other tools that trace an app wrap its hooks.
 */
function addOnRequest (app: FastifyInstance, hook: onRequestHookHandler, place: (own: object) => void): void {
  let others: unknown[] = []
  app.after(() => { others = [...onRequestHooksOf(app)] })
  app.addHook('onRequest', hook)
  app.after(() => { // Fastify adds it a little later
    const own = onRequestHooksOf(app).find(hook => !others.includes(hook))
    if (typeof own === 'function') place(own)
  })
}

/** Also in the contexts within an app. */
function moveToFront (app: object): void {
  const hooks = onRequestHooksOf(app)
  const index = hooks.findIndex(isFirst)
  if (index > 0) hooks.unshift(...hooks.splice(index, 1))
  for (const child of internalOf(app, 'fastify.children') ?? []) moveToFront(child)
}

/**
 * True if Fastify catches an error that is thrown now, and answers with it: from the first hook until the
 * response is on its way.
 */
export function isCaught (request: FastifyRequest): boolean {
  const reply = (request as { [kReply]?: FastifyReply | null })[kReply]
  if (reply == null) return !hasFirstHook(request.server)
  const { raw } = reply
  return !(raw.headersSent || raw.writableEnded || raw.destroyed || (request.raw as { aborted?: boolean }).aborted === true)
}

/** False for a version of Fastify in which the hook could not be put first: nobody knows then if it still has to run. */
function hasFirstHook (app: object): boolean {
  return isFirst(onRequestHooksOf(app)[0])
}

/**
 * Has the requests that `frameworkErrors` is given answer for a session, too: Fastify makes them without the
 * decorators of an app's requests.
 */
export function decorateFrameworkErrors (app: FastifyInstance, name: string, get: (request: FastifyRequest) => unknown): void {
  const options = internalOf(app, 'fastify.options')
  const { frameworkErrors } = options ?? {}
  if (options === undefined || frameworkErrors === undefined) return
  options.frameworkErrors = function (error, request, reply) {
    if (!(name in request)) Object.defineProperty(request, name, { configurable: true, enumerable: true, get: () => get(request), set: () => {} })
    return frameworkErrors.call(this, error, request, reply)
  }
}

type Done = (error?: Error) => void

/**
 * Waits within a reply that has been given to Fastify, and has it count as sent until then.
 *
 * Fastify takes a reply for sent when its response has ended. An async handler or hook that calls
 * `reply.send()` and does not return the reply is done before that if something has to be awaited: Fastify
 * would answer a second time, which ends the process, or would run a handler although a hook has refused.
 * @param done called once, as soon as the reply is itself again.
 */
export function waitAsSent (reply: FastifyReply, waiting: Promise<void>, done: Done): void {
  const finish = (error?: Error): void => {
    release(reply)
    finishOnce(done, error)
  }
  const over = waiting.then(() => { finish() }, finish).catch((error: unknown) => {
    // Fastify had nothing left to answer with. Nobody else waits for this promise.
    reply.log.error({ err: error }, 'the reply could not be finished')
    reply.raw.destroy()
  })
  Object.defineProperties(reply, {
    sent: { configurable: true, enumerable: true, value: true },
    // `return reply` waits for the end of the response, which is not there yet: asked too early, Fastify would go on at once.
    then: { configurable: true, value: async (...callbacks: Parameters<FastifyReply['then']>) => { await over; reply.then(...callbacks) } }
  })
}

/** Gives Fastify's own `sent` and `then` back, which are on the prototype. */
function release (reply: FastifyReply): void {
  Reflect.deleteProperty(reply, 'sent')
  Reflect.deleteProperty(reply, 'then')
}

/** Goes on with the reply. If that throws, the error is the reply's: Fastify does the same for a hook that returns a promise. */
function finishOnce (done: Done, error: Error | undefined): void {
  if (error !== undefined) return done(error)
  try {
    done()
  } catch (error) {
    done(error as Error)
  }
}
