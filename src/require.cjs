// What `require()` of this package returns: the plugin itself, which has the named exports on it.
module.exports = require('./index.js').default
