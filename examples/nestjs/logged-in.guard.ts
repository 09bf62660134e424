import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'

/** Lets in a user who is logged in. */
@Injectable()
export class LoggedInGuard implements CanActivate {
  canActivate (context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<FastifyRequest>()
    // A session may begin before the login, and opens then as well: ask for the user.
    if (session.name === undefined) throw new UnauthorizedException()
    return true
  }
}
