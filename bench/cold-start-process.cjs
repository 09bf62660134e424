// One start of cold-start.js: what it takes to load a plugin and to get an app ready that has it, after Fastify was loaded.
const { performance } = require('node:perf_hooks')
const Fastify = require('fastify')

const [name, modules] = process.argv.slice(2)
const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index))

async function run () {
  const app = Fastify()
  const cpuBefore = process.cpuUsage()
  const begin = performance.now()
  const plugin = modules === 'esm' ? (await import(name)).default : require(name)
  const imported = performance.now() - begin
  app.register(plugin, { key, cookie: { path: '/' } })
  await app.ready()
  const ready = performance.now() - begin
  const { user, system } = process.cpuUsage(cpuBefore)
  console.log(JSON.stringify({ imported, ready, cpu: (user + system) / 1000 }))
}

run()
