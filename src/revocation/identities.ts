import type { SessionRequest } from '../http/exchange.ts'
import type { EndedSession, KnownSession, SessionIdentities } from '../extension/session-identities.ts'
import type { Lifecycle } from '#lifecycle'
import { idAfter } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import type { RevocationExtension } from './revocation-extension.ts'
import { knownIdentity } from './identity.ts'
import { type RevocationSource, UNKNOWN_LIFETIME } from './revocations.ts'
import type { Stamps } from './stamps.ts'
import { Verdicts } from './verdicts.ts'

export interface IdentitiesOptions {
  extension: RevocationExtension
  revocations: RevocationSource
  stamps: Stamps | null
  lifecycle: Lifecycle
  hasSubjects: boolean
  /** Request whose code runs; undefined if nobody knows. */
  requestNow: () => SessionRequest | undefined
}

/** Identities of an app's sessions, as the revocation gives them to other extensions. */
export class Identities implements SessionIdentities {
  readonly #options: IdentitiesOptions
  readonly #verdicts: Verdicts

  constructor (options: IdentitiesOptions) {
    this.#options = options
    this.#verdicts = new Verdicts(options.revocations, options.stamps)
  }

  get tellsSubjects (): boolean { return this.#options.hasSubjects }

  subjectsOf (state: SessionState): readonly string[] {
    return this.#options.extension.subjectsOf(state)
  }

  assertRevocable (): void {
    this.#options.revocations.assertStored()
  }

  async revokeId (id: Buffer, { lifetime = UNKNOWN_LIFETIME, cause = 'revoked', subjects = [] }: EndedSession = {}): Promise<void> {
    this.assertRevocable()
    const { revocations, lifecycle, requestNow } = this.#options
    const ended = await revocations.revokeId(id, lifetime, true)
    if (ended !== null && ended !== 'superseded' && lifecycle.isHeard) lifecycle.tell('ended', { id: ended, subjects }, { cause }, requestNow() ?? null)
  }

  storesEnd (state: SessionState): boolean {
    return this.#options.extension.storesEnd(state)
  }

  broughtBy (state: SessionState): { id: Buffer, subjects: readonly string[] } | null {
    const opened = this.#options.extension.identitiesIn(state)?.opened
    return opened == null || opened.id === null ? null : { id: opened.id, subjects: opened.subjects }
  }

  subjectsInUse (state: SessionState): readonly string[] | null {
    return this.#options.extension.identitiesIn(state)?.from?.subjects ?? null
  }

  async haveEnded (user: string, sessions: readonly KnownSession[]): Promise<boolean[]> {
    return await this.#verdicts.haveEnded(user, sessions.map(knownIdentity))
  }

  async idsNow (user: string, sessions: readonly KnownSession[]): Promise<Array<Buffer | null>> {
    const haveEnded = await this.haveEnded(user, sessions)
    const areSuperseded = sessions.map(({ id }) => this.#options.revocations.isSuperseded(id))
    const successors = sessions.filter((_session, index) => areSuperseded[index]).map(session => ({ ...session, id: idAfter(session.id) }))
    const later = successors.length === 0 ? [] : await this.idsNow(user, successors)
    return sessions.map(({ id }, index) => areSuperseded[index] ? later.shift()! : haveEnded[index] ? null : id) // there is one for each
  }

  check (state: SessionState, request: SessionRequest): Promise<void> | undefined {
    const { extension } = this.#options
    if (extension.records.of(request) === null) extension.begin(request)
    return state.origin?.ok === true ? extension.check(state, request) : undefined
  }

  async hasEnded (state: SessionState): Promise<boolean> {
    return await this.#options.extension.isRevoked(state)
  }

  async isReplaced (state: SessionState): Promise<boolean> {
    const { id } = state.record()
    return id !== null && await this.#options.revocations.isReplaced(id)
  }

  async supersede (id: Buffer, lifetime: number | null = UNKNOWN_LIFETIME): Promise<boolean> {
    return await this.#options.revocations.supersede(id, lifetime)
  }
}
