// Loaded into an example before it starts: counts the tokens that it tries to open.
import { subscribe } from 'node:diagnostics_channel'

let opens = 0
subscribe('fastify-sealed-session:open', () => { opens++ })

process.on('message', message => {
  if (message === 'opens') process.send?.(opens)
})
process.channel?.unref() // the example ends as if nobody could talk to it
