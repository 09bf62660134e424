export { fastifySecureSession, fastifySecureSession as default } from './plugin.ts'
export type * from './types.ts'
