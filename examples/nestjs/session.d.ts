import 'fastify-sealed-session'

declare module 'fastify-sealed-session' {
  interface SessionData {
    name: string
    visits: number
  }
}
