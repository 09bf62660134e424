import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'

/** Lets in whoever has logged in. */
@Injectable()
export class LoggedInGuard implements CanActivate {
  canActivate (context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<FastifyRequest>()
    // A session that opens is not one that is logged in: one may begin before the login.
    if (session.name === undefined) throw new UnauthorizedException()
    return true
  }
}
