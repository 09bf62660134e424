// NestJS on Fastify, with a guard that asks the session. In a clone of the repository, after
// `npm run build`:
//
//   npx tsc -p examples/nestjs && node examples/nestjs/dist/main.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//   curl -i -H 'cookie: nestjs-example=…' http://127.0.0.1:3000/profile
import 'reflect-metadata'
import { StandardSchemaValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import secureSession, { generateKey } from 'fastify-sealed-session'
import { AppModule } from './app.module.js'

// JSON only: Nest's own parsers take forms as well, and Fastify takes text. Any site can have a browser
// send those, and so log its user out, or in as somebody else.
const adapter = new FastifyAdapter()
adapter.getInstance().removeContentTypeParser('text/plain')
const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, { logger: ['error', 'warn'], bodyParser: false })

await app.register(secureSession, {
  // A key made at each start ends all sessions with it, and no other process opens them.
  key: process.env.SESSION_KEY ?? generateKey(),
  format: 'sealed',
  cookieName: 'nestjs-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

app.useGlobalPipes(new StandardSchemaValidationPipe())
app.enableShutdownHooks() // ends on SIGTERM

await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
console.log(`listening at ${await app.getUrl()}`)
