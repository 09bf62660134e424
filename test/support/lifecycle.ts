// Messages about the lives of sessions, as tests collect them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import type { SessionLifecycleMessage } from '../../src/index.ts'

export const LIFECYCLE = 'fastify-sealed-session:lifecycle'

/** Messages that are published until the test ends. */
export function followLives (t: TestContext, each: (message: SessionLifecycleMessage) => void = () => {}): SessionLifecycleMessage[] {
  const messages: SessionLifecycleMessage[] = []
  const collect = (message: unknown): void => {
    messages.push(message as SessionLifecycleMessage)
    each(message as SessionLifecycleMessage)
  }
  subscribe(LIFECYCLE, collect)
  t.after(() => unsubscribe(LIFECYCLE, collect))
  return messages
}

/** Events, each with the word that says more about it. */
export function words (messages: readonly SessionLifecycleMessage[]): string[] {
  return messages.map(({ event, cause, reason, method }) => [event, cause, reason, method].filter(word => word !== null).join(' '))
}

/** The same of what was published since the last time. */
export function take (messages: SessionLifecycleMessage[]): string[] {
  return words(messages.splice(0))
}
