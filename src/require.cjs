// Export of `require()` of this package: the plugin itself, which has the named exports on it.
module.exports = require('./index.js').default
