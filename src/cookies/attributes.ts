import type { CookieSerializeOptions } from '@fastify/cookie'

/**
 * Reasons for which browsers would refuse a cookie with this name and these attributes: one entry a rule
 * broken, each saying what to change. They do it without telling the server, so it is said at registration.
 *
 * @see RFC 6265bis sections 4.1.3 (name prefixes) and 5.7 (SameSite=None), its successor on `__Http-`
 * and `__Host-Http-`, and CHIPS (Partitioned)
 */
export function browserRefusals (name: string, attributes: CookieSerializeOptions): string[] {
  const { secure, path, domain, httpOnly, sameSite, partitioned } = attributes
  const [prefix = ''] = /^__(?:host-http|host|http|secure)-/i.exec(name) ?? []
  const isHost = prefix.toLowerCase().startsWith('__host-')
  const isHttp = prefix.toLowerCase().endsWith('http-')
  const rules: Array<[broken: boolean, words: string]> = [
    [prefix !== '' && secure !== true, `a name that starts with ${prefix} needs "secure: true"`],
    [isHost && path !== '/', `a name that starts with ${prefix} needs "path: '/'"`],
    [isHost && Boolean(domain), `a name that starts with ${prefix} must not have "domain"`],
    [isHttp && httpOnly !== true, `a name that starts with ${prefix} needs "httpOnly: true"`],
    [isSameSiteNone(sameSite) && secure !== true, '"sameSite: \'none\'" needs "secure: true"'],
    [partitioned === true && secure !== true, '"partitioned: true" needs "secure: true"']
  ]
  return rules.filter(([broken]) => broken).map(([, words]) => words)
}

function isSameSiteNone (sameSite: unknown): boolean {
  return typeof sameSite === 'string' && sameSite.toLowerCase() === 'none'
}
