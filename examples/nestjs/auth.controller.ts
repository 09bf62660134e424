import { Body, Controller, Get, HttpCode, Post, Session, UseGuards } from '@nestjs/common'
import type { Session as SealedSession } from 'fastify-sealed-session'
import { z } from 'zod'
import { LoggedInGuard } from './logged-in.guard.js'
import { UsersService } from './users.service.js'

const Login = z.object({ name: z.string().min(1).max(40) })

@Controller()
export class AuthController {
  constructor (private readonly users: UsersService) {}

  @Post('login')
  @HttpCode(204)
  login (@Body({ schema: Login }) body: z.infer<typeof Login>, @Session() session: SealedSession): void {
    const name = this.users.check(body.name)
    session.regenerate() // nothing from before the login lives on
    session.name = name
  }

  @Get('profile')
  @UseGuards(LoggedInGuard)
  profile (@Session() session: SealedSession): object {
    session.visits = (session.visits ?? 0) + 1
    return { name: session.name, visits: session.visits }
  }

  @Post('logout')
  @HttpCode(204)
  logout (@Session() session: SealedSession): void {
    session.delete()
  }
}
