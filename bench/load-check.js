// Whether a session that one process sealed is opened by another.
import { SESSIONS } from './data.js'
import { LoadServer } from './load-server.js'

const CONNECTIONS = 50

/**
 * Logs in once, so that one process has sealed the cookie, and reads the session over new connections
 * and with wrk. Once both processes have answered, one of them has opened what the other one sealed.
 * @throws where a response is anything but the user's id
 */
export async function checkShared (side, seconds) {
  const server = await LoadServer.start(side, 2)
  const { userId } = SESSIONS['170 B']
  const cookie = await server.login(SESSIONS['170 B'])
  const answered = {}
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const [read, { body: pid }] = await server.over(['/read', '/pid'], cookie)
    if (read.status !== 200 || read.body !== userId) throw new Error(`${side}: process ${pid} answered ${read.status} ${read.body}`)
    answered[pid] = (answered[pid] ?? 0) + 1
  }
  const { requests, failed } = await server.load('/read', { cookie, seconds, body: userId })
  await server.stop()
  const counts = Object.values(answered)
  if (counts.length !== 2) throw new Error(`${side}: only one process has answered`)
  if (failed > 0) throw new Error(`${side}: ${failed} of ${requests} responses to wrk were wrong`)
  return { side, counts, requests }
}
