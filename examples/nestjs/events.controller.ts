import { Controller, Injectable, Session, Sse, UseGuards, type CanActivate, type ExecutionContext, type MessageEvent } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Session as SealedSession } from 'fastify-sealed-session'
import { of, type Observable } from 'rxjs'
import { LoggedInGuard } from './logged-in.guard.js'

/** Writes the session for a handler of events. */
@Injectable()
class NewCountGuard implements CanActivate {
  async canActivate (context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp()
    http.getRequest<FastifyRequest>().session.visits = 0
    await http.getResponse<FastifyReply>().sessionCookies() // puts the cookie among the headers that Nest sends
    return true
  }
}

@Controller()
export class EventsController {
  @Sse('events')
  @UseGuards(LoggedInGuard, NewCountGuard)
  events (@Session() session: SealedSession): Observable<MessageEvent> {
    return of({ data: `Hello ${session.name}` })
  }
}
