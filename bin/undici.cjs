// What of undici is used here. Its own index loads a browser's network besides (fetch, WebSocket, caches, recorders for tests), and each start of the
// shell would pay for it: the bundles and the tests get this file in its place.
const api = require('../node_modules/undici/lib/api')
const buildConnector = require('../node_modules/undici/lib/core/connect')
const Client = require('../node_modules/undici/lib/dispatcher/client')
const Dispatcher = require('../node_modules/undici/lib/dispatcher/dispatcher')
const Pool = require('../node_modules/undici/lib/dispatcher/pool')

// As its index does.
Object.assign(Dispatcher.prototype, api)

module.exports = { buildConnector, Client, Pool }
