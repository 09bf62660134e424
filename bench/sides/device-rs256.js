import { boundSide } from './bound.js'

export const { name, app, bound } = boundSide('RS256')
