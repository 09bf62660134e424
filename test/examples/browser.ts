// A visitor's browser, with its cookies, that goes where forms and redirects send it.

interface Cookie { name: string, value: string, path: string }

export class Browser {
  /** As in a browser, those of a host: they know no ports. Here all is at one host. */
  #cookies: Cookie[] = []
  /** Headers that it sends with each request. */
  readonly #headers: Record<string, string>

  constructor (headers: Record<string, string> = {}) {
    this.#headers = headers
  }

  /** Another browser that has the same cookies: those that somebody stole, or planted. */
  copy (): Browser {
    const copy = new Browser(this.#headers)
    copy.#cookies = [...this.#cookies]
    return copy
  }

  /** The value of a cookie, or undefined. */
  cookie (name: string): string | undefined {
    return this.#cookies.find(cookie => cookie.name === name)?.value
  }

  /** Puts a cookie into the browser, as a page of a neighbouring host can. */
  plant (name: string, value: string): void {
    this.#store(`${name}=${value}; Path=/`, new URL('http://127.0.0.1'))
  }

  /** One request. A redirect is the answer. */
  async get (url: string): Promise<Response> {
    return await this.#request(url, {})
  }

  /** Sends a form. A redirect is the answer. */
  async post (url: string, fields: Record<string, string> = {}): Promise<Response> {
    return await this.#request(url, { method: 'POST', body: new URLSearchParams(fields) })
  }

  /** The answer after all redirects that begin with this one, or the redirect to a URL that begins with `until`. */
  async follow (response: Response, until = 'nowhere'): Promise<Response> {
    let last = response
    for (let hops = 0; hops < 10; hops++) {
      const location = locationOf(last)
      if (location === undefined || location.startsWith(until)) return last
      last = await this.get(location)
    }
    throw new Error(`too many redirects, the last one to ${locationOf(last)}`)
  }

  async #request (url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url)
    const cookies = this.#cookies.filter(({ path }) => isWithin(pathname, path)).map(({ name, value }) => `${name}=${value}`)
    const headers = cookies.length === 0 ? this.#headers : { ...this.#headers, cookie: cookies.join('; ') }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#store(line, new URL(url))
    return response
  }

  #store (line: string, { pathname }: URL): void {
    const [pair = '', ...attributes] = line.split('; ')
    const at = pair.indexOf('=')
    const attribute = (wanted: string): string | undefined =>
      attributes.map(text => text.split('=')).find(([name = '']) => name.toLowerCase() === wanted)?.[1]
    const path = attribute('path') ?? (pathname.slice(0, pathname.lastIndexOf('/')) || '/')
    const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path }
    this.#cookies = this.#cookies.filter(({ name, path }) => name !== cookie.name || path !== cookie.path)
    const isOver = attribute('max-age') === '0' || Date.parse(attribute('expires') ?? '') < Date.now()
    if (!isOver) this.#cookies.push(cookie)
  }
}

/** Where a response sends the browser, as a whole URL; undefined where it does not. */
export function locationOf (response: Response): string | undefined {
  const location = response.headers.get('location')
  return location === null ? undefined : new URL(location, response.url).href
}

function isWithin (pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
