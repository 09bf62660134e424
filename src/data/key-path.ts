/**
 * Place of a value in a session, as one writes it in JavaScript: `cart.items[0]["odd name"]`. Names only,
 * never a value: it stands in messages.
 * @param keys from the outside in; a number is the index of an array.
 */
export function keyPath (keys: readonly PropertyKey[]): string {
  return keys.map(step).join('').replace(/^\./, '')
}

function step (key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  const name = String(key)
  return /^[a-z_$][\w$]*$/i.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}
