import type { FastifyPluginAsync } from 'fastify'
import type { AnySession } from '../types.ts'

/** Algorithm of a device's key. `'RS256'` is for old TPMs. */
export type DeviceAlgorithm = 'ES256' | 'RS256'

/** Options of `deviceBinding`. */
export interface DeviceBindingOptions {
  /** The session that is bound. Default: the first one registered. */
  sessionName?: string | undefined

  /**
   * Seconds that a proof counts: as long as that, stolen cookies are good for. Default 600; 300 to 86400. With less the
   * browser's own limit of signatures runs out.
   */
  interval?: number | undefined

  /**
   * `'prefer'`, the default: sessions that are not bound work as without this plugin. `'require'`: one that is not bound
   * reads as empty `grace` seconds after it began, which locks out all browsers that cannot bind. `'off'`: nothing is
   * offered, and bound sessions open without a proof, and are sealed without the binding. It is the way to roll back.
   */
  policy?: 'prefer' | 'require' | 'off' | undefined

  /** Seconds that a session may be unbound with `'require'`: as long as that, it can be bound. Default 60. */
  grace?: number | undefined

  /**
   * Seconds after which a session that is not bound has expired, counted from when it began: what a copy from before the
   * binding is good for. A session that goes on by `regenerate(keys)` or by an assignment has begun before that. Default:
   * as long as any other.
   */
  unboundExpiry?: number | undefined

  /**
   * Sessions that are offered a binding: those for which it returns true, such as
   * `session => session.get('userId') !== undefined`. Default: all. It must not write, and returns no promise. What it
   * throws fails the request. With `policy: 'require'`, those that it leaves out read as empty after `grace`, too.
   */
  when?: ((session: AnySession) => boolean) | undefined

  /**
   * Path of the endpoint, below the prefix of the context. It has to lie below the path of the cookie. Default
   * `/session-device`, and `/session-device/NAME` for a session with another name than `session`.
   */
  path?: string | undefined

  /** The same as browsers see it, if a proxy takes a part of the path away. Default: the prefix and `path`. */
  publicPath?: string | undefined

  /** Algorithms that are offered, in the order of preference. Default `['ES256']`. */
  algorithms?: readonly DeviceAlgorithm[] | undefined

  /**
   * Hosts of other sites, such as `'partner.example'` or `'*.partner.example'`, whose links may cause a refresh. Default
   * `['*']`, for all; `[]` with `sameSite: 'none'`. Without them, a link from another site shows a page as if the user
   * were logged out.
   */
  initiators?: readonly string[] | undefined

  /**
   * True to have subdomains refresh, too. Default: true if the cookie has a `domain`, and then sessions are bound only at
   * that domain itself: browsers refuse it elsewhere, so that a session that was bound there would end with its first
   * proof. Write true to bind at subdomains, too, which needs a file at `/.well-known/device-bound-sessions` of the domain.
   */
  includeSite?: boolean | undefined
}

/** The plugin that binds sessions to devices. */
export type DeviceBinding = FastifyPluginAsync<DeviceBindingOptions>
