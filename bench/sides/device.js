import { boundSide } from './bound.js'

export const { name, app, bound } = boundSide('ES256')
