import type { SessionReply } from '../http/exchange.ts'
import { FinalHeaders, type HeadersWatcher } from '../http/final-headers.ts'

export { type FinalHeaders, type HeadersWatcher, isSharedCacheable } from '../http/final-headers.ts'
import type { WebReply } from '../web/web-exchange.ts'

// The same as http/given-headers.ts for the edge, where every response has headers of web standards.

/** Has the headers of a reply looked at when they leave. */
export function watchHeaders (reply: SessionReply, watcher: HeadersWatcher): void {
  const raw = reply.raw as WebReply
  const { writeHead } = raw
  raw.writeHead = status => {
    watcher.leaving(new FinalHeaders(status, raw))
    writeHead.call(raw, status)
  }
}

/** False: no request becomes a WebSocket by an answer that bypasses the reply. */
export function isUpgraded (): boolean {
  return false
}
