import { Controller, Res, Session, Sse, UseGuards, type MessageEvent } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Session as SealedSession } from 'fastify-sealed-session'
import { of, type Observable } from 'rxjs'
import { LoggedInGuard } from './logged-in.guard.js'

@Controller()
@UseGuards(LoggedInGuard)
export class EventsController {
  // Nest writes such a response itself, past the hook that adds the cookie.
  @Sse('events')
  async events (@Session() session: SealedSession, @Res({ passthrough: true }) reply: FastifyReply): Promise<Observable<MessageEvent>> {
    session.visits = 0
    await reply.sessionCookies() // puts it among the headers, which Nest sends
    return of({ data: `Hello ${session.name}` })
  }
}
