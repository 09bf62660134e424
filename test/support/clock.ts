// Clocks for objects without a timer: their methods run at the time that a test says.

/** `target`, each method of which runs at the time, in milliseconds since 1970, that `now` says. */
export function atTime<Target extends object> (now: () => number, target: Target): Target {
  return new Proxy(target, {
    get (_, name) {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (...values: unknown[]) => runAt(now, () => Reflect.apply(value, target, values)) : value
    }
  })
}

function runAt<Result> (now: () => number, run: () => Result): Result {
  const { now: real } = Date
  Date.now = now
  try {
    return run()
  } finally {
    Date.now = real
  }
}
