/** The furthest time from 1970 that a Date can be, in milliseconds. */
const MAX_DATE = 8.64e15

const UNITS: ReadonlyArray<readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number]> = [
  ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]
]

const words = new Intl.RelativeTimeFormat('en')

/**
 * Time in words, and how far it is from now in the largest unit that fits: `… (2 hours ago)`.
 * @param time milliseconds since 1970; it comes from a token, and may be no date at all.
 * @param now milliseconds since 1970.
 */
export function describeTime (time: number, now: number): string {
  if (Math.abs(time) > MAX_DATE) return `${time / 1000} seconds since 1970, which is no date`
  return `${new Date(time).toISOString()} (${distance((time - now) / 1000)})`
}

function distance (seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return words.format(Math.trunc(seconds / size), unit)
}
