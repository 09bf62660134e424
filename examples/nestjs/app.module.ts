import { Module } from '@nestjs/common'
import { AuthController } from './auth.controller.js'
import { EventsController } from './events.controller.js'
import { UsersService } from './users.service.js'

@Module({
  controllers: [AuthController, EventsController],
  providers: [UsersService]
})
export class AppModule {}
