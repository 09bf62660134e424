import { Injectable } from '@nestjs/common'

@Injectable()
export class UsersService {
  /** Who is logged in with this: your password check. */
  check (name: string): string {
    return name
  }
}
