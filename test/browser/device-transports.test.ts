// Bound sessions in a real Chromium over other transports: HTTP/2, WebSockets, server-sent events.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import type { Browser } from 'playwright-core'
import type { Bag } from '../support/app.ts'
import { launch, noBrowser } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor } from '../support/device-browser.ts'

describe('a bound session in Chromium', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  it('27. (Chromium) is registered and refreshed over HTTP/2', async t => {
    const site = await DeviceSite.start(t, { server: { http2: true } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    await user.expire()
    assert.equal(await user.user(), 'ann')
    const calls = site.calls.takeAll()
    assert.deepEqual(calls.map(({ kind, status, headers }) => [kind, status, headers[':method']]), [['registration', 200, 'POST'], ['proof', 200, 'POST']])
  })

  it('43. (Chromium) is proven in the handshake of a WebSocket after the proof expired', async t => {
    const site = await DeviceSite.start(t, {
      before: app => app.register(websocket),
      after: app => app.register(async app => {
        app.get('/socket', { websocket: true }, (socket, { session }) => { socket.send(String((session as Bag).user)) })
      })
    })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    await user.expire()
    const message = await user.visitor.page.evaluate(async () => await new Promise<unknown>((resolve, reject) => {
      const socket = new WebSocket('/socket')
      socket.onmessage = ({ data }) => { resolve(data); socket.close() }
      socket.onerror = () => { reject(new Error('the socket failed')) }
    }))
    assert.equal(message, 'ann')
    assert.deepEqual(site.calls.take(), ['registration 200', 'proof 200'])
  })

  it('43. (Chromium) is proven in the request of an EventSource after the proof expired', async t => {
    const site = await DeviceSite.start(t, {
      routes: {
        'GET /events': ({ session }, reply) => reply.type('text/event-stream').send(`data: ${String((session as Bag).user)}\n\n`)
      }
    })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    await user.expire()
    const message = await user.visitor.page.evaluate(async () => await new Promise<unknown>((resolve, reject) => {
      const source = new EventSource('/events')
      source.onmessage = ({ data }) => { resolve(data); source.close() }
      source.onerror = () => { reject(new Error('the source failed')) }
    }))
    assert.equal(message, 'ann')
    assert.deepEqual(site.calls.take(), ['registration 200', 'proof 200'])
  })
})
