import { Injectable } from '@nestjs/common'

@Injectable()
export class UsersService {
  /** Name of the user who logs in: your password check goes here. */
  check (name: string): string {
    return name
  }

  /** Removes the account: your database goes here. */
  remove (_name: string): void {}
}
