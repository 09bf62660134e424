// The benchmark's table in the README compares like with like.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

type Times = Record<string, { best: number }>
interface Results { tasks: Record<string, Times>, wire: object, register: object, ironNode: { version: string } }
const { readmeTable } = await import(new URL('../../bench/readme-table.js', import.meta.url).href) as { readmeTable: (results: Results) => string }

const all = (best: number, iron = best): Times => Object.fromEntries(
  ['floor', 'ours', 'sealed', 'peer', 'fastify-session', 'iron-session'].map(side => [side, { best: side === 'iron-session' ? iron : best }]))

const RESULTS: Results = {
  tasks: {
    untouched: all(1),
    read: all(1),
    write: all(1),
    'encode 170_B': all(7),
    'decode 170_B': all(7),
    'encode 170_B iron': all(2, 100),
    'decode 170_B iron': all(4, 120),
    'encode 2.8_KB iron': all(10, 250),
    'reject 170_B iron': all(10, 10)
  },
  wire: {},
  register: {},
  ironNode: { version: 'v22.99.0' }
}

describe("the README's table of the benchmark", () => {
  const text = readmeTable(RESULTS)
  const row = (title: string): string | undefined => text.split('\n').find(line => line.startsWith(`| ${title}`))

  it('has tokens of all packages from the Node that iron-session needs, and says which', () => {
    assert.match(row('to seal') ?? '', /¹ \| 2\.0 µs \| 2\.0 µs \| 100\.0 µs \|/)
    assert.match(row('to open') ?? '', /¹ \| 4\.0 µs \| 4\.0 µs \| 120\.0 µs \|/)
    assert.match(text, /^¹ All packages on Node\.js v22\.99\.0/m)
  })

  it('says how many times as long iron-session takes to seal or open, at least and at most', () => {
    assert.match(text, /It takes\s+25 to 50 times as long/)
  })
})
