// How long a session lives.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CLOCK_TOLERANCE, DEFAULT_EXPIRY, endOf, lifetimeRefusal, type Limits, toWholeSeconds } from '../../src/token/lifetime.ts'

const WRITTEN = 1_800_000_000
const times = { createdAt: null, writtenAt: WRITTEN * 1000, lifetime: null }
const limits = (expiry: number): Limits => ({ expiry, absoluteTimeout: null })
const at = (seconds: number): number => (WRITTEN + seconds) * 1000

describe('lifetimeRefusal', () => {
  const cases: Array<[title: string, expiry: number, now: number, refusal: string | null]> = [
    ['a session is valid in the second it was written', 60, at(0), null],
    ['it is valid until the last millisecond of its expiry', 60, at(60) - 1, null],
    ['it is expired when its expiry has passed to the millisecond', 60, at(60), 'expired'],
    ['it stays expired', 60, at(1e6), 'expired'],
    ['an expiry of less than a second counts', 0.5, at(0.499), null],
    ['an expiry of less than a second ends', 0.5, at(0.5), 'expired'],
    ['a time that lies 60 s in the future is taken for a clock that differs', 60, at(-60), null],
    ['a time that lies more than 60 s in the future is refused', 60, at(-60) - 1, 'time-in-future']
  ]
  for (const [title, expiry, now, refusal] of cases) {
    it(title, () => assert.equal(lifetimeRefusal(times, limits(expiry), now), refusal))
  }

  it('a session is valid from 60 s before the time of its last write until its expiry, and at no other time', () => {
    const milliseconds = fc.integer({ min: -200_000, max: 200_000 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), milliseconds, (expiry, age) => {
      const valid = age >= -CLOCK_TOLERANCE * 1000 && age < expiry * 1000
      assert.equal(lifetimeRefusal(times, limits(expiry), at(0) + age) === null, valid)
    }))
  })
})

describe('endOf', () => {
  const end = endOf(times, limits(60))

  it('lies the whole expiry after the last write', () => assert.equal(end, at(60)))
  it('leaves less time as the clock goes on, in fractions of a second', () => assert.equal(end - at(0.25), 59_750))
  it('is reached where the session expires, and passed after that', () => {
    assert.equal(end - at(60), 0)
    assert.equal(end - at(61), -1000)
  })
})

describe('the numbers that the peer has', () => {
  it('the default expiry is 86401 seconds', () => assert.equal(DEFAULT_EXPIRY, 86401))
  it('a time is rounded to the nearest second', () => {
    assert.equal(toWholeSeconds(1499), 1000)
    assert.equal(toWholeSeconds(1500), 2000)
  })
})
