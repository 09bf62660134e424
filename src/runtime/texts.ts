import type { ErrorName } from '../error-table.ts'
import type { WarningCode } from '../message-table.ts'
import type { RefusalReason } from '../types.ts'

// The same as error-table.ts and message-table.ts for the edge, where the texts would be a third of a bundle: a message is
// made of the code and the values, and the advice is in the documentation.

const PAGE = 'node_modules/fastify-sealed-session/docs/reference/errors.md'

/** Names of errors with a status code other than 500. */
const STATUS_CODES: Record<number, string> = {
  400: 'ID_INVALID',
  401: 'OVER SUBJECT_NOBODY LOGIN_REQUIRED',
  403: 'NOT_FRESH CROSS_ORIGIN DEVICE_UNPROVEN',
  409: 'REVOKED_MEANWHILE ENDED TOO_MANY_SESSIONS',
  503: 'STORE_UNAVAILABLE STORE_FULL REVOKED_AHEAD STAMP_UNAVAILABLE REGISTRY_UNAVAILABLE'
}

/** Row of an error: its message, such as 'option invalid: %s, %s, %s', its advice, and its status code. */
export function errorRow (name: ErrorName, values: number): readonly [message: string, advice: string, statusCode: number] {
  const status = Object.keys(STATUS_CODES).find(status => STATUS_CODES[Number(status)]?.split(' ').includes(name))
  return [withValues(name, Array<string>(values).fill('%s')), `See FST_SEALED_SESSION_${name} in ${PAGE}.`, Number(status ?? 500)]
}

/** Text of a warning, such as 'key constant: session, key. See …'. */
export function warningText (code: WarningCode, values: readonly unknown[]): string {
  return `${withValues(code.replace('FST_SEALED_SESSION_WARN_', ''), values)}. See ${code} in ${PAGE}.`
}

/** Line of the log for a reason to refuse a token. */
export function refusalText (reason: RefusalReason): string {
  return `${reason}, creating an empty session`
}

function withValues (name: string, values: readonly unknown[]): string {
  const words = name.toLowerCase().replaceAll('_', ' ')
  return values.length === 0 ? words : `${words}: ${values.join(', ')}`
}
