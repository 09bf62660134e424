import type { SessionRequest } from '../http/exchange.ts'
import { type Answer, DEVICE, type SessionExtension } from './session-extension.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'

/** The extensions of a session, in the order of their registration. */
export class Extensions implements Required<Omit<SessionExtension, 'name' | 'needsIds'>> {
  readonly #list: SessionExtension[] = []

  /** The device is asked first, whenever it was registered: no store is read for a stolen copy. */
  add (extension: SessionExtension): void {
    if (extension.name === DEVICE) this.#list.unshift(extension)
    else this.#list.push(extension)
  }

  /** The same with one more. */
  with (extension: SessionExtension): Extensions {
    const others = new Extensions()
    for (const own of [...this.#list, extension]) others.add(own)
    return others
  }

  has (name: string): boolean {
    return this.#list.some(extension => extension.name === name)
  }

  used (state: SessionState): void {
    for (const extension of this.#list) extension.used?.(state)
  }

  assignable (state: SessionState): void {
    for (const extension of this.#list) extension.assignable?.(state)
  }

  assigned (state: SessionState, before: SessionState): void {
    for (const extension of this.#list) extension.assigned?.(state, before)
  }

  refusal (state: SessionState): RefusalReason | null {
    for (const extension of this.#list) {
      const reason = extension.refusal?.(state) ?? null
      if (reason !== null) return reason
    }
    return null
  }

  ended (state: SessionState, ended: SessionRecord, successor: Successor): boolean {
    let isForgiven = false
    for (const extension of this.#list) isForgiven = extension.ended?.(state, ended, successor) === true || isForgiven
    return isForgiven
  }

  sealing (state: SessionState, isDue: boolean, request: SessionRequest): Answer | Promise<Answer> {
    return this.#ask(extension => extension.sealing?.(state, isDue, request), 0)
  }

  sealed (state: SessionState, record: SessionRecord, request: SessionRequest): void | Promise<void> {
    const waiting = this.#ask(extension => {
      const answer = extension.sealed?.(state, record, request)
      return answer === undefined ? true : answer.then(() => true)
    }, 0)
    if (waiting !== true) return Promise.resolve(waiting).then(() => {})
  }

  /** Asks one after the other until one says no; without a promise as long as none of them returns one. */
  #ask (question: (extension: SessionExtension) => Answer | Promise<Answer> | undefined, from: number): Answer | Promise<Answer> {
    for (let index = from; index < this.#list.length; index++) {
      const answer = question(this.#list[index]!) // index is below the length
      if (typeof answer === 'object') return answer.then(answer => answer === true ? this.#ask(question, index + 1) : answer)
      if (answer !== undefined && answer !== true) return answer
    }
    return true
  }
}
