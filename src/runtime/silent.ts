import type { SessionIdentities } from '../extension/session-identities.ts'

// Parts of this package whose only work are words and messages. At the edge they say nothing, which keeps bundles small:
// hints at mistakes with keys and options, advice on attributes of cookies, messages of the channels. So does what is for the
// first start of an app: the edge counts as production.
//
// A function that does nothing is declared by `function`: bundlers then leave out each call of it.

function nothing (): void {}
export { nothing as checkAttributeNames, nothing as checkSpelling, nothing as warnOfMilliseconds }
export { nothing as developmentOf, nothing as tellOpened }

export function hintOfBytes (): string { return '' }
export { hintOfBytes as hintOfFlag, hintOfBytes as hintOfText, hintOfBytes as hintOfType }

export function attributeAdvice (): null { return null }
export { attributeAdvice as cookieWarnings }

const unheard = { hasSubscribers: false }
export { unheard as openChannel, unheard as sealChannel }
export function sealObserved (): never { throw new Error('nobody observes') }

/** Publisher that nobody hears. @see http/lifecycle.ts, in whose place this is. */
export class Lifecycle {
  /** Null without revocation. */
  identities: SessionIdentities | null = null
  readonly isHeard = false
  tell (): void {}
  refused (): void {}
}

export const lifeOf = (): null => null

/** Known name that was likely meant by another one, which has the same letters but for two, in any order. */
export function nearest<Known extends string> (name: string, known: readonly Known[]): Known | undefined {
  return known.find(option => lacking(name, option) + lacking(option, name) <= 2)
}

/** Number of letters that a name has, and another has not. */
function lacking (name: string, other: string): number {
  const left = [...other.toLowerCase()]
  return [...name.toLowerCase()].filter(letter => {
    const at = left.indexOf(letter)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  }).length
}
