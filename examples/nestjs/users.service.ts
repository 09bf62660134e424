import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { ConflictException, Injectable, UnauthorizedException } from '@nestjs/common'

interface User {
  salt: Buffer
  hash: Buffer
}

/** Checked for a name that nobody has: a login takes as long then, and its time does not tell which names there are. */
const NOBODY: User = { salt: randomBytes(16), hash: randomBytes(32) }

async function hashOf (password: string, salt: Buffer): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { N: 2 ** 14, r: 8, p: 5 }, (error, hash) => {
      if (error === null) resolve(hash)
      else reject(error)
    })
  })
}

/** Users of this process: your database goes here. */
@Injectable()
export class UsersService {
  private readonly users = new Map<string, User>()

  /** Adds a user. Keeps a hash of the password, never the password. */
  async add (name: string, password: string): Promise<void> {
    const salt = randomBytes(16)
    const hash = await hashOf(password, salt)
    if (this.users.has(name)) throw new ConflictException()
    this.users.set(name, { salt, hash })
  }

  /** Throws if this is not the password of this user. */
  async check (name: string, password: string): Promise<void> {
    const { salt, hash } = this.users.get(name) ?? NOBODY
    if (!timingSafeEqual(await hashOf(password, salt), hash)) throw new UnauthorizedException()
  }

  remove (name: string): void {
    this.users.delete(name)
  }
}
