import 'fastify-sealed-session'

declare module 'fastify-sealed-session' {
  interface Sessions {
    session: { name: string, visits: number }
  }
}
