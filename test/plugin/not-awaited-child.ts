// A process in which nobody awaits reply.sessionCookies(): ends with the statuses of its answers, if it is let.
import { newKey } from '../support/helpers.ts'
import { newApp } from '../support/app.ts'

async function statusOf (handler: string, isGuarded = false): Promise<number> {
  const app = newApp({
    session: { key: newKey(), format: 'sealed' },
    revocation: isGuarded ? { store: { get: async () => { throw new Error('down') }, set: async () => {} } } : undefined,
    routes: app => {
      app.get('/unsealable', async ({ session }, reply) => { session.set('n' as never, 1n as never); reply.sessionCookies(); return 'text' })
      app.get('/late', async ({ session }, reply) => { session.set('n' as never, 1 as never); reply.hijack(); reply.raw.write('raw'); reply.sessionCookies(); reply.raw.end() })
      app.get('/storeFailed', async ({ session }, reply) => { session.set('n' as never, 1 as never); reply.sessionCookies(); return 'text' })
    }
  })
  const { statusCode } = await app.inject(`/${handler}`)
  await new Promise(resolve => setTimeout(resolve, 20)) // an unhandled rejection is told in a later turn
  return statusCode
}

console.log(JSON.stringify({ unsealable: await statusOf('unsealable'), late: await statusOf('late'), storeFailed: await statusOf('storeFailed', true) }))
