// What tests of WebSockets share.
import assert from 'node:assert/strict'
import { once, type EventEmitter } from 'node:events'
import type { WebSocket } from 'ws'

/** What an event brings; fails after half a minute. */
export async function next (emitter: EventEmitter, event: string): Promise<any[]> {
  return await once(emitter, event, { signal: AbortSignal.timeout(30_000) })
}

export type Refusal = [status: number | undefined, headers: string[], body: string]

/** The status, headers and body with which an upgrade is refused; fails where it is not. */
export async function refusalOf (client: WebSocket): Promise<Refusal> {
  client.on('open', () => { client.close() })
  const [, response] = await Promise.race([
    next(client, 'unexpected-response'),
    next(client, 'open').then(() => assert.fail('it was let in'))
  ])
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return [response.statusCode, response.rawHeaders, body]
}
