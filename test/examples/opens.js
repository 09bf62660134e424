// Loaded into an example before it starts: counts the tokens that it tries to open while it is asked to.
// Not all the time, since sessions are opened in another way where somebody listens.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const OPEN = 'fastify-sealed-session:open'
let opens = 0
const count = () => { opens++ }

process.on('message', message => {
  if (message === 'count') {
    opens = 0
    subscribe(OPEN, count)
    process.send?.('counting')
  } else if (message === 'counted') {
    unsubscribe(OPEN, count)
    process.send?.(opens)
  }
})
process.channel?.unref() // the example ends as if nobody could talk to it
