// The client of Redis, and what stands for your table of users: a slow, salted hash in the place of each password.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { createClient } from 'redis'

/** Fails at once while Redis is away: requests must not pile up. */
export const redis = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', disableOfflineQueue: true })
redis.on('error', error => { console.error(`Redis: ${error.message}`) })
await redis.connect()

/** @typedef {{ salt: Buffer, hash: Buffer }} PasswordHash */
/** @typedef {{ passwordHash: PasswordHash, isAdmin: boolean }} User */

/** @type {(password: string, salt: Buffer, length: number) => Promise<any>} */
const slowHash = promisify(scrypt)

/**
 * @param {string} password
 * @param {Buffer} salt
 * @returns {Promise<PasswordHash>}
 */
export async function hashOf (password, salt = randomBytes(16)) {
  return { salt, hash: await slowHash(password, salt, 32) }
}

/** @type {Map<string, User>} */
const users = new Map([
  ['ada', { passwordHash: await hashOf('analytical engine'), isAdmin: false }],
  ['grace', { passwordHash: await hashOf('a nanosecond of wire'), isAdmin: true }]
])
const NOBODY = { salt: randomBytes(16), hash: randomBytes(32) } // takes as long to refuse as a wrong password

/**
 * @param {string} name
 * @param {string} password
 */
export async function isRight (name, password) {
  const { salt, hash } = users.get(name)?.passwordHash ?? NOBODY
  return timingSafeEqual((await hashOf(password, salt)).hash, hash)
}

/**
 * Saves another password. For a user who is not there, undefined included, it does nothing.
 * @param {string | undefined} name
 * @param {PasswordHash} passwordHash
 */
export function setPassword (name = '', passwordHash) {
  const user = users.get(name)
  if (user !== undefined) users.set(name, { ...user, passwordHash })
}

/** @param {string} name */
export function isAdmin (name) {
  return users.get(name)?.isAdmin === true
}
