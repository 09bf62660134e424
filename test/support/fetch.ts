// A server of web standards: a function from Request to Response, as Hono, Bun, Deno and Next.js have it. And a browser
// that keeps the cookies of several servers of one site.
import type { FastifyInstance } from 'fastify'
import type { WebSession, WebSessions } from '../../src/web/index.ts'
import type { Bag } from './app.ts'

/** Session of a request on the web entry, as a bag of properties. */
export type WebBag = Bag & WebSession

export type WebHandler = (session: WebBag, request: Request, headers: Headers) => unknown

/** Cookies of a site by name, as a browser keeps them: `Max-Age=0` drops one. */
export class Jar {
  readonly cookies = new Map<string, string>()

  get header (): string { return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }

  get names (): string[] { return [...this.cookies.keys()].sort() }

  keep (lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = ''] = line.split(';', 1)
      const at = pair.indexOf('=')
      if (/; Max-Age=0(;|$)/.test(line)) this.cookies.delete(pair.slice(0, at))
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }

  copy (): Jar {
    const other = new Jar()
    for (const [name, value] of this.cookies) other.cookies.set(name, value)
    return other
  }
}

/** WebAnswer of a server, whichever it is. */
export interface WebAnswer {
  status: number
  body: unknown
  lines: string[]
  cacheControl: string | null
}

/** A server that a browser can ask. */
export type AskServer = (path: string, jar: Jar) => Promise<WebAnswer>

/** A server on the web entry. An error of a handler, or of `commit`, is answered with its status and code. */
export function webServer (sessions: WebSessions, handlers: Record<string, WebHandler>, origin = 'https://app.example'): AskServer {
  const answer = async (request: Request): Promise<Response> => {
    const headers = new Headers()
    try {
      const session = await sessions.open(request) as WebBag
      const body: unknown = await handlers[new URL(request.url).pathname]?.(session, request, headers)
      await session.commit(headers)
      return Response.json(body ?? null, { headers })
    } catch (error) {
      const { code, statusCode = 500 } = error as { code?: string, statusCode?: number }
      return Response.json({ code }, { status: statusCode })
    }
  }
  return async (path, jar) => {
    const response = await answer(new Request(origin + path, { headers: jar.header === '' ? {} : { cookie: jar.header } }))
    const lines = response.headers.getSetCookie()
    jar.keep(lines)
    return { status: response.status, body: await response.json(), lines, cacheControl: response.headers.get('cache-control') }
  }
}

/** The app on Fastify beside it. */
export function fastifyServer (app: FastifyInstance): AskServer {
  return async (path, jar) => {
    const response = await app.inject({ url: path, headers: jar.header === '' ? {} : { cookie: jar.header } })
    const lines = [response.headers['set-cookie'] ?? []].flat()
    jar.keep(lines)
    const body: unknown = /^[[{"]|^(?:null|\d|true|false)/.test(response.body) ? response.json() : response.body
    return { status: response.statusCode, body, lines, cacheControl: (response.headers['cache-control'] as string | undefined) ?? null }
  }
}
