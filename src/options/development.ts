import { environment } from '#runtime'
import { fillRandom, sodiumReady } from '#sodium'
import { KEY_BYTES } from '../crypto/library.ts'

/** Prefixes that a browser takes only with `Secure`: RFC 6265bis section 4.1.3. */
const PREFIX = /^__(?:Host|Secure)-/i

/** Surroundings of an app outside of production. */
interface Surroundings {
  /** True if the app's own server speaks TLS. */
  readonly isTls: boolean
  /** Hears that prefix and `Secure` fall away for a session. */
  readonly fellAway: (sessionName: string, cookieName: string) => void
  /** Hears that a session has a key that ends with this process. */
  readonly madeKey: (sessionName: string) => void
}

type Given = Readonly<Record<string, unknown>>

/** Safe defaults as they are outside of production, so that the first start needs neither TLS nor a key file. */
export class Development {
  readonly #surroundings: Surroundings

  constructor (surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** True if a cookie with these attributes has to work over plain http: it is `Secure` as the request is, and has no prefix. */
  isPlain ({ secure }: Given): boolean {
    return !this.#surroundings.isTls && secure === undefined
  }

  /** Name of such a cookie. */
  plainName (sessionName: string, name: unknown): unknown {
    const plain = typeof name === 'string' ? name.replace(PREFIX, '') : name
    this.#surroundings.fellAway(sessionName, String(plain))
    return plain
  }

  /** A key for this process alone if the app has none. */
  async keyOf ({ key, secret, sessionName = 'session' }: Given): Promise<Given> {
    if (key || secret) return {}
    await sodiumReady()
    const bytes = Buffer.alloc(KEY_BYTES)
    fillRandom(bytes)
    this.#surroundings.madeKey(String(sessionName))
    return { key: bytes }
  }
}

/** Undefined in production, and at the edge, where each instance would make a key of its own. */
export function developmentOf (surroundings: Surroundings): Development | undefined {
  return environment('NODE_ENV') === 'production' ? undefined : new Development(surroundings)
}
