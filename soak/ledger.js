// What the run has seen: how often, how long it took, and samples over time.

import { LET_IN } from './judge.js'

const SHOWN = 20

/** Milliseconds between a failure of the store and its line in the log, at most. */
const LOG_DELAY = 100

export class Ledger {
  /** Requests by what they were, by what came of them, and what was wrong. */
  kinds = {}
  outcomes = {}
  findings = {}
  samples = []
  #letIn = []
  #all = []
  #window = []
  #windowFindings = 0
  #shown = 0

  took (milliseconds) {
    this.#window.push(milliseconds)
    this.#all.push(milliseconds)
  }

  count ({ kind, garbage, server, user, span }, { outcome, finding }) {
    add(this.kinds, garbage === undefined ? kind : `garbage: ${garbage}`)
    add(this.outcomes, outcome)
    if (outcome === LET_IN) this.#letIn.push(span)
    if (finding === null) return
    add(this.findings, finding)
    this.#windowFindings++
    if (this.#shown++ < SHOWN) console.error(`${new Date().toISOString()} ${finding}: ${kind} ${garbage ?? ''} of ${user?.name ?? 'somebody'} to ${server.name}`)
  }

  /** Counts as wrong each revoked cookie that was let in although the store was not failing. @param failures of the process that lets in */
  settle (failures) {
    const isExplained = span => failures.some(({ from, to }) => span.to >= from - LOG_DELAY && span.from <= (to ?? Infinity) + LOG_DELAY)
    for (const span of this.#letIn) if (!isExplained(span)) add(this.findings, 'revoked cookie opened')
  }

  get requests () { return this.#all.length }
  get wrong () { return Object.values(this.findings).reduce((sum, times) => sum + times, 0) }
  get latency () { return percentiles(this.#all) }

  /** Ends a window of time. @param figures what the servers say of themselves */
  sample (at, seconds, figures) {
    const row = { at, rate: this.#window.length / seconds, ...percentiles(this.#window), wrong: this.#windowFindings, ...figures }
    this.#window = []
    this.#windowFindings = 0
    this.samples.push(row)
    return row
  }
}

function add (counts, name) {
  counts[name] = (counts[name] ?? 0) + 1
}

function percentiles (values) {
  const sorted = Float64Array.from(values).sort()
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
