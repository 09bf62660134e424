import type { FastifyReply } from 'fastify'

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
