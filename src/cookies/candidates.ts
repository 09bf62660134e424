import { type SignatureCheck, unsignedWith } from './signature.ts'
import type { Codec, Opened } from '../token/codec.ts'
import { MAX_ENCODED_LENGTH, MAX_SIGNED_LENGTH } from '../token/format.ts'
import type { DeviceFacts, SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'

// Several cookies of one name: which of them counts, and how much work they may cause.

export type Refused = { ok: false, reason: RefusalReason, device?: DeviceFacts }
export type Found = Extract<Opened, { ok: true }> & {
  /** Other sessions that opened in the same request, newest first. Ordinarily there is none, and no list. */
  others?: readonly Found[]
  device?: DeviceFacts
}

/** Judge of a session that opened, such as one that asks for the proof of a device. */
export type Judge = (found: Found) => Found | Refused

export function judged (opened: Found | Refused, judge: Judge | undefined): Found | Refused {
  return opened.ok && judge !== undefined ? judge(opened) : opened
}

/** Settings for opening the values of a session's cookie. */
export interface Opening {
  codec: Codec
  /** Null if the cookie is not signed. */
  signatures: SignatureCheck | null
  /**
   * Called once for each value that was tried, in their order.
   * @param token the value, without its signature if that is right.
   * @param others number of different sessions that opened besides this one.
   */
  tried?: ((token: string, result: Found | Refused, others: number) => void) | undefined
  judge?: Judge | undefined
}

/**
 * Of several values that open, the one written last: the others are older, or planted.
 * @param values there are few, see `joinChunks`.
 * @returns null if there are none.
 */
export function newestOf (values: readonly string[], opening: Opening, budget: Budget): Found | Refused | null {
  const [first] = values
  if (first === undefined) return null
  return values.length === 1 ? openAlone(first, opening) : newest(openInTurn(values, opening, budget), opening)
}

const WRONG_SIGNATURE: Refused = { ok: false, reason: 'signature-invalid' }
const NOT_AUTHENTIC: Refused = { ok: false, reason: 'not-authentic' }

function openAlone (value: string, opening: Opening): Found | Refused {
  const { codec, tried, judge } = opening
  const token = unsigned(value, opening)
  const result = token === null ? WRONG_SIGNATURE : judged(codec.open(token), judge)
  tried?.(token ?? value, result, 0)
  return result
}

function unsigned (value: string, { signatures }: Opening): string | null {
  return signatures === null || isTooLong(value) ? value : unsignedWith(signatures, value)
}

/** True for a value that cannot be a token. It is not hashed: the codec refuses it by its length. */
function isTooLong (value: string): boolean {
  return value.length > MAX_SIGNED_LENGTH
}

/** One of several values, with its state until a result is found. */
interface Candidate {
  readonly value: string
  /** Null until a key is found to have signed it. */
  token: string | null
  /** The index of the key that is tried next. */
  key: number
  /** Null as long as there are keys to try; `'repeated'` if another candidate has the same token. */
  result: Found | Refused | 'repeated' | null
}

/**
 * Tries the first key on all values, then the next on those that are left, as far as the budget goes:
 * were all keys tried on one before the next, a planted one would use up what the user's needs.
 */
function openInTurn (values: readonly string[], opening: Opening, budget: Budget): Candidate[] {
  const candidates = values
    .filter(value => isTooLong(value) || budget.takeValue(value.length))
    .map((value): Candidate => ({ value, token: opening.signatures === null || isTooLong(value) ? value : null, key: 0, result: null }))
  const tokens = new Set<string>()
  for (let left = candidates; left.length > 0 && budget.hasTry; left = left.filter(({ result }) => result === null)) {
    for (const candidate of left) {
      if (!budget.hasTry) break
      if (candidate.token === null) checkSignature(candidate, opening, budget)
      else decrypt(candidate, candidate.token, tokens, opening, budget)
    }
  }
  return candidates
}

function checkSignature (candidate: Candidate, { signatures }: Opening, budget: Budget): void {
  const { count, unsign } = signatures! // or there would be a token
  budget.spendTry()
  candidate.token = unsign(candidate.value, candidate.key++)
  if (candidate.token !== null) candidate.key = 0
  else if (candidate.key >= count) candidate.result = WRONG_SIGNATURE
}

/** Reasons for which a token is refused before any key is tried. */
const UNTRIED = new Set<RefusalReason>(['format-not-accepted', 'too-long', 'malformed', 'ciphertext-length', 'nonce-length', 'version-unknown', 'key-unknown'])

function decrypt (candidate: Candidate, token: string, tokens: Set<string>, { codec, judge }: Opening, budget: Budget): void {
  if (candidate.key === 0 && !isNew(token, tokens)) {
    candidate.result = 'repeated'
    return
  }
  const opened = codec.openWith(token, candidate.key++)
  if (opened.ok || !UNTRIED.has(opened.reason)) budget.spendTry()
  if (opened.ok || opened.reason !== 'not-authentic' || candidate.key >= codec.attempts(token)) candidate.result = judged(opened, judge)
}

/** True for a token that was not tried yet. A tail behind a second `;` is no part of it: one with many tails is tried once. */
function isNew (token: string, tokens: Set<string>): boolean {
  const second = token.indexOf(';', token.indexOf(';') + 1)
  const text = second === -1 || second === token.indexOf(';') ? token : token.slice(0, second)
  return tokens.size !== tokens.add(text).size
}

/** Tells the result of each, and chooses. */
function newest (candidates: readonly Candidate[], { tried }: Opening): Found | Refused | null {
  const results = candidates.map(({ result }) => result)
  const opened = results.filter(isFound)
  const strangers = opened.map(found => opened.filter(other => !isSame(found.record, other.record)).length)
  // Those that the budget has left over are told of once.
  const leftOver = results.indexOf(null)
  let refused: Refused | null = null
  candidates.forEach(({ value, token, result }, index) => {
    const told = index === leftOver ? token === null ? WRONG_SIGNATURE : NOT_AUTHENTIC : result
    if (told === null || told === 'repeated') return
    if (!told.ok) refused ??= told
    tried?.(token ?? value, told, told.ok ? strangers[opened.indexOf(told)]! : 0) // it is one of them
  })
  const [best, ...others] = opened.toSorted((a, b) => b.record.writtenAt - a.record.writtenAt)
  if (best === undefined) return refused
  return others.length === 0 ? best : { ...best, others }
}

function isFound (result: Candidate['result']): result is Found {
  return result !== null && result !== 'repeated' && result.ok
}

/** True if two tokens are known to be of one session. The secretbox format need not say. */
function isSame (a: SessionRecord, b: SessionRecord): boolean {
  return a === b || (a.id !== null && b.id !== null && a.id.equals(b.id)) || (a.createdAt !== null && a.createdAt === b.createdAt)
}

/** Tries of keys in a request, over all cookies: to decrypt a token, or to check a signature. */
const MAX_TRIES = 64

/**
 * Bound on the work that the cookies of a request may cause for one session, whatever a client sends. A
 * cookie that comes alone is bounded by its length, and tried with all keys there are.
 */
export class Budget {
  #tries: number
  #characters = MAX_SIGNED_LENGTH
  #encoded = MAX_ENCODED_LENGTH

  /** @param keys of the session: one of several cookies must not be tried less than one that comes alone. */
  constructor (keys: number) {
    this.#tries = Math.max(MAX_TRIES, keys)
  }

  /** True if a key may be tried. */
  get hasTry (): boolean {
    return this.#tries > 0
  }

  spendTry (): void {
    this.#tries--
  }

  /**
   * Takes a value of so many characters, if there is room for it. All values together are no longer than one
   * may be: many that were made of the same chunks cost no more than one that a client can send.
   */
  takeValue (length: number): boolean {
    if (length > this.#characters) return false
    this.#characters -= length
    return true
  }

  /** Has a function decode no more text than all values of a request may have. */
  limit (decode: (text: string) => string | undefined): (text: string) => string | undefined {
    return text => {
      // Text without an escape costs nothing.
      if (text.includes('%') && (this.#encoded -= text.length) < 0) return undefined
      return decode(text)
    }
  }
}
