import { readText, refuseUnknown } from '../options/readers.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import { type IoredisClient, type RedisClient, runnerOf } from '../store/redis.ts'
import type { RegistryLine, RegistryStore } from './types.ts'

// One hash for each subject. A field is an id, its value a line:
//
//   <place> <createdAt> <lastSeenAt> <expiresAt> <more> <description>
//
// Times are in milliseconds since 1970. A `-` stands for empty text. The key expires with its last line. One more field
// bounds the lines.

const DEFAULT_PREFIX = 'sealed-session:registry:'

/** Name of the field that stands beside the lines: `<greatest place> <earliest expiresAt>`, or less than that. */
const BOUNDS = ''

/** Looks at the other lines only if one may have expired, so that a login costs the same however many there are. */
const PUT = `
local key, id, isLogin, createdAt, lastSeenAt, expiresAt, more, description, due, life = KEYS[1], unpack(ARGV)
local place = tonumber(createdAt)
local before = redis.call('HGET', key, id)
if before then
  place, description = string.match(before, '^(%S+) %S+ %S+ %S+ %S+ (.*)$')
else
  local bounds = redis.call('HGET', key, '${BOUNDS}') or '0 ' .. expiresAt
  local greatest, earliest = string.match(bounds, '^(%S+) (%S+)$')
  if tonumber(earliest) < tonumber(due) then
    earliest = expiresAt
    local lines = redis.call('HGETALL', key)
    for i = 1, #lines, 2 do
      local ends = string.match(lines[i + 1], '^%S+ %S+ %S+ (%S+)')
      if ends and tonumber(ends) < tonumber(due) then
        redis.call('HDEL', key, lines[i])
      elseif ends then
        earliest = math.min(earliest, ends)
      end
    end
  end
  if isLogin == '1' then place = math.max(place, greatest + 1) end
  redis.call('HSET', key, '${BOUNDS}', string.format('%.0f %.0f', math.max(place, greatest), math.min(earliest, expiresAt)))
end
redis.call('HSET', key, id, string.format('%.0f %s %s %s %s %s', place, createdAt, lastSeenAt, expiresAt, more, description))
if redis.call('PTTL', key) < tonumber(life) then redis.call('PEXPIRE', key, life) end
return 1`

/** The bounds go with the last line. */
const REMOVE = `
local removed = redis.call('HDEL', KEYS[1], ARGV[1])
if removed == 1 and redis.call('HLEN', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
return removed`

const LIST = "return redis.call('HGETALL', KEYS[1])"

/**
 * Registry in Redis or Valkey: one hash for each subject, and one round trip for each call.
 * @param client the app's own, of npm's `redis` or `ioredis`.
 * @param options `prefix`: beginning of each key; default `sealed-session:registry:`. Apps that share a Redis need one
 * each.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID` for anything else than such a client.
 */
export function redisRegistry (client: RedisClient | IoredisClient, options: { prefix?: string | undefined } = {}): RegistryStore {
  refuseUnknown(options, ['prefix'])
  const prefix = readText(options, 'prefix') ?? DEFAULT_PREFIX
  const run = runnerOf(client)
  return {
    async put (subject, line, isLogin) {
      const { id, createdAt, lastSeenAt, expiresAt, more, description } = line
      const now = Date.now()
      const due = now - CLOCK_TOLERANCE * 1000
      const life = Math.max(expiresAt - due, 1)
      const times = [createdAt, lastSeenAt, expiresAt].map(String)
      await run(PUT, [prefix + subject], [id, isLogin ? '1' : '0', ...times, orDash(more), orDash(description), String(due), String(life)])
    },
    async remove (subject, id) {
      await run(REMOVE, [prefix + subject], [id])
    },
    async list (subject) {
      return linesOf(await run(LIST, [prefix + subject], []) as unknown[])
    }
  }
}

/** Lines out of a hash: fields and values in turn. */
function linesOf (hash: readonly unknown[]): RegistryLine[] {
  const placed: Array<{ place: number, line: RegistryLine }> = []
  for (let index = 0; index < hash.length; index += 2) {
    if (String(hash[index]) === BOUNDS) continue
    const [, place, createdAt, lastSeenAt, expiresAt, more = '', description = ''] = /^(\S+) (\S+) (\S+) (\S+) (\S+) (.*)$/s.exec(String(hash[index + 1])) ?? []
    const line = { id: String(hash[index]), createdAt: Number(createdAt), lastSeenAt: Number(lastSeenAt), expiresAt: Number(expiresAt), more: orEmpty(more), description: orEmpty(description) }
    placed.push({ place: Number(place), line })
  }
  return placed.sort((a, b) => a.place - b.place).map(({ line }) => line)
}

function orDash (text: string): string {
  return text === '' ? '-' : text
}

function orEmpty (text: string): string {
  return text === '-' ? '' : text
}
