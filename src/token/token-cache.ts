import { IS_EDGE } from '#runtime'
import { claimsOfText, claimsText } from './claims.ts'
import type { TokenFormat } from './format.ts'
import type { DerivedKey, KeyringInternals, KeySet } from '../keys/key-set.ts'
import { type FormatOpened, type Place, type SessionRecord, withRare } from './record.ts'

// Cache of tokens that opened: a token that comes again is looked up in place of being decrypted. It saves the
// decryption, and nothing else: lifetime, keys, `stale`, schema, serializer, revocation, the proof of a device and the
// signature are looked at each time, by those who do it without a cache.
//
// - Only what opened goes in, or anybody would fill it with garbage, and only what comes again: an account has as many
//   valid tokens as it likes, since each write makes one. Those that come once would push all others out.
// - It holds text and numbers. Were it the parsed object, `session.user.admin = true` of one request would be there in
//   the next one.
// - A look-up says no more than if this very token was used here lately, to somebody who has it: a map compares the hash
//   of the whole text first. V8 takes another seed for its hashes in each process, so that nobody can send tokens whose
//   hashes collide; for very long texts it takes the length in place of a hash, so those are not looked up.

/** Limits of a cache. */
export interface CacheLimits {
  /** Bytes of all that it holds. */
  readonly maxBytes: number
  /** Seconds after the last use of a token for which it is held at most; half of them at least, if there is room. */
  readonly maxAge: number
}

/** The longest token that is held, in characters: hashing a longer one takes as long as decrypting it. */
const MAX_LENGTH = 4096

/** Bytes of an entry beside its texts: its object, the numbers, the headers of the texts, its place in a map that grows by doubling. */
const ENTRY_BYTES = 400

/** Bytes of the cache for each slot of a generation's filter. */
const BYTES_PER_SLOT = 128

// Characters that a token is known by in tables, counted from the end: random bytes in both formats. They stand for a hash
// of the whole token, as a map makes it, which takes long, and longer still if the memory of the map is cold.
const PRINT_START = 20
const PRINT_END = 4

/** A token that opened: nothing in it can be changed. */
interface Entry extends Readonly<Pick<SessionRecord, 'writtenAt' | 'createdAt' | 'lifetime' | 'cookieMaxAge'>> {
  readonly token: string
  readonly format: TokenFormat
  readonly key: DerivedKey
  /** The payload. */
  readonly text: string
  /** In latin1. */
  readonly id: string | null
  readonly place: Readonly<Place> | undefined
  readonly claims: string | null
  readonly bytes: number
}

/**
 * Cache of the tokens that one codec has opened with one set of keys.
 *
 * It has two generations of half the bytes each. A token that is used goes into the young one; if that is full, or half of
 * `maxAge` old, it becomes the old one, and the old one is dropped. So who sends many different tokens causes no search
 * and no sorting, and a token that is used again in time stays.
 */
export class TokenCache {
  /** A power of two. */
  readonly #slots: number
  readonly #generationBytes: number
  /** Milliseconds. */
  readonly #generationAge: number
  /** Null for keys that do not change. */
  readonly #keyring: Pick<KeyringInternals, 'forgetting'> | null
  #keys: KeySet | null = null
  #young: Generation
  #old: Generation
  /** Tokens that came lately, each by a number that is made of it. */
  readonly #seen: Int32Array
  #turnedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Null while it is empty: a keyring does not keep a codec alive that nobody uses any more. */
  #unfollow: (() => void) | null = null
  #isClosed = false

  constructor ({ maxBytes, maxAge }: CacheLimits, keyring: Pick<KeyringInternals, 'forgetting'> | null) {
    this.#slots = 2 ** Math.floor(Math.log2(maxBytes / BYTES_PER_SLOT))
    this.#seen = new Int32Array(this.#slots / 4)
    this.#generationBytes = (maxBytes - this.#slots * 2 - this.#seen.byteLength) / 2
    this.#young = new Generation(this.#slots)
    this.#old = new Generation(this.#slots)
    this.#generationAge = maxAge * 500
    this.#keyring = keyring
  }

  /**
   * Result of a format for a token; null if the token is not there. Two formats spell no token alike, but one of them may
   * be asked for a spelling of the other's that it refuses.
   */
  open (token: string, format: TokenFormat, keys: KeySet): FormatOpened<DerivedKey, 'payload-invalid'> | null {
    // All entries were opened with one set of keys: a key that was retired opens nothing any more.
    if (keys !== this.#keys || token.length > MAX_LENGTH) return null
    const age = Math.abs(Date.now() - this.#turnedAt)
    if (age >= this.#generationAge) this.#expire(age)
    const slot = printOf(token) & (this.#slots - 1)
    // Most tokens that are not there are told without a look into a map.
    if ((this.#young.filter[slot]! | this.#old.filter[slot]!) === 0) return null
    const entry = this.#young.entries.get(token) ?? this.#used(token)
    return entry === undefined || entry.format !== format ? null : opened(entry)
  }

  /** Does what the timer is late to do, or what it cannot do at the edge. */
  #expire (age: number): void {
    if (age >= this.#generationAge * 2) this.clear()
    else this.#turn(this.#turnedAt + this.#generationAge) // as if it had been on time: nothing is held for longer
  }

  /** Entry of the old generation, which is in the young one from now on. */
  #used (token: string): Entry | undefined {
    const entry = this.#old.entries.get(token)
    if (entry === undefined) return undefined
    this.#old.entries.delete(token)
    this.#put(entry)
    return entry
  }

  /** Takes a token that has opened with these keys, if it is not its first time. */
  add (token: string, format: TokenFormat, keys: KeySet, record: SessionRecord, key: DerivedKey, text: string): void {
    if (this.#isClosed || token.length > MAX_LENGTH || !this.#isSeen(token)) return
    const copy = copied(token)
    // Text behind a second `;` may be anything.
    if (copy !== token) return
    const entry = entryOf(copy, format, record, key, text)
    if (entry.bytes > this.#generationBytes) return
    if (keys !== this.#keys) this.#begin(keys)
    this.#put(entry)
  }

  /** True for a token that came before, and lately. */
  #isSeen (token: string): boolean {
    const print = printOf(token)
    const slot = print & (this.#seen.length - 1)
    const isSeen = this.#seen[slot] === print
    this.#seen[slot] = print
    return isSeen
  }

  #begin (keys: KeySet): void {
    this.clear()
    this.#keys = keys
    this.#unfollow = IS_EDGE ? null : this.#keyring?.forgetting(() => { this.clear() }) ?? null
    this.#turn()
  }

  #put (entry: Entry): void {
    if (this.#young.bytes + entry.bytes > this.#generationBytes) this.#turn()
    this.#young.add(entry)
  }

  /** Begins a generation, in a time that does not depend on how much there is. */
  #turn (at = Date.now()): void {
    this.#old = this.#young
    this.#young = new Generation(this.#slots)
    this.#turnedAt = at
    // At the edge a timer ends with its request.
    if (IS_EDGE) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { this.#grow() }, this.#generationAge)
    this.#timer.unref()
  }

  /** Half of `maxAge` has passed without a look-up. */
  #grow (): void {
    if (this.#young.entries.size === 0) this.clear()
    else this.#turn()
  }

  /** Drops one token. */
  delete (token: string): void {
    this.#young.entries.delete(token)
    this.#old.entries.delete(token)
  }

  /** Drops all tokens, and the keys that have opened them. */
  clear (): void {
    clearTimeout(this.#timer)
    this.#unfollow?.()
    this.#unfollow = null
    this.#keys = null
    this.#young = new Generation(this.#slots)
    this.#old = new Generation(this.#slots)
    this.#seen.fill(0)
  }

  /** Drops all tokens, and takes none from now on. */
  close (): void {
    this.#isClosed = true
    this.clear()
  }
}

/** Tokens that were used in one span of time. */
class Generation {
  readonly entries = new Map<string, Entry>()
  /** 1 in the slot of each entry, and in no other but those of entries that were deleted. */
  readonly filter: Uint8Array
  /** Of all entries that were added. */
  bytes = 0

  constructor (slots: number) {
    this.filter = new Uint8Array(slots)
  }

  add (entry: Entry): void {
    this.entries.set(entry.token, entry) // its own text: that of a look-up may be a slice of a header
    this.filter[printOf(entry.token) & (this.filter.length - 1)] = 1
    this.bytes += entry.bytes
  }
}

/** Number that tells tokens apart, nearly always. */
function printOf (token: string): number {
  let print = 1
  for (let at = token.length - PRINT_START; at < token.length - PRINT_END; at++) print = Math.imul(print, 31) + token.charCodeAt(at) | 0
  return print
}

function entryOf (token: string, format: TokenFormat, { writtenAt, createdAt, lifetime, cookieMaxAge, id, place, claims }: SessionRecord, key: DerivedKey, text: string): Entry {
  const claimsOrNull = claims === undefined ? null : claimsText(claims)
  // V8 takes one byte for a character if all are in latin1, and otherwise two.
  const textBytes = Buffer.byteLength(text) === text.length ? text.length : text.length * 2
  return {
    token,
    format,
    key,
    text,
    writtenAt,
    createdAt,
    lifetime,
    cookieMaxAge,
    id: id === null ? null : id.toString('latin1'),
    place: place && { ...place },
    claims: claimsOrNull,
    bytes: ENTRY_BYTES + token.length + textBytes + (claimsOrNull?.length ?? 0)
  }
}

/** Result for an entry, whose objects nobody else has. The same as a format makes it. */
function opened ({ format, key, text, writtenAt, createdAt, lifetime, cookieMaxAge, id, place, claims }: Entry): FormatOpened<DerivedKey, 'payload-invalid'> {
  const data = format.dataOf(text)
  if (data === null) return { ok: false, reason: 'payload-invalid' }
  const record = { data, writtenAt, createdAt, lifetime, cookieMaxAge, id: id === null ? null : Buffer.from(id, 'latin1') }
  const isPlain = place === undefined && claims === null // as nearly all are
  return { ok: true, record: isPlain ? record : withRare(record, place && { ...place }, claims === null ? null : claimsOfText(claims)), key, text: null }
}

let scratch: Buffer | null = null

/**
 * Copy of a token in memory of its own. V8 makes a part of a text a view of the whole, so a token that was cut out of a
 * header would keep the header alive, with all its other cookies. The bytes are not in Node's pool, which others get
 * memory from.
 */
function copied (token: string): string {
  scratch ??= Buffer.allocUnsafeSlow(MAX_LENGTH)
  return scratch.toString('latin1', 0, scratch.write(token, 'latin1'))
}
