// Name of a device in a list of sessions.

/**
 * Name of a device, for the user who reads the list. Any client can send any header, so this is a hint and no proof.
 * @param {string | undefined} userAgent
 */
export function deviceName (userAgent = 'unknown') {
  const first = (/** @type {string[]} */ names) => names.find(name => userAgent.includes(name))
  // The order counts: Edge and Opera name Chrome, Chrome names Safari, Android names Linux, an iPhone names Mac OS.
  const browser = first(['Firefox', 'Edg', 'OPR', 'Chrome', 'Safari'])
  const system = first(['iPhone', 'iPad', 'Android', 'Windows', 'Mac OS', 'Linux'])
  if (browser === undefined || system === undefined) return userAgent
  return `${{ Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser}, ${system}`
}
