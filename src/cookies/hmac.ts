import cookiePlugin from '@fastify/cookie'

/** Signs the values of cookies, and checks signatures. */
export type Signer = ReturnType<typeof cookiePlugin.signerFactory>

/** Signer of `@fastify/cookie`. @see runtime/edge-hmac.ts, which is in its place at the edge. */
export const signerFactory: (secrets: string | Buffer | ReadonlyArray<string | Buffer>) => Signer = cookiePlugin.signerFactory as never
