import type { FastifyPluginAsync } from 'fastify'

/** Origins whose pages may send requests that change something, with the user's session. */
export interface TrustedOrigins {
  /**
   * Origins as browsers send them: scheme, host and, if it is not the default one of the scheme, port, such as
   * `https://app.example` or `https://app.example:8443`. Default: none but the app's own. Every page of a trusted
   * origin can act as the user.
   * @throws `FST_SEALED_SESSION_ORIGIN_INVALID` for a path, a slash at the end, a wildcard, `null` and anything
   * else that no browser sends.
   */
  trustedOrigins?: readonly string[] | undefined
}

/** Options of `crossOriginProtection`. */
export interface CrossOriginProtectionOptions extends TrustedOrigins {}

/**
 * Setting of a route, in its `config`: `false` lets every site send to it; an object trusts more origins there
 * than the app does.
 */
export type CrossOriginRouteConfig = boolean | TrustedOrigins

/** The plugin that refuses requests of other origins. */
export type CrossOriginProtection = FastifyPluginAsync<CrossOriginProtectionOptions>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Setting of `crossOriginProtection` for this route. Default: the app's. */
    crossOriginProtection?: CrossOriginRouteConfig | undefined
  }
}
