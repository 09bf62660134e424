import type { LightMyRequestResponse } from 'fastify'

/** Cookies of a stand-in for a browser, by name: an app under test has one host. */
export class Jar {
  readonly #values = new Map<string, { value: string, expires: number }>()

  /** Value of the header `Cookie`; '' for none. */
  get header (): string {
    return [...this.#values].filter(([name]) => this.has(name)).map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  has (name: string): boolean {
    return (this.#values.get(name)?.expires ?? -Infinity) > Date.now()
  }

  remove (name: string): void {
    this.#values.delete(name)
  }

  take ({ headers }: LightMyRequestResponse): void {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=;]*)=([^;]*)/.exec(line) ?? []
      const [, maxAge] = /; Max-Age=(-?\d+)/i.exec(line) ?? []
      const [, expires] = /; Expires=([^;]*)/i.exec(line) ?? []
      const end = maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires === undefined ? Infinity : Date.parse(expires)
      this.#values.set(name, { value, expires: end })
    }
  }
}
