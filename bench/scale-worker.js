// One process of the scale run: opens a session again and again for some seconds, and says how many it opened a second.
import { SESSIONS } from './data.js'
import { tokens } from './sides/sealed.js'

const SECONDS = Number(process.argv[2])
const { encode, decode } = await tokens(SESSIONS['170 B'])
const token = await encode()

function open (seconds) {
  const start = performance.now()
  let count = 0
  while (performance.now() - start < seconds * 1000) for (let i = 0; i < 100; i++, count++) decode(token)
  return count / (performance.now() - start) * 1000
}

open(0.5)
process.send('warm')
process.on('message', () => { process.send(open(SECONDS)) })
