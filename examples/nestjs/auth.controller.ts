import { Body, Controller, Delete, Get, HttpCode, Post, Session, UseGuards } from '@nestjs/common'
import { authenticated, type Session as SealedSession } from 'fastify-sealed-session'
import { z } from 'zod'
import { CurrentUser } from './current-user.decorator.js'
import { FreshLoginGuard } from './fresh-login.guard.js'
import { LoggedInGuard } from './logged-in.guard.js'
import { SchemaPipe } from './schema.pipe.js'
import { UsersService } from './users.service.js'

const Login = z.object({ name: z.string().min(1).max(40) })

@Controller()
export class AuthController {
  constructor (private readonly users: UsersService) {}

  @Post('login')
  @HttpCode(204)
  login (@Body(new SchemaPipe(Login)) body: z.infer<typeof Login>, @Session() session: SealedSession): void {
    const name = this.users.check(body.name)
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
  remove (@CurrentUser() name: string, @Session() session: SealedSession): void {
    this.users.remove(name)
    session.delete()
  }

  @Post('logout')
  @HttpCode(204)
  logout (@Session() session: SealedSession): void {
    session.delete()
  }
}
