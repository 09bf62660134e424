import { kindOf, fail } from '../errors.ts'
import type { KnownSession, SessionIdentities } from '../extension/session-identities.ts'
import { hashOf } from '../revocation/store-keys.ts'
import { StoreCalls, unavailable, type StoreLog } from '../store/calls.ts'
import type { SessionLimit } from './options.ts'
import { BINDING, STAMP, SURVIVED } from '../token/claims.ts'
import type { SessionRecord } from '../token/record.ts'
import { revocableSince } from '../token/survived.ts'
import type { RegistryLine, RegistryStore } from './types.ts'

/** Lines of ended sessions that a look at a list removes, at most: a logout everywhere may have ended thousands. */
const MOST_REMOVED = 100

export interface RegistryOptions {
  store: RegistryStore
  /** Milliseconds that a call of the store may take. */
  timeout: number
  log: StoreLog
  limit: SessionLimit | null
  identities: SessionIdentities
  now: () => number
}

/**
 * Lines of sessions, and the limit of a subject's. Nobody is let in by it, and nobody is kept out but by a limit that
 * refuses.
 */
export class Registry {
  readonly #options: RegistryOptions
  readonly #calls: StoreCalls

  constructor (options: RegistryOptions) {
    const { timeout, log } = options
    this.#options = options
    this.#calls = new StoreCalls({ timeout, log, error: 'REGISTRY_UNAVAILABLE' })
  }

  /**
   * Writes the line of a login, and applies the limit.
   * @throws with a limit that refuses: `FST_SEALED_SESSION_TOO_MANY_SESSIONS` if the session is one too many,
   * `FST_SEALED_SESSION_REGISTRY_UNAVAILABLE` if the store cannot say. The session has ended then.
   */
  async begin (subject: string, line: RegistryLine): Promise<void> {
    const { limit } = this.#options
    const hash = hashOf(subject)
    try {
      await this.#put(hash, line, true)
      if (limit !== null) await this.#apply(limit, subject, hash, line)
    } catch (error) {
      if (limit?.refuses !== true) return // the log has it, and the login works
      // Nobody may have the session: a cookie that was sealed late may have left already.
      await Promise.all([settled(this.#revoke(subject, line)), settled(this.#remove(hash, line.id))])
      throw error
    }
  }

  /**
   * Writes the line of a session that is sealed again. A failure is in the log.
   * @param isAnew true if it goes on with another id: its line goes behind all others, as that of a login.
   */
  async renew (subject: string, line: RegistryLine, isAnew: boolean): Promise<void> {
    await settled(this.#put(hashOf(subject), line, isAnew))
  }

  /**
   * Gives the line of a session that goes on to another id. It keeps its description: that is of the login. A failure is
   * in the log.
   * @param describe makes a description if there is no such line.
   */
  async move (subject: string, before: Buffer, line: Omit<RegistryLine, 'description'>, describe: () => string): Promise<void> {
    const { store } = this.#options
    const [hash, id] = [hashOf(subject), before.toString('base64url')]
    const lines = await this.#calls.run(() => store.list(hash), readLines)
    const known = lines.find(line => line.id === id)
    await this.#put(hash, { ...line, description: known?.description ?? describe() }, false)
    await settled(this.#remove(hash, id))
  }

  /** Removes the line of a session that has ended. A failure is in the log; `list` leaves the line out. */
  async remove (subject: string, id: Buffer): Promise<void> {
    await settled(this.#remove(hashOf(subject), id.toString('base64url')))
  }

  /**
   * Lines of the sessions that can be used now, in their order.
   * @throws `FST_SEALED_SESSION_REGISTRY_UNAVAILABLE`, and as `SessionIdentities.haveEnded` does
   */
  async list (subject: string): Promise<RegistryLine[]> {
    return await this.#list(subject, hashOf(subject))
  }

  async #list (subject: string, hash: string): Promise<RegistryLine[]> {
    const { store, identities, now } = this.#options
    const lines = await this.#calls.run(() => store.list(hash), readLines)
    const valid = lines.filter(({ expiresAt }) => expiresAt > now())
    const ids = (await identities.idsNow(subject, valid.map(line => knownSession(line, hash)))).map(id => id?.toString('base64url'))
    const ended = valid.filter((_line, index) => ids[index] === undefined)
    for (const { id } of ended.slice(0, MOST_REMOVED)) settled(this.#remove(hash, id))
    return withIds(valid, ids)
  }

  /** All processes that look see the lines in the same order, so that they come to the same result. */
  async #apply ({ most, refuses }: SessionLimit, subject: string, hash: string, own: RegistryLine): Promise<void> {
    const lines = await this.#list(subject, hash)
    if (!refuses) {
      for (const line of lines.slice(0, Math.max(lines.length - most, 0))) await settled(this.#end(subject, hash, line))
      return
    }
    const place = lines.findIndex(({ id }) => id === own.id)
    // A store that does not have it, a replica that lags for instance, cannot say how many there are.
    if (place === -1) throw unavailable('REGISTRY_UNAVAILABLE', new Error('the store does not have the line that it was given'))
    if (place >= most) throw fail('TOO_MANY_SESSIONS', [most])
  }

  /** Ends a session. If that cannot be stored, its line stays, so that the next login ends it. */
  async #end (subject: string, hash: string, line: RegistryLine): Promise<void> {
    await this.#revoke(subject, line)
    await this.#remove(hash, line.id)
  }

  async #revoke (subject: string, line: RegistryLine): Promise<void> {
    await this.#options.identities.revokeId(Buffer.from(line.id, 'base64url'), { lifetime: lifetimeIn(line), cause: 'limit', subjects: [subject] })
  }

  async #put (hash: string, line: RegistryLine, isLogin: boolean): Promise<void> {
    await this.#calls.run(() => this.#options.store.put(hash, line, isLogin), nothing)
  }

  async #remove (hash: string, id: string): Promise<void> {
    await this.#calls.run(() => this.#options.store.remove(hash, id), nothing)
  }
}

/** Waits for a promise whose failure is in the log already. */
async function settled (promise: Promise<void>): Promise<void> {
  await promise.catch(() => {}) // as above
}

function nothing (): void {}

/**
 * Lines under the ids of now: one that was bound to a device has another, and its line has that as soon as it is sealed
 * again. Each session is in it once.
 */
function withIds (lines: readonly RegistryLine[], ids: ReadonlyArray<string | undefined>): RegistryLine[] {
  const taken = new Set(lines.filter(({ id }, index) => ids[index] === id).map(({ id }) => id))
  return lines.flatMap((line, index) => {
    const id = ids[index]
    if (id === undefined || (id !== line.id && taken.has(id))) return []
    taken.add(id)
    return id === line.id ? line : { ...line, id, more: withBound(line.more) }
  })
}

/** Mark of a session that is bound to a device, among the hashes of subjects: versions that do not know it take it for one that nobody has. */
const BOUND = '*'

function withBound (more: string): string {
  const [lifetime = '', stamp = '', survived = '', ...further] = more.split(',')
  return [lifetime, stamp, survived, ...further.filter(part => part !== BOUND), BOUND].join(',')
}

/** True for the line of a session that is bound to a device. */
export function isBoundLine ({ more }: RegistryLine): boolean {
  return more.split(',').includes(BOUND, 3)
}

/**
 * The text `more` of a line, with commas between: seconds of the session's own lifetime, the hash of its user's stamp, the
 * time that revocations compare, hashes of its further subjects, and a mark if it is bound. The first three may be empty,
 * the time if it is that of the beginning. Without the lifetime, a session that is ended for the limit would need an entry
 * in the store of the revocation for as long as any session can live.
 */
export function moreOf (record: SessionRecord, [, ...further]: readonly string[]): string {
  const stamp = record.claims?.get(STAMP)?.toString('base64url')
  const survived = record.claims?.has(SURVIVED) === true ? revocableSince(record) : ''
  return [record.lifetime ?? '', stamp ?? '', survived, ...further.map(hashOf), record.claims?.has(BINDING) === true ? BOUND : ''].join(',').replace(/,+$/, '')
}

function lifetimeIn ({ more }: RegistryLine): number | null {
  const [lifetime = ''] = more.split(',')
  return lifetime === '' ? null : Number(lifetime)
}

function knownSession ({ id, createdAt, more }: RegistryLine, hash: string): KnownSession {
  const [, stamp = '', survived = '', ...further] = more.split(',')
  return { id: Buffer.from(id, 'base64url'), created: Math.max(createdAt, Number(survived)), subjectHashes: [hash, ...further.filter(part => part !== BOUND)], stamp: stamp === '' ? null : Buffer.from(stamp, 'base64url') }
}

function readLines (answer: unknown): readonly RegistryLine[] {
  if (!Array.isArray(answer)) throw new Error(`list() returned ${kindOf(answer)}`)
  if (!answer.every(isLine)) throw new Error('list() returned a line that was not put')
  return answer as RegistryLine[]
}

function isLine (value: unknown): boolean {
  const { id, createdAt, lastSeenAt, expiresAt, more, description } = Object(value) as Partial<Record<keyof RegistryLine, unknown>>
  return [id, more, description].every(text => typeof text === 'string') && [createdAt, lastSeenAt, expiresAt].every(Number.isFinite)
}
