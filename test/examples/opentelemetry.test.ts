// examples/opentelemetry, over the network: the events of its spans.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Example, cookieOf } from './example.ts'

const [ID, WHY, SUBJECTS] = ['session.id', 'session.cause', 'session.subjects'] as const

describe('examples/opentelemetry', () => {
  let example: Example
  before(async () => { example = await Example.start('opentelemetry/server.js') })
  after(async () => await example.stop())

  it('has on the span of each request that a session has begun and has ended, with one id and whose it is, and no name', async () => {
    const cookie = cookieOf(await example.logIn('Grace'))
    const begun = JSON.parse(await example.printed(/^.*session\.begun.*$/m)) as Record<string, unknown>
    const { status } = await fetch(`${example.url}/logout`, { method: 'POST', headers: { cookie } })
    assert.equal(status, 204)
    const ended = JSON.parse(await example.printed(/^.*session\.ended.*$/m)) as Record<string, unknown>
    assert.match(String(begun[ID]), /^[\w-]{22}$/)
    assert.deepEqual([ended[ID], ended[WHY]], [begun[ID], 'logout'])
    assert.deepEqual(ended[SUBJECTS], begun[SUBJECTS])
    assert.doesNotMatch(example.output, /Grace/)
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})
