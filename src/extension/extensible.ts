import type { Judge } from '../cookies/candidates.ts'
import { Extensions } from './extensions.ts'
import type { SessionRequest } from '../http/exchange.ts'
import { heldIn } from '../http/request-session.ts'
import type { Registered } from '../http/session-manager.ts'
import type { SessionIdentities } from './session-identities.ts'
import type { Lifecycle } from '#lifecycle'
import type { SessionConfig } from '../options/options.ts'
import type { SessionExtension } from './session-extension.ts'
import type { SessionState } from '../session/session.ts'
import type { DeviceView } from '../session/settings.ts'
import type { SessionJudge } from '../session/session-signal.ts'
import type { SessionSignals } from '../session/lazy-signals.ts'
import type { CookieRequest } from '../types.ts'

/** Devices that sessions are bound to. */
export interface SessionDevices extends DeviceView {
  /** Judge of what opens. @param request null for a token that comes without one. */
  judgeOf (request: CookieRequest | null): Judge
  /** Notes a session that was opened without being judged. */
  ignore (state: SessionState): void
}

/** A session of an app, as extensions see it. */
export interface ExtensibleSession {
  readonly sessionName: string
  /** Seconds. */
  readonly expiry: number
  /** Seconds; no session lives longer after its last write. */
  readonly maxExpiry: number
  /** Seconds, or null for no limit. */
  readonly absoluteTimeout: number | null
  readonly config: SessionConfig
  /** Null without revocation. */
  identities: SessionIdentities | null
  /** Publisher of what happens to its sessions. */
  readonly lifecycle: Lifecycle
  /** True if an extension of that name was added. */
  hasExtension (name: string): boolean
  extend (extension: SessionExtension): void
  /** Gives signals a judge of sessions that stay open. @returns a function that has them look at all sessions soon. */
  judge (judge: SessionJudge): () => void
  /** Opens sessions that are bound to a device from here on, if the devices have nothing against it. */
  useDevices (devices: SessionDevices): void
  /** The session of a request if something has used it; null otherwise. */
  held (request: SessionRequest): SessionState | null
}

/** A registered session, as extensions see it. */
export function extensible (registered: Registered, signals: SessionSignals): ExtensibleSession {
  const { manager } = registered
  const { config } = manager
  const { sessionName, expiry, maxExpiry, absoluteTimeout } = config
  return {
    config,
    sessionName,
    expiry,
    maxExpiry,
    absoluteTimeout,
    lifecycle: manager.lifecycle,
    get identities () { return manager.lifecycle.identities },
    set identities (identities) { manager.lifecycle.identities = identities },
    hasExtension: name => registered.extensions?.has(name) === true,
    extend (extension) {
      registered.extensions ??= new Extensions()
      registered.extensions.add(extension)
      if (extension.needsIds === true) manager.useIds()
    },
    judge (judge) {
      manager.useJudge(judge)
      return () => { signals.lookAgain() }
    },
    useDevices (devices) {
      manager.useDevices(devices)
    },
    held (request) {
      return heldIn(request, registered)?.state ?? null
    }
  }
}
