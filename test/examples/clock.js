// Loaded into an example before it starts: its clock stands still and moves when the test says so.
import FakeTimers from '@sinonjs/fake-timers'

const clock = FakeTimers.install({ now: Date.now(), toFake: ['Date', 'setTimeout', 'clearTimeout'] })

process.on('message', seconds => {
  if (typeof seconds !== 'number') return
  clock.tick(seconds * 1000)
  process.send?.('moved')
})
process.channel?.unref() // the example ends as if nobody could talk to it
