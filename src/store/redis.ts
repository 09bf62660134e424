import { kindOf, fail } from '../errors.ts'
import { readText, refuseUnknown } from '../options/readers.ts'
import type { RevocationStore } from '../revocation/types.ts'

/** A client of npm's `redis`, as far as it is needed. */
export interface RedisClient {
  eval(script: string, options: { keys: string[], arguments: string[] }): Promise<unknown>
}

/** A client of npm's `ioredis`, as far as it is needed. */
export interface IoredisClient {
  call(command: string, ...rest: string[]): Promise<unknown>
  eval(script: string, keys: number, ...rest: string[]): Promise<unknown>
}

const GET = "return redis.call('MGET', unpack(KEYS))"

/** Keeps the greater number and the longer time, in one step. */
const SET = `
local value, life = ARGV[1], tonumber(ARGV[2])
local before = redis.call('GET', KEYS[1])
if before and tonumber(before) > tonumber(value) then value = before end
life = math.max(life, redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', life))
return 1`

const ADD = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0"

/**
 * Store of revocations in Redis or Valkey, by the app's own client: one round trip for each call. It keeps the greater
 * of two numbers in one step, and has `add` for `useOnce`.
 * @param client of npm's `redis` or `ioredis`. Have it fail at once while Redis is away, rather than pile up commands:
 * `disableOfflineQueue: true`, or `enableOfflineQueue: false`.
 * @param options `prefix`: beginning of each key; default none. Apps that share a Redis need one each. For a cluster it
 * needs a hash tag: `{app}:`.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID` for anything else than such a client.
 */
export function redisStore (client: RedisClient | IoredisClient, options: { prefix?: string | undefined } = {}): Required<RevocationStore> {
  refuseUnknown(options, ['prefix'])
  const prefix = readText(options, 'prefix') ?? ''
  const run = runnerOf(client)
  const getMany = async (keys: string[]): Promise<readonly unknown[]> => await run(GET, keys.map(key => prefix + key), []) as unknown[]
  return {
    getMany,
    async get (key) { return (await getMany([key]))[0] },
    async set (key, value, ttl) { await run(SET, [prefix + key], [value, String(ttl)]) },
    async add (key, value, ttl) { return await run(ADD, [prefix + key], [value, String(ttl)]) === 1 }
  }
}

export type Run = (script: string, keys: string[], values: string[]) => Promise<unknown>

/** Runs a script: of all commands, the one that both clients take in a form that says which one it is. */
export function runnerOf (client: RedisClient | IoredisClient): Run {
  const { eval: run, call } = Object(client) as Partial<IoredisClient>
  if (typeof run !== 'function') throw fail('OPTION_INVALID', ['client', 'a client of redis or ioredis', kindOf(client)])
  // Only that of ioredis has `call`.
  return typeof call === 'function'
    ? async (script, keys, values) => await (client as IoredisClient).eval(script, keys.length, ...keys, ...values)
    : async (script, keys, values) => await (client as RedisClient).eval(script, { keys, arguments: values })
}
