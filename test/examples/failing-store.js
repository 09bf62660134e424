// Loaded into an example before it starts: the store of its revocations fails when the test says so.
import { MemoryStore } from 'fastify-sealed-session/revocation'

const { set } = MemoryStore.prototype
let fails = false
MemoryStore.prototype.set = function (...entry) {
  if (fails) throw new Error('the store is down')
  return set.apply(this, entry)
}

process.on('message', message => {
  if (message !== 'store down' && message !== 'store up') return
  fails = message === 'store down'
  process.send?.(message)
})
process.channel?.unref() // the example ends as if nobody could talk to it
