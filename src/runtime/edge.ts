// The same as node.ts for runtimes that are not Node.js, made of nothing but web standards: what one of them has of
// Node.js, another one lacks.

/** Makes a class of errors, with the properties that those of Fastify have. */
export function createError (code: string, message: string, statusCode: number, Base: ErrorConstructor): new (...values: unknown[]) => Error {
  return class extends Base {
    override readonly name = 'FastifyError'
    readonly code = code
    readonly statusCode = statusCode

    constructor (...values: unknown[]) {
      super(format(message, ...values))
    }

    override toString (): string { return `${this.name} [${this.code}]: ${this.message}` }
  }
}

/** Channel that nobody listens to. */
export function channel (name: string): { readonly name: string, readonly hasSubscribers: boolean, publish: (message: unknown) => void } {
  return { name, hasSubscribers: false, publish () {} }
}

/** Text with each `%s` replaced by a value. */
export function format (text: string, ...values: unknown[]): string {
  let next = 0
  return text.replace(/%s/g, () => String(values[next++]))
}

const BOXED = ['BigInt', 'Boolean', 'Number', 'String', 'Symbol'].map(isA)

/** Kinds of objects, also of those that another realm has made. */
export const types = {
  isBigIntObject: isA('BigInt'),
  isDate: isA('Date'),
  isMap: isA('Map'),
  isNativeError: isA('Error'),
  isPromise: isA('Promise'),
  isSet: isA('Set'),
  isSymbolObject: isA('Symbol'),
  isUint8Array: isA('Uint8Array') as (value: unknown) => value is Uint8Array,
  isWeakMap: isA('WeakMap'),
  isWeakSet: isA('WeakSet'),
  isBoxedPrimitive: (value: unknown): boolean => BOXED.some(is => is(value))
}

function isA (name: string): (value: unknown) => boolean {
  return value => typeof value === 'object' && Object.prototype.toString.call(value) === `[object ${name}]`
}

/** True in this file. */
export const IS_EDGE: boolean = true

/** Variable of the environment; undefined in a runtime that has none. */
export function environment (name: string): string | undefined {
  return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name]
}

/** Writes a warning to the runtime's log. */
export function emitWarning (message: string, code: string): void {
  console.warn(`[${code}] ${message}`)
}

/** True: no runtime but Node.js tells, and a signal that somebody listens to must be kept. */
export function hasAbortListener (): boolean {
  return true
}
