// An app that refuses requests of other origins, and requests over real sockets with headers as a browser sends them.
import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { newApp, type AppSetup } from './app.ts'

export const CODE = 'FST_SEALED_SESSION_CROSS_ORIGIN'

/** An app that listens, with the plugin, no session, and `/act` for all methods; closed when the test ends. */
export async function listening (t: Pick<TestContext, 'after'>, { crossOrigin = {}, server, ...setup }: AppSetup = {}): Promise<FastifyInstance> {
  const app = newApp({
    ...setup,
    t,
    server: { forceCloseConnections: true, ...server },
    crossOrigin,
    plugin: null,
    routes: app => { app.all('/act', async () => 'done') }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

export interface Answer { status: number, body: string, headers: IncomingMessage['headers'] }

export interface Ask { method?: string, path?: string, headers?: OutgoingHttpHeaders }

/** Sends one request. `Host` is that of the app if none is given. */
export async function ask (app: FastifyInstance, { method = 'POST', path = '/act', headers = {} }: Ask = {}): Promise<Answer> {
  const { port } = app.server.address() as AddressInfo
  const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  request.end()
  const [response] = await once(request, 'response') as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: await text(response), headers: response.headers }
}

export async function statusOf (app: FastifyInstance, given: Ask = {}): Promise<number> {
  return (await ask(app, given)).status
}
