// NestJS on Fastify, with guards that ask the session. Start it with `npm start`. In a clone of the repository, after
// `npm run build`: `npx tsc -p examples/nestjs && node examples/nestjs/dist/main.js`
//
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada","password":"a long password"}' http://127.0.0.1:3000/signup
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada","password":"a long password"}' http://127.0.0.1:3000/login
//   curl -i -H 'cookie: session=…' http://127.0.0.1:3000/profile
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { AppModule } from './app.module.js'
import { newAdapter, OPTIONS, setUp } from './set-up.js'

async function main (): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, newAdapter(), OPTIONS)
  await setUp(app)
  app.enableShutdownHooks() // ends on SIGTERM
  await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
  console.log(`listening at ${await app.getUrl()}`)
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
