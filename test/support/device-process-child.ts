// Program of `DeviceProcesses`: an app that binds sessions, without TLS, with a clock that it is told to move.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { newApp } from './app.ts'
import { LOGINS, PAGES, SESSION } from './device.ts'

/** Options of the program. */
export interface ChildOptions {
  /** Keys, the newest first, in base64. */
  keys: readonly string[]
  /** Milliseconds by which its clock is ahead. */
  ahead: number
  session?: object
  device?: object
}

const { keys, ahead, session, device = {} } = JSON.parse(process.argv[2] ?? '') as ChildOptions
const send = process.send?.bind(process) ?? assert.fail('it is not forked')
const { now } = Date
let moved = ahead
Date.now = () => now() + moved

const app = newApp({ session: { ...SESSION, key: keys.map(key => Buffer.from(key, 'base64')), ...session }, device, routes: { ...LOGINS, ...PAGES } })
await app.listen({ host: '127.0.0.1', port: 0 })
process.on('message', milliseconds => {
  moved += milliseconds as number
  send(moved)
})
process.on('disconnect', () => { process.exit() })
send((app.server.address() as AddressInfo).port)
