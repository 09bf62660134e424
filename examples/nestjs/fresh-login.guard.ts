import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requireFresh } from 'fastify-sealed-session'

const check = requireFresh({ within: 300 }) // seconds

/** Lets in a user who has logged in within five minutes. */
@Injectable()
export class FreshLoginGuard implements CanActivate {
  async canActivate (context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp()
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()]
    const error = await new Promise<Error | undefined>(resolve => { check(request, reply, resolve) })
    if (error !== undefined) throw new ForbiddenException({ statusCode: 403, code: 'FRESH_LOGIN_REQUIRED', message: 'Log in again' })
    return true
  }
}
