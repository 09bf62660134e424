/**
 * True if a shared cache may keep a response (RFC 9111 section 3). A session's cookie on it could reach other
 * users.
 * @param header its `Cache-Control`; undefined for none.
 */
export function isSharedCacheable (header: unknown): boolean {
  if (header === undefined || header === 'no-store') return false // nearly always
  return !/(?:^|,)\s*(?:no-store|private)\s*(?:,|$)/i.test(String(header))
}
