// One server of the load run, of one process or of several that share a key. Says how much CPU time
// it has used when asked.
import cluster from 'node:cluster'
import { setTimeout } from 'node:timers/promises'

const [name, processes] = process.argv.slice(2)

// An IPC channel alone keeps nobody alive, but an open port does.
process.on('disconnect', () => process.exit())

if (cluster.isPrimary && processes !== '1') {
  const workers = Array.from({ length: Number(processes) }, () => cluster.fork())
  let listening = 0
  cluster.on('listening', (_worker, { port }) => { if (++listening === workers.length) process.send({ port }) })
  process.on('message', () => {
    let left = workers.length
    const total = process.cpuUsage()
    for (const worker of workers) {
      worker.once('message', ({ user, system }) => {
        total.user += user
        total.system += system
        if (--left === 0) process.send(total)
      })
      worker.send('cpu')
    }
  })
} else {
  const side = await import(`./sides/${name}.js`)
  const app = await side.app()
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.on('message', async message => {
    if (message === 'cpu') return process.send(process.cpuUsage())
    const { profile } = await import('./profiler.js')
    process.send({ places: await profile(() => setTimeout(100), message.profile) })
  })
  if (!cluster.isWorker) process.send({ port: app.server.address().port })
}
