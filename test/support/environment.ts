import type { TestContext } from 'node:test'

/** Sets NODE_ENV for the rest of a test. @param value undefined: it is not set. */
export function setEnvironment (t: TestContext, value: string | undefined): void {
  const { NODE_ENV } = process.env
  assign(value)
  t.after(() => { assign(NODE_ENV) })
}

function assign (value: string | undefined): void {
  if (value === undefined) delete process.env.NODE_ENV
  else process.env.NODE_ENV = value
}
