// Entry point `fastify-sealed-session/device` at the edge: it has the option `device` work there. The plugin needs Fastify.
import * as part from './codec-devices.ts'
import { provide } from '../runtime/parts.ts'

provide('device', part)
