import { sideWith } from './keys.js'

export const { name, tokens } = sideWith(1)
