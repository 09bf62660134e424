import type { SessionRecord } from '../token/record.ts'
import type { SessionRequest } from '../http/exchange.ts'
import type { SessionIdentities } from '../extension/session-identities.ts'
import type { SessionExtension } from '../extension/session-extension.ts'
import { idAfter } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { DescriptionReader } from './description.ts'
import { moreOf, type Registry } from './registry.ts'
import type { RegistryLine } from './types.ts'

/** Name of the extension by which sessions are listed. */
export const REGISTRY = 'registry'

/** Line that a session has in the registry. */
interface Owned {
  readonly id: Buffer
  readonly subject: string
}

export interface RegistryExtensionOptions {
  registry: Registry
  identities: SessionIdentities
  describe: DescriptionReader
}

/** Writes what happens to the sessions of requests into the registry. It has no say in who gets in. */
export class RegistryExtension implements SessionExtension {
  readonly name = REGISTRY
  readonly needsIds = true
  readonly #options: RegistryExtensionOptions
  /** Line of each session as it was written in its request; null if it has none any more. */
  readonly #written = new WeakMap<SessionState, Owned | null>()
  /** Lines of sessions that have ended in a request, until they are removed. */
  readonly #ended = new WeakMap<SessionState, Owned[]>()
  /** User of each session that has ended in a request to go on with another id, until it is sealed. */
  readonly #goesOn = new WeakMap<SessionState, string>()

  constructor (options: RegistryExtensionOptions) {
    this.#options = options
  }

  ended (state: SessionState, _ended: SessionRecord, { isKept }: Successor): boolean {
    const line = this.#lineOf(state)
    if (line !== null) this.#forget(state, line)
    this.#written.set(state, null)
    if (!isKept) this.#goesOn.delete(state)
    else if (line !== null) this.#goesOn.set(state, line.subject)
    return false
  }

  /** Removes lines once the revocation has stored that their sessions have ended: a logout may fail. */
  sealing (state: SessionState): boolean | Promise<boolean> {
    return this.#ended.has(state) ? this.#removeEnded(state).then(() => true) : true
  }

  /**
   * Waits if a session begins, so that the list is right by the response. One that is sealed again need not wait for a
   * store that nobody reads to let it in.
   */
  sealed (state: SessionState, record: SessionRecord, request: SessionRequest): void | Promise<void> {
    const subjects = this.#options.identities.subjectsOf(state)
    const before = this.#lineOf(state)
    const now = owned(record.id, subjects)
    const isLogin = !isSameUser(before, now) || state.origin?.ok !== true
    const movedFrom = !isLogin && isBinding(before, now) ? before.id : null
    if (before !== null && movedFrom === null && !isSame(before, now)) this.#forget(state, before)
    this.#written.set(state, now)
    if (now === null) return this.#ended.has(state) ? this.#removeEnded(state) : undefined
    const goesOn = this.#goesOn.get(state) === now.subject
    this.#goesOn.delete(state)
    // A user who confirms a password is in already: no limit may throw this user out, and no store that is away.
    const line = this.#line(state, record, subjects)
    if (goesOn) return this.#renew(state, now.subject, line, request, { isAnew: true })
    if (isLogin) return this.#begin(state, now.subject, { ...line, description: this.#options.describe(request) })
    this.#renew(state, now.subject, line, request, { movedFrom })
  }

  async #begin (state: SessionState, subject: string, line: RegistryLine): Promise<void> {
    await this.#removeEnded(state) // it must not count against the one that takes its place
    await this.#options.registry.begin(subject, line)
  }

  /** @param how `isAnew` if its line goes behind all others; `movedFrom`: id of its line, if it has another since it was bound. */
  async #renew (state: SessionState, subject: string, line: Omit<RegistryLine, 'description'>, request: SessionRequest, how: { isAnew?: boolean, movedFrom?: Buffer | null }): Promise<void> {
    const { registry, describe } = this.#options
    const { isAnew = false, movedFrom = null } = how
    try {
      await this.#removeEnded(state)
      if (movedFrom === null) await registry.renew(subject, { ...line, description: describe(request) }, isAnew)
      else await registry.move(subject, movedFrom, line, () => describe(request))
    } catch (err) {
      request.log.error({ err }, 'the session registry could not describe a session that was sealed again')
    }
  }

  #line (state: SessionState, record: SessionRecord, subjects: readonly string[]): Omit<RegistryLine, 'description'> {
    const { id, createdAt, writtenAt } = record
    const lastSeenAt = Math.max(writtenAt, createdAt ?? 0)
    return {
      id: id!.toString('base64url'), // it is owned
      createdAt: Math.floor(createdAt ?? writtenAt),
      lastSeenAt: Math.floor(lastSeenAt),
      expiresAt: Math.floor(state.expiresAt),
      more: moreOf(record, subjects)
    }
  }

  /** Line that a session has in the registry: as this request wrote it, or as it was when the request came in. */
  #lineOf (state: SessionState): Owned | null {
    const written = this.#written.get(state)
    if (written !== undefined) return written
    const brought = this.#options.identities.broughtBy(state)
    if (brought === null) return null
    // A session that its registration could not bind is bound by the next request.
    return owned(state.origin?.device?.idBefore ?? brought.id, brought.subjects)
  }

  #forget (state: SessionState, line: Owned): void {
    const lines = this.#ended.get(state)
    if (lines === undefined) this.#ended.set(state, [line])
    else lines.push(line)
  }

  async #removeEnded (state: SessionState): Promise<void> {
    const lines = this.#ended.get(state) ?? []
    this.#ended.delete(state)
    await Promise.all(lines.map(async ({ subject, id }) => { await this.#options.registry.remove(subject, id) }))
  }
}

function owned (id: Buffer | null, [subject]: readonly string[]): Owned | null {
  return id === null || subject === undefined ? null : { id, subject }
}

function isSameUser (a: Owned | null, b: Owned | null): boolean {
  return a?.subject === b?.subject
}

/** True if the one is the other, which was bound to a device. */
function isBinding (before: Owned | null, now: Owned | null): before is Owned {
  return before !== null && now !== null && idAfter(before.id).equals(now.id)
}

function isSame (a: Owned, b: Owned | null): boolean {
  return b !== null && a.subject === b.subject && a.id.equals(b.id)
}
