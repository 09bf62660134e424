// Types of the export of `require()` of this part of the package. All of them are those of types.ts.
import type * as types from './types.ts'

declare function plugin (...parameters: Parameters<types.CrossOriginProtection>): ReturnType<types.CrossOriginProtection>

declare namespace plugin {
  export const crossOriginProtection: types.CrossOriginProtection
  export { crossOriginProtection as default }
  export type CrossOriginProtection = types.CrossOriginProtection
  export type CrossOriginProtectionOptions = types.CrossOriginProtectionOptions
  export type CrossOriginRouteConfig = types.CrossOriginRouteConfig
  export type TrustedOrigins = types.TrustedOrigins
}

export = plugin
