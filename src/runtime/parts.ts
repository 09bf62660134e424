import { fail } from '../errors.ts'

// Parts of this package that a session without Fastify has by an option. At the edge a bundle has all that its program can
// reach, needed or not: the app imports the entry points of those parts that it needs, and these provide them here.

interface Parts {
  device: typeof import('../device/codec-devices.ts')
  revocation: typeof import('../revocation/registration.ts')
  registry: typeof import('../registry/registration.ts')
}

const provided: Partial<Parts> = {}

/** Puts a part at the disposal of the sessions that are made from here on. */
export function provide<Name extends keyof Parts> (name: Name, part: Parts[Name]): void {
  provided[name] = part
}

/** @throws `FST_SEALED_SESSION_PART_MISSING` if the app has not imported it */
function partOf<Name extends keyof Parts> (name: Name): Parts[Name] {
  const part = provided[name]
  if (part === undefined) throw fail('PART_MISSING', [name, name], { detail: `Write: import "fastify-sealed-session/${name}".` })
  return part
}

export const codecDevices: Parts['device']['codecDevices'] = (config, given) => partOf('device').codecDevices(config, given)
export const addDevices: Parts['device']['addDevices'] = (...given) => { partOf('device').addDevices(...given) }
export const readRevocationOptions: Parts['revocation']['readRevocationOptions'] = given => partOf('revocation').readRevocationOptions(given)
export const addRevocation: Parts['revocation']['addRevocation'] = (...given) => partOf('revocation').addRevocation(...given)
export const readRegistryOptions: Parts['registry']['readRegistryOptions'] = given => partOf('registry').readRegistryOptions(given)
export const addRegistry: Parts['registry']['addRegistry'] = (...given) => partOf('registry').addRegistry(...given)
