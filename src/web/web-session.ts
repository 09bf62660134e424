import type { RequestSession } from '../http/request-session.ts'
import { stateOf } from '../session/info.ts'
import { sessionHandler } from '../session/properties.ts'
import type { SessionState } from '../session/session.ts'
import type { Session } from '../types.ts'
import type { WebReply } from './web-exchange.ts'
import type { WebResponseHeaders, WebSession } from './types.ts'

/** Session as handlers see it, with one more method. */
interface CommitHandler extends ProxyHandler<SessionState> {
  commit: WebSession['commit']
}

/** Shared by all sessions: each has a handler of its own that inherits from this one and has its method. */
const handler: ProxyHandler<SessionState> = {
  ...sessionHandler,
  get (this: CommitHandler, state, key, receiver) {
    // As with the other methods, a key of that name is stored and read through `set` and `get`.
    return key === 'commit' ? this.commit : sessionHandler.get?.(state, key, receiver)
  }
}

/** A session that can be committed. @param session as an app on Fastify would have it. */
export function committable (session: Session, held: RequestSession, reply: WebReply): WebSession {
  // One after the other: they share the reply, which knows one response at a time.
  let last: Promise<unknown> = Promise.resolve()
  const commit = async (headers: WebResponseHeaders): Promise<void> => {
    const own = last.then(async () => { await commitTo(headers, held, reply) })
    last = own.catch(() => {}) // its own caller hears of it
    await own
  }
  return new Proxy(stateOf(session), Object.assign(Object.create(handler) as CommitHandler, { commit })) as unknown as WebSession
}

async function commitTo (headers: WebResponseHeaders, held: RequestSession, reply: WebReply): Promise<void> {
  reply.begin(headers)
  await held.send(reply)
  await held.sendAgain(reply) // it may have been written meanwhile
  reply.leave()
}
