// Another site, or a sibling subdomain: its pages point at the app under test, or plant cookies.
import type { FastifyInstance } from 'fastify'
import { tls } from '../support/browser.ts'
import { newApp } from '../support/app.ts'

/** Where an app under test is, for pages that point at it. */
interface To { Querystring: { to: string } }

/** Over TLS by default: for cookies, a site and its plain twin are two. */
export function otherSite (options = tls()): FastifyInstance {
  const app = newApp({ server: options, plugin: null, routes: {} })
  const page = (path: string, content: (to: string) => string): void => {
    app.get<To>(path, async ({ query: { to } }, reply) => reply.type('text/html').send(`<!doctype html><title>A page</title>${content(to)}`))
  }
  page('/', () => 'a page')
  page('/link', to => `<a href="${to}">go</a>`)
  // Fastify has a parser for text/plain, and a form can send it.
  page('/form', to => `<form method="post" enctype="text/plain" action="${to}"><input name="a" value="b"><button>go</button></form>`)
  page('/frame', to => `<iframe src="${to}"></iframe>`)
  app.get<To>('/redirect', async ({ query: { to } }, reply) => reply.redirect(to))
  app.get<{ Querystring: { line: string[] } }>('/plant', async ({ query: { line } }, reply) => reply.header('set-cookie', line).send('planted'))
  return app
}

/** A page of `otherSite` that points somewhere. */
export function pageAt (origin: string, path: string, to: string): string {
  return `${origin}${path}?to=${encodeURIComponent(to)}`
}

/** A page of `otherSite` that sets cookies with these lines. */
export function planting (origin: string, ...lines: string[]): string {
  return `${origin}/plant?${lines.map(line => `line=${encodeURIComponent(line)}`).join('&')}`
}
