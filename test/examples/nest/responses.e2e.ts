// Each kind of response of Nest brings the cookie. The tests of examples/nestjs compile this file among those of the
// example, for Nest 11 and for Nest 12, and run it.
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import {
  Catch, Controller, Get, Header, HttpCode, Injectable, Module, Redirect, Render, Res, Session, Sse, StreamableFile, UnprocessableEntityException, UseFilters, UseGuards, UseInterceptors,
  type ArgumentsHost, type CallHandler, type CanActivate, type ExceptionFilter, type ExecutionContext, type MessageEvent, type NestInterceptor
} from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Session as SealedSession } from 'fastify-sealed-session'
import { map, of, throwError, type Observable } from 'rxjs'
import { newAdapter, OPTIONS, setUp } from './set-up.js'

const sessionOf = (host: ArgumentsHost): SealedSession => host.switchToHttp().getRequest<FastifyRequest>().session
const replyOf = (host: ArgumentsHost): FastifyReply => host.switchToHttp().getResponse<FastifyReply>()

async function * parts (): AsyncGenerator<string> {
  yield 'part'
}

class Taken extends Error {}

@Catch(Taken)
class TakenFilter implements ExceptionFilter {
  async catch (_error: Taken, host: ArgumentsHost): Promise<void> {
    sessionOf(host).visits = 2
    await replyOf(host).status(409).send({ taken: true })
  }
}

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate (context: ExecutionContext): boolean {
    sessionOf(context).visits = 1
    return false
  }
}

/** Answers in the place of the handler, as an interceptor does that keeps answers. */
@Injectable()
class KeptInterceptor implements NestInterceptor {
  intercept (context: ExecutionContext): Observable<string> {
    sessionOf(context).visits = 1
    return of('kept')
  }
}

/** Replaces the answer of the handler, and writes the session then. */
@Injectable()
class LateInterceptor implements NestInterceptor {
  intercept (context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map(() => {
      sessionOf(context).visits = 1
      return { late: true }
    }))
  }
}

/** Writes the session as docs/guide/nestjs.md says for events. */
@Injectable()
class EventsGuard implements CanActivate {
  async canActivate (context: ExecutionContext): Promise<boolean> {
    sessionOf(context).visits = 1
    await replyOf(context).sessionCookies()
    return true
  }
}

@Controller()
class ResponsesController {
  @Get('value')
  value (@Session() session: SealedSession): object {
    session.visits = 1
    return { value: true }
  }

  @Get('nothing')
  @HttpCode(204)
  nothing (@Session() session: SealedSession): void {
    session.visits = 1
  }

  @Get('observable')
  observable (@Session() session: SealedSession): Observable<string> {
    session.visits = 1
    return of('first', 'last')
  }

  @Get('res')
  async res (@Session() session: SealedSession, @Res() reply: FastifyReply): Promise<void> {
    session.visits = 1
    await reply.send('sent')
  }

  @Get('passthrough')
  passthrough (@Session() session: SealedSession, @Res({ passthrough: true }) reply: FastifyReply): string {
    session.visits = 1
    reply.status(202)
    return 'accepted'
  }

  @Get('raw')
  async raw (@Session() session: SealedSession, @Res() reply: FastifyReply): Promise<void> {
    session.visits = 1
    reply.raw.setHeader('set-cookie', await reply.sessionCookies())
    reply.raw.end('raw')
  }

  @Get('file')
  file (@Session() session: SealedSession): StreamableFile {
    session.visits = 1
    return new StreamableFile(Readable.from(['a file']))
  }

  @Get('redirect')
  @Redirect('/value')
  redirect (@Session() session: SealedSession): void {
    session.visits = 1
  }

  @Get('redirect-elsewhere')
  @Redirect('/value')
  redirectElsewhere (@Session() session: SealedSession): object {
    session.visits = 1
    return { url: '/file', statusCode: 303 }
  }

  @Get('render')
  @Render('page')
  render (@Session() session: SealedSession): object {
    session.visits = 1
    return {}
  }

  @Get('header')
  @Header('Set-Cookie', 'other=1')
  header (@Session() session: SealedSession): string {
    session.visits = 1
    return 'two cookies'
  }

  @Get('http-exception')
  httpException (@Session() session: SealedSession): void {
    session.visits = 1
    throw new UnprocessableEntityException()
  }

  @Get('error')
  error (@Session() session: SealedSession): void {
    session.visits = 1
    throw new Error('not for the client')
  }

  @Get('filter')
  @UseFilters(TakenFilter)
  filter (): void {
    throw new Taken()
  }

  @Get('guard')
  @UseGuards(RefusingGuard)
  guard (): void {}

  @Get('kept')
  @UseInterceptors(KeptInterceptor)
  kept (): void {}

  @Get('late')
  @UseInterceptors(LateInterceptor)
  late (): string {
    return 'replaced'
  }

  // Nest 12 sends the next two as they are. Nest 11 makes JSON of them.
  @Get('web-response')
  webResponse (@Session() session: SealedSession): Response {
    session.visits = 1
    return new Response('of the web', { headers: { 'set-cookie': 'other=1' } })
  }

  @Get('generator')
  generator (@Session() session: SealedSession): AsyncGenerator<string> {
    session.visits = 1
    return parts()
  }

  @Sse('events')
  @UseGuards(EventsGuard)
  events (): Observable<MessageEvent> {
    return of({ data: 'event' })
  }

  @Sse('events-promised')
  @UseGuards(EventsGuard)
  async eventsPromised (): Promise<Observable<MessageEvent>> {
    return of({ data: 'event' })
  }

  @Sse('events-failed')
  @UseGuards(EventsGuard)
  eventsFailed (): Observable<MessageEvent> {
    return throwError(() => new UnprocessableEntityException())
  }
}

@Module({ controllers: [ResponsesController] })
class ResponsesModule {}

let app: NestFastifyApplication

before(async () => {
  const module = await Test.createTestingModule({ imports: [ResponsesModule] }).compile()
  app = module.createNestApplication<NestFastifyApplication>(newAdapter(), { ...OPTIONS, logger: false })
  // Stands for @fastify/view, which sends the page with reply.send(), too.
  app.getHttpAdapter().getInstance().decorateReply('view', async function (this: FastifyReply) { return this.type('text/html').send('<p>') })
  await setUp(app)
  await app.listen(0, '127.0.0.1') // with sockets, which Nest 11 needs for events
})
after(async () => { await app.close() })

const STATUSES = {
  value: 200,
  nothing: 204,
  observable: 200,
  res: 200,
  passthrough: 202,
  raw: 200,
  file: 200,
  redirect: 302,
  'redirect-elsewhere': 303,
  render: 200,
  header: 200,
  'http-exception': 422,
  error: 500,
  filter: 409,
  guard: 403,
  kept: 200,
  late: 200,
  'web-response': 200,
  generator: 200,
  events: 200,
  'events-promised': 200,
  'events-failed': 422
}

for (const [path, status] of Object.entries(STATUSES)) {
  test(`/${path}: the response brings the cookie`, async () => {
    const response = await fetch(`${await app.getUrl()}/${path}`, { redirect: 'manual' })
    await response.text()
    assert.deepEqual([response.status, response.headers.getSetCookie().filter(line => line.startsWith('session=')).length], [status, 1])
  })
}
