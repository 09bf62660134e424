// A process whose subscriber throws: the answer is as ever, and the error is an uncaught exception.
import { subscribe } from 'node:diagnostics_channel'
import { get, newApp } from '../support/app.ts'
import { LIFECYCLE } from '../support/lifecycle.ts'

subscribe(LIFECYCLE, () => { throw new Error('of the subscriber') })
process.on('uncaughtException', error => { process.exitCode = error.message === 'of the subscriber' ? 7 : 1 })

const { statusCode, headers } = await get(newApp({ routes: { '/': ({ session }) => { session.set('user', 'ann') } } }))
console.log(statusCode, headers['set-cookie'])
