import { assertNoneReserved, type Data, keyPath } from './data.ts'
import { kindOf, fail, type SealedSessionError } from '../errors.ts'
import type { StandardIssue, StandardResult, StandardSchema } from '../types.ts'

/** Check of a session's data against a schema of the app's. */
export class DataSchema {
  readonly #schema: StandardSchema

  /** @throws `FST_SEALED_SESSION_SCHEMA_ASYNC` if that shows with an empty session. */
  constructor (schema: StandardSchema) {
    this.#schema = schema
    this.#probe()
  }

  /** Tries an empty session. Any other error than that of an asynchronous schema says nothing of a full one. */
  #probe (): void {
    this.#tryValidate({})
  }

  /**
   * Checks that a session may be sealed.
   * @throws `FST_SEALED_SESSION_SCHEMA_INVALID`, `FST_SEALED_SESSION_SCHEMA_FAILED`,
   * `FST_SEALED_SESSION_SCHEMA_ASYNC`
   */
  check (data: Data): void {
    const { issues } = this.#validate(data)
    if (issues !== undefined) throw fail('SCHEMA_INVALID', [pathsOf(issues)])
  }

  /**
   * Data of a token as the schema returns it; null if it is not valid, or the schema throws.
   * @throws `FST_SEALED_SESSION_SCHEMA_ASYNC`
   */
  read (data: Data): Data | null {
    const result = this.#tryValidate(data)
    return result === null || result.issues !== undefined ? null : plainData(result.value)
  }

  #tryValidate (data: Data): StandardResult | null {
    try {
      return this.#validate(data)
    } catch (error) {
      // A mistake of the app's: no client can cause it.
      if ((error as SealedSessionError).code === 'FST_SEALED_SESSION_SCHEMA_ASYNC') throw error
      return null
    }
  }

  /** @throws `FST_SEALED_SESSION_SCHEMA_FAILED`, `FST_SEALED_SESSION_SCHEMA_ASYNC` */
  #validate (data: Data): StandardResult {
    let result: unknown
    try {
      result = this.#schema['~standard'].validate(data)
    } catch (cause) {
      throw failed('has thrown', cause)
    }
    if (typeof result !== 'object' || result === null) throw failed(`has returned ${kindOf(result)}`)
    if (!('then' in result)) return result as StandardResult
    Promise.resolve(result).catch(() => null) // nobody looks at it
    throw fail('SCHEMA_ASYNC')
  }
}

function failed (what: string, cause?: unknown): SealedSessionError {
  return fail('SCHEMA_FAILED', [what], { cause })
}

function plainData (value: unknown): Data | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  try {
    assertNoneReserved(value)
    return { ...value }
  } catch {
    return null // a getter that fails, or a name that is the session's own
  }
}

const MAX_PATHS = 5

/** Places where a session is not valid: names only, since messages of schemas may have values in them. */
function pathsOf (issues: readonly StandardIssue[]): string {
  const paths = [...new Set(issues.map(({ path = [] }) => keyPath(path.map(keyOf)) || 'its top level'))]
  const more = paths.length - MAX_PATHS
  return paths.slice(0, MAX_PATHS).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function keyOf (segment: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof segment === 'object' ? segment.key : segment
}
