import type { KnownSession, SessionIdentities } from '../fastify/extension.ts'
import type { SessionState } from '../session/session.ts'
import type { RevocationExtension } from './extension.ts'
import { knownIdentity, type RevocationSource, UNKNOWN_LIFETIME } from './revocations.ts'
import type { Stamps } from './stamps.ts'
import { Verdicts } from './verdicts.ts'

export interface IdentitiesOptions {
  extension: RevocationExtension
  revocations: RevocationSource
  stamps: Stamps | null
  hasSubjects: boolean
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

  async revokeId (id: Buffer, lifetime: number | null = UNKNOWN_LIFETIME): Promise<void> {
    this.assertRevocable()
    await this.#options.revocations.revokeId(id, lifetime, true)
  }

  broughtBy (state: SessionState): { id: Buffer, subjects: readonly string[] } | null {
    const opened = this.#options.extension.openedFrom(state)
    return opened === null || opened.id === null ? null : { id: opened.id, subjects: opened.subjects }
  }

  async haveEnded (user: string, sessions: readonly KnownSession[]): Promise<boolean[]> {
    return await this.#verdicts.haveEnded(user, sessions.map(knownIdentity))
  }
}
