export { sessionRevocation, sessionRevocation as default } from './plugin.ts'
export { MemoryStore } from './memory-store.ts'
export type * from './types.ts'
