// What becomes of revoked sessions when Redis is started again, with its file and without: asked of a
// process that has not heard of them before.
import { ServerProcess } from './server-process.js'

const MOST = 100
const MARGIN_MS = 10_000

/**
 * @param ended cookies of sessions that were ended early, and until when they would have lived
 * @param restart what happens to Redis first
 * @returns how many were tried and how many opened
 */
export async function replayAll (ended, redis, keyFile, restart) {
  const alive = ended.filter(({ until }) => until > Date.now() + MARGIN_MS).slice(-MOST)
  await restart()
  const server = await ServerProcess.start('C', { keyFile, redisPort: redis.port, onStoreError: 'reject' })
  const answers = await Promise.all(alive.map(({ cookie }) => server.request({ method: 'GET', path: '/read', cookie })))
  server.stop()
  if (answers.some(({ status }) => status !== 200)) throw new Error('a cookie that was sent again had no answer')
  return { tried: answers.length, opened: answers.filter(({ text }) => text !== '{}').length }
}
