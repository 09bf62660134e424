// The cookies that a browser has of the app.

export class Jar {
  #cookies = new Map()

  take (lines) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split('; ')
      const [name, value] = pair.split('=')
      if (attributes.includes('Max-Age=0')) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }

  get pairs () { return [...this.#cookies] }
  get header () { return headerOf(this.pairs) }
}

export function headerOf (pairs) {
  return pairs.map(([name, value]) => `${name}=${value}`).join('; ')
}
