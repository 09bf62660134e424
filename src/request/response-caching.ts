import type { FastifyReply } from 'fastify'

/**
 * Whether a shared cache may keep a response (RFC 9111 section 3). A session's cookie on it could
 * reach other users.
 */
export function isSharedCacheable (reply: FastifyReply): boolean {
  const header = reply.getHeader('cache-control')
  return header !== undefined && !/(?:^|,)\s*(?:no-store|private)\s*(?:,|$)/i.test(String(header))
}
