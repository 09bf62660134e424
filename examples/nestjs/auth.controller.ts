import { Body, Controller, Delete, Get, HttpCode, Post, Req, Session, UseGuards } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { authenticated, type Session as SealedSession } from 'fastify-sealed-session'
import { z } from 'zod'
import { CurrentUser } from './current-user.decorator.js'
import { FreshLoginGuard } from './fresh-login.guard.js'
import { LoggedInGuard } from './logged-in.guard.js'
import { SchemaPipe } from './schema.pipe.js'
import { UsersService } from './users.service.js'

const Credentials = z.object({ name: z.string().min(1).max(40), password: z.string().min(12).max(128) })
type Login = z.infer<typeof Credentials>

@Controller()
export class AuthController {
  constructor (private readonly users: UsersService) {}

  @Post('signup')
  @HttpCode(204)
  async signUp (@Body(new SchemaPipe(Credentials)) { name, password }: Login): Promise<void> {
    await this.users.add(name, password)
  }

  @Post('login')
  @HttpCode(204)
  async logIn (@Body(new SchemaPipe(Credentials)) { name, password }: Login, @Session() session: SealedSession): Promise<void> {
    await this.users.check(name, password)
    session.regenerate() // nothing from before the login lives on
    session.name = name
    authenticated(session) // FreshLoginGuard looks at this time
  }

  @Get('profile')
  @UseGuards(LoggedInGuard)
  profile (@CurrentUser() name: string, @Session() session: SealedSession): object {
    session.visits = (session.visits ?? 0) + 1
    return { name, visits: session.visits }
  }

  @Delete('account')
  @HttpCode(204)
  @UseGuards(LoggedInGuard, FreshLoginGuard)
  async remove (@CurrentUser() name: string, @Req() request: FastifyRequest): Promise<void> {
    this.users.remove(name)
    await request.server.revokeSubject(name) // other browsers are logged out, too
    request.session.delete()
  }

  @Post('logout')
  @HttpCode(204)
  logOut (@Session() session: SealedSession): void {
    session.delete() // for every copy of the cookie
  }

  @Post('logout-everywhere')
  @HttpCode(204)
  @UseGuards(LoggedInGuard)
  async logOutEverywhere (@CurrentUser() name: string, @Req() request: FastifyRequest): Promise<void> {
    await request.server.revokeSubject(name)
    request.session.delete()
  }
}
